"""Every error that this package raises for a person to read.

PongError                 one sentence for a person: what happened, and what to do
├── UsageError            an option or an argument is out of its range (also a ValueError)
├── CheckpointError       a checkpoint cannot be read or written
├── ProtocolError         the peer broke the protocol, or is no Pong peer at all
├── RefusedError          the server answered, and refused us (.reason says why)
└── ConnectionLostError   the peer left, or went silent, or the network did
    └── GoodbyeError      the peer said that it leaves
"""

from __future__ import annotations

import enum


class PongError(Exception):
    """One sentence for a person: what happened, to what, and what to do about it."""


class ProtocolError(PongError):
    """The peer broke the protocol, or is no Pong peer at all."""


class UsageError(PongError, ValueError):
    """An option that cannot be; the sentence says which and what it may be."""


class CheckpointError(PongError):
    """A checkpoint that cannot be read, or not be written."""


class RefusedError(PongError):
    """The server answered and refused; `reason` says why in a word, the message in a sentence."""

    def __init__(self, reason: Refusal, sentence: str) -> None:
        super().__init__(sentence)
        self.reason = reason


class ConnectionLostError(PongError):
    """The peer left, or went silent, or the network between did."""


class GoodbyeError(ConnectionLostError):
    """The peer ended the connection in order, and said so."""


@enum.unique
class Refusal(enum.IntEnum):
    """Why a server refuses."""

    VERSION = 1
    TOKEN = 2
    ROLE = 3
    BUSY = 4
