"""All messages after the handshake: the small ones are laid out here, the large ones next door.

    session.py   Role, Session: what is asked for and what is played; the parameters in WELCOME
    step.py      Step, Column, Mover: one state of all games, which an ACTION answers
    view.py      View: what a person who watches is shown
    here         ACTION, PAUSE, PING, BYE, REFUSAL: fixed layouts, which the listening side reads too

What writes a layout stands beside what reads it. What reads it trusts nothing, and raises ProtocolError.
Session, Step and View cross as pickles of plain values (plain.py); only the side that connected reads them.
All names can be imported from here.
"""

from __future__ import annotations

import struct

from pongrl.errors import ProtocolError, Refusal, RefusedError
from pongrl.text import printable
from pongrl.wire.framing import Kind, message
from pongrl.wire.session import (
    DEFAULT_PORT,
    IDENTITY_BYTES,
    MAX_FRAME_CELLS,
    MAX_GAMES,
    MAX_STEP_CELLS,
    NAME_BYTES,
    NOBODY,
    Role,
    Session,
    name_of,
)
from pongrl.wire.step import Column, Mover, Step, number_after
from pongrl.wire.view import View

__all__ = [  # noqa: RUF022  # in the order of reading
    # of the large messages
    "DEFAULT_PORT", "IDENTITY_BYTES", "NOBODY", "NAME_BYTES", "name_of",
    "MAX_GAMES", "MAX_FRAME_CELLS", "MAX_STEP_CELLS",
    "Role", "Session", "Column", "Mover", "Step", "number_after", "View",
    # of the small ones
    "MAGIC", "VERSION", "NUMBER", "ECHO", "REASON_BYTES", "printable",
    "action", "parse_action", "pause", "parse_pause", "parse_echo", "goodbye", "parse_goodbye",
    "refusal", "parse_refusal",
]  # fmt: skip

MAGIC = b"PONG-RL\n"
VERSION = 3
NUMBER = struct.Struct("!I")  # of a STEP
ECHO = struct.Struct("!Q")  # what a PING says and its PONG repeats
REASON_BYTES = 400  # the longest sentence in a REFUSAL or a BYE


def action(number: int, moves: bytes) -> bytes:
    """Return an ACTION, the answer to STEP `number`: one byte per game."""
    return message(Kind.ACTION, NUMBER.pack(number) + moves)


def parse_action(body: bytes, games: int) -> tuple[int, bytes]:
    """Read an ACTION.

    Returns:
        The number of the STEP that it answers, and the moves, one byte per game.

    Raises:
        ProtocolError: it has not one byte per game.
    """
    if len(body) != NUMBER.size + games:
        raise ProtocolError(f"an ACTION of {len(body)} bytes for {games} games")
    return NUMBER.unpack_from(body)[0], body[NUMBER.size :]


def pause(paused: bool) -> bytes:
    """Return a PAUSE, which stops the game or lets it go on."""
    return message(Kind.PAUSE, bytes((paused,)))


def parse_pause(body: bytes) -> bool:
    """Read a PAUSE.

    Returns:
        True to stop, False to go on.

    Raises:
        ProtocolError: it says something else.
    """
    if body not in (b"\0", b"\1"):
        raise ProtocolError("a PAUSE that is neither 0 nor 1")
    return body == b"\1"


def parse_echo(body: bytes) -> bytes:
    """Read a PING.

    Returns:
        Its body, which the PONG sends back.

    Raises:
        ProtocolError: it has another length.
    """
    if len(body) != ECHO.size:
        raise ProtocolError(f"a PING of {len(body)} bytes instead of {ECHO.size}")
    return body


def goodbye(reason: str) -> bytes:
    """Return a BYE with its reason, which may be empty."""
    return message(Kind.BYE, reason.encode()[:REASON_BYTES])


def parse_goodbye(body: bytes) -> str:
    """Read a BYE: return its reason, ready to print."""
    return printable(body.decode(errors="replace"))


def refusal(error: RefusedError) -> bytes:
    """Return the REFUSAL that tells a peer why it is refused."""
    sentence = str(error).encode()[:REASON_BYTES].decode(errors="ignore")
    return message(Kind.REFUSAL, bytes((error.reason,)) + sentence.encode())


def parse_refusal(body: bytes) -> RefusedError:
    """Read a REFUSAL: return the error that a person here is to see.

    Raises:
        ProtocolError: it gives no reason, or is not text.
    """
    try:
        reason, sentence = Refusal(body[0]), printable(body[1:].decode())
    except (IndexError, ValueError) as error:
        raise ProtocolError("a REFUSAL without a reason") from error
    return RefusedError(reason, f"the server refused: {sentence}")
