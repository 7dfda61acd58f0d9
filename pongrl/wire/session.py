"""What a client asks for (Role) and what the server plays (Session), with the sizes that both may have."""

from __future__ import annotations

import enum
import re
import unicodedata
from dataclasses import asdict, dataclass, fields

from pongrl.errors import ProtocolError
from pongrl.text import printable
from pongrl.wire.plain import dumps, loads

DEFAULT_PORT = 12345
IDENTITY_BYTES = 16
NOBODY = bytes(IDENTITY_BYTES)  # the identity of a client that will not come back
NAME_BYTES = 96  # of a client's name, as it crosses: 24 characters of four bytes
LONGEST_NAME = 24  # characters of it that are shown
# Characters that nobody sees, so that two names could look alike: joiners, marks of direction, fillers.
_INVISIBLE = re.compile(
    "[\u00ad\u034f\u061c\u115f\u1160\u17b4\u17b5\u180b-\u180f\u200b-\u200f\u202a-\u202e\u2060-\u206f"
    "\u2800\u3164\ufe00-\ufe0f\ufeff\uffa0\ufff0-\ufff8\U00016fe4\U0001bca0-\U0001bca3\U0001d159\U0001d173-\U0001d17a"
    "\U000e0000-\U000e0fff]"
)

PONG_FRAME = 50, 70  # rows and columns; pongrl.game.camera has the same numbers, and a test compares them
MAX_GAMES = 128
MAX_FRAME_CELLS = 1 << 16  # the place of a cell in its frame crosses as u16
MAX_STEP_CELLS = 1 << 19  # in all frames of one STEP: reading the worst one takes 14 MB


def name_of(said: bytes) -> str:
    """Read the name that a client gives itself.

    Returns:
        At most 24 characters of one line, ready to print, with single spaces; empty if there is none.
    """
    text = unicodedata.normalize("NFKC", _INVISIBLE.sub("", said.decode(errors="replace")))
    words = _INVISIBLE.sub("", text).split()
    return printable(" ".join(words)[:LONGEST_NAME].strip())[:LONGEST_NAME].rstrip()


def against(level: int, is_pong: bool = True) -> str:
    """Say whom an agent plays against where the built-in AI has this level; `is_pong` if in our game."""
    return f"level {level}" if level else "an arena" if is_pong else "another game"


@enum.unique
class Role(enum.IntEnum):
    """What a client asks to be: the player of one paddle, or a spectator."""

    LEFT = 0
    RIGHT = 1
    WATCH = 2


@dataclass(frozen=True)
class Session:
    """What the server plays, told once in WELCOME. The frames of all games have one size."""

    games: int
    height: int  # of a frame, in cells
    width: int
    level: int  # of the built-in AI; 0 in an arena, where all kinds of players meet, and in other games
    frameskip: int  # ticks in one decision
    ticks_per_second: int  # in real time
    points_to_win: int
    lockstep: bool

    def serialize(self) -> bytes:
        """Return the parameters as they cross in WELCOME."""
        return dumps(asdict(self))

    @classmethod
    def parse(cls, body: bytes) -> Session:
        """Read the parameters in WELCOME.

        Raises:
            ProtocolError: they are others, or out of their ranges.
        """
        values = loads(body)
        if type(values) is not dict or values.keys() != {field.name for field in fields(cls)}:
            raise ProtocolError("a WELCOME without the session's parameters")
        numbers = {name: value for name, value in values.items() if name != "lockstep"}
        if type(values["lockstep"]) is not bool or not all(
            type(number) is int and (name != "level") <= number <= 1_000_000
            for name, number in numbers.items()
        ):
            raise ProtocolError("a WELCOME with a parameter out of its range")
        session = cls(**values)
        cells = session.height * session.width
        if session.games > MAX_GAMES or cells > MAX_FRAME_CELLS or cells * session.games > MAX_STEP_CELLS:
            raise ProtocolError("a WELCOME with more or larger games than one connection carries")
        return session

    @property
    def is_our_game(self) -> bool:
        """Whether our own Pong is played. Its frames say so: no other game's may be of that size."""
        return (self.height, self.width) == PONG_FRAME

    @property
    def is_arena(self) -> bool:
        """Whether an arena's matches are played."""
        return self.is_our_game and not self.level

    @property
    def against(self) -> str:
        """Whom an agent plays against, in words."""
        return against(self.level, self.is_our_game)

    @property
    def step_limit(self) -> int:
        """The size of the largest STEP in bytes: three for every cell, and a little for each game."""
        return 512 + self.games * (128 + 3 * self.height * self.width)
