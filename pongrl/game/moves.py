"""The moves of a paddle, their names, and how far each carries it."""

from __future__ import annotations

STAY, UP, DOWN = 0, 1, 2  # an agent's moves
MOVE_NAMES = ("stay", "up", "down")
VELOCITY = (0, -5, 5)  # of an agent's or a person's paddle, pixels per tick, by move
