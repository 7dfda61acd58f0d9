"""Messages as bytes: a header and a body. Every integer on the wire is big-endian.

┌──────────┬────────────┬──────────────┐
│ kind  u8 │ length u32 │ body, length │      the length is checked against the limit of its kind
└──────────┴────────────┴──────────────┘      before a byte of the body is waited for

A Parser turns the bytes of a stream back into messages. It takes only the kinds in its table of limits
(pongrl/wire/limits.py), so a peer can neither send what is not its turn nor fill our memory.
"""

from __future__ import annotations

import enum
import struct
from collections.abc import Mapping
from typing import TypeAlias

from pongrl.errors import ProtocolError

_HEADER = struct.Struct("!BI")


@enum.unique
class Kind(enum.IntEnum):
    """What a message is; the number is the first byte of its header."""

    # from whoever connects
    HELLO = 1
    PROOF = 2
    ACTION = 3
    PAUSE = 4
    PING = 5
    # from both sides
    BYE = 6
    HEARTBEAT = 7
    # from the server
    CHALLENGE = 16
    REFUSAL = 17
    WELCOME = 18
    STEP = 19
    PONG = 20
    VIEW = 21


Message: TypeAlias = tuple[Kind, bytes]  # a message that came: its kind and its body


def message(kind: Kind, body: bytes = b"") -> bytes:
    """Return one whole message, ready to send."""
    return _HEADER.pack(kind, len(body)) + body


class Parser:
    """Turn bytes into messages: `feed` what came, then call `next` until it returns None.

    It holds the message that is coming in, and what was fed beyond it, never more.

    Args:
        limits: the largest body of each kind that may come, in bytes; other kinds are refused. A new table
            is assigned to `limits` when the peer may send other messages.
    """

    def __init__(self, limits: Mapping[int, int]) -> None:
        self.limits = limits
        self._buffer = bytearray()

    def feed(self, data: bytes) -> None:
        """Add bytes as they came."""
        self._buffer += data

    def next(self) -> Message | None:
        """Take the next whole message out.

        Returns:
            Its kind and its body; None while it has not all come.

        Raises:
            ProtocolError: the kind may not come now, or the length is beyond its limit.
        """
        if len(self._buffer) < _HEADER.size:
            if self._buffer and self._buffer[0] not in self.limits:
                raise ProtocolError(f"a message of kind {self._buffer[0]}, which may not come here")
            return None
        kind, length = _HEADER.unpack_from(self._buffer)
        limit = self.limits.get(kind)
        if limit is None:
            raise ProtocolError(f"a message of kind {kind}, which may not come here")
        if length > limit:
            raise ProtocolError(f"a {Kind(kind).name} of {length} bytes, where {limit} are allowed")
        end = _HEADER.size + length
        if len(self._buffer) < end:
            return None
        body = bytes(self._buffer[_HEADER.size : end])
        del self._buffer[:end]
        return Kind(kind), body
