"""The errors that this package raises, each with one sentence for a person to read.

PongError                 something went wrong that a person can act on
├── UsageError            an option or an argument is out of its range (also a ValueError)
├── CheckpointError       a checkpoint cannot be read or written
├── ProtocolError         the peer broke the protocol, or does not speak it at all
├── RefusedError          the server answered and refused us (.reason says why: a Refusal)
└── ConnectionLostError   the peer left or went silent, or the network failed
    └── GoodbyeError      the peer said that it leaves

Programs print the sentence and exit; a traceback means a bug of ours. Wrong use of a class, such as a call
before `connect`, raises Python's own ValueError or RuntimeError.
"""

from __future__ import annotations

import enum


@enum.unique
class Refusal(enum.IntEnum):
    """Why a server refuses a client; the number is what crosses the wire."""

    VERSION = 1
    TOKEN = 2
    ROLE = 3
    BUSY = 4


class PongError(Exception):
    """One sentence for a person: what happened, to what, and what to do about it."""


class UsageError(PongError, ValueError):
    """An option or an argument is out of its range; the sentence names it and the range."""


class CheckpointError(PongError):
    """A checkpoint cannot be read or written."""


class ProtocolError(PongError):
    """The peer broke the protocol, or does not speak it at all."""


class RefusedError(PongError):
    """The server answered and refused us; `reason` says why in one word, the message in a sentence."""

    def __init__(self, reason: Refusal, sentence: str) -> None:
        super().__init__(sentence)
        self.reason = reason

    def __reduce__(self) -> tuple[type[RefusedError], tuple[Refusal, str]]:
        return type(self), (self.reason, str(self))  # pickle would pass the sentence alone


class ConnectionLostError(PongError):
    """The peer left or went silent, or the network between failed."""


class GoodbyeError(ConnectionLostError):
    """The peer said that it leaves, then ended the connection."""
