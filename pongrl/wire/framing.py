"""Messages as bytes: a header and a body; every integer on the wire is big-endian.

┌──────────┬────────────┬──────────────┐
│ kind  u8 │ length u32 │ body, length │      length is checked against the kind's own limit
└──────────┴────────────┴──────────────┘      before a byte of the body is waited for
"""

from __future__ import annotations

import enum
import struct
from collections.abc import Mapping
from typing import Any

from pongrl.errors import ProtocolError


@enum.unique
class Kind(enum.IntEnum):
    """What a message is; the number is the header's first byte."""

    HELLO = 1
    PROOF = 2
    ACTION = 3
    PAUSE = 4
    PING = 5
    BYE = 6
    HEARTBEAT = 7
    CHALLENGE = 16
    REFUSAL = 17
    WELCOME = 18
    STEP = 19
    PONG = 20
    VIEW = 21


_HEADER = struct.Struct("!BI")


def message(kind: Kind, body: bytes = b"") -> bytes:
    """One whole message, ready to send."""
    return _HEADER.pack(kind, len(body)) + body


class Parser:
    """Bytes in, messages out: `feed` what came, then `next` until it gives None.

    It never holds more than one message of the largest kind allowed, and what was fed beyond it.
    """

    def __init__(self, limits: Mapping[int, int]) -> None:
        self.limits = limits
        self._buffer = bytearray()

    def feed(self, data: bytes) -> None:
        """Add bytes as they came."""
        self._buffer += data

    def next(self) -> tuple[Kind, bytes] | None:
        """Take the next whole message (kind, body) out, or None while it is not all there.

        Raises:
            ProtocolError: a kind that may not come now, or a length beyond that kind's limit.
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


def unpack(layout: struct.Struct, kind: Kind, body: bytes) -> tuple[Any, ...]:
    if len(body) != layout.size:
        raise ProtocolError(f"a {kind.name} of {len(body)} bytes instead of {layout.size}")
    return layout.unpack(body)
