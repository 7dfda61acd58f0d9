"""Doors to other tools. Each needs more than the game does, and says what if it is not installed."""
