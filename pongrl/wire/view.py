"""VIEW: what a person who watches is shown, sixty times a second at most; it needs no answer."""

from __future__ import annotations

from dataclasses import dataclass

from pongrl.errors import ProtocolError
from pongrl.text import printable
from pongrl.wire.framing import Kind, message
from pongrl.wire.plain import dumps, loads

_STATUS_CHARACTERS = 150
WIDTH, HEIGHT = 700, 500  # of the court; pongrl.game.rules has the same numbers, and a test compares them
MOST = (1 << 31) - 1  # of anything that is counted; a server for weeks in lockstep counts more


@dataclass(frozen=True)
class View:
    """What a person is shown of one moment of the first game, at the server or across a network."""

    ball: tuple[int, int]
    paddles: tuple[int, int]
    score: tuple[int, int]
    matches: int  # finished
    last_match: tuple[int, int] | None  # its score
    rally: int  # hits in this point
    last_rally: int  # hits in the point before
    sounds: tuple[int, int, int]  # hits, bounces and points so far; a change of one is a sound
    status: str

    def serialize(self) -> bytes:
        """Return the whole message.

        Of `matches` and `sounds` a change counts, so after MOST they go on from 0. All else stays at MOST.
        """
        score, last, rallies = _held(self.score), self.last_match, _held((self.rally, self.last_rally))
        played = (score, self.matches & MOST, last and _held(last), *rallies)
        sounds, status = tuple(count & MOST for count in self.sounds), self.status[:_STATUS_CHARACTERS]
        return message(Kind.VIEW, dumps((self.ball, self.paddles, *played, sounds, status)))

    @classmethod
    def parse(cls, body: bytes) -> View:
        """Read the body of a VIEW.

        Raises:
            ProtocolError: it is no VIEW.
        """
        match loads(body):
            case (
                (int(), int()) as ball, (int(), int()) as paddles, (int(), int()) as score, int(matches),
                None | (int(), int()) as last, int(rally), int(before), (int(), int(), int()) as sounds,
                str(status),
            ) if (
                _are_within(ball[:1], WIDTH) and _are_within((ball[1], *paddles), HEIGHT)
                and _are_within((*score, *(last or ()), matches, rally, before, *sounds), MOST)
            ):  # fmt: skip
                words = printable(status[:_STATUS_CHARACTERS])
                return cls(ball, paddles, score, matches, last, rally, before, sounds, words)
        raise ProtocolError("a VIEW that is none")


def _held(numbers: tuple[int, ...]) -> tuple[int, ...]:
    return tuple(min(number, MOST) for number in numbers)


def _are_within(numbers: tuple[int, ...], most: int) -> bool:
    return all(0 <= number <= most for number in numbers)
