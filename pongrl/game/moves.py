"""The three moves of a paddle: their numbers on the wire, their names, and their speeds.

Agents and people have these three. The built-in AI (players.py) is not bound to them: it moves by any speed.
"""

from __future__ import annotations

STAY, UP, DOWN = 0, 1, 2
MOVE_NAMES = ("stay", "up", "down")
VELOCITY = (0, -5, 5)  # pixels per tick, by move; y grows downwards
