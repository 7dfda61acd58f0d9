"""What one agent is sent and says: answers that are due, and what breaks the rules."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from pongrl.errors import ProtocolError
from pongrl.game.moves import DOWN, STAY, UP
from pongrl.server.conversation import Conversation
from pongrl.server.hand import Hand
from pongrl.wire.framing import Kind, message
from pongrl.wire.messages import Column, Mover, Role, Step, action

ECHO = b"12345678"


class Peer:
    """In place of a connection: messages to be taken, and those that were sent."""

    peer = "192.0.2.1:1"

    def __init__(self, *came: bytes) -> None:
        self.came, self.sent, self.reason = list(came), [], ""  # type: ignore[var-annotated]

    def take(self) -> Any:
        if not self.came:
            return None
        data = self.came.pop(0)
        return Kind(data[0]), data[5:]

    def send(self, data: bytes) -> None:
        self.sent.append(data)

    def close(self, reason: str) -> None:
        self.reason = reason


def talk_of(*came: bytes, games: int = 1) -> tuple[Conversation, Peer, list[Hand]]:
    peer, hands = Peer(*came), [Hand() for _ in range(games)]
    return Conversation(peer, Role.LEFT, hands), peer, hands  # type: ignore[arg-type]


def step(number: int, games: int = 1) -> Step:
    frames, table = np.zeros((games, 50, 70), np.uint8), np.zeros((games, len(Column)), np.int32)
    return Step.of(number, 0, frames, table)


def test_an_answer_sets_the_moves_until_the_next_state_is_sent() -> None:
    talk, peer, hands = talk_of(action(0, bytes([UP, DOWN])), games=2)
    talk.send(step(0, 2))
    assert not talk.answered
    assert talk.hear() is Kind.ACTION
    assert talk.answered
    assert [(hand.move, hand.mover) for hand in hands] == [(UP, Mover.AGENT), (DOWN, Mover.AGENT)]
    talk.send(step(talk.next_number, 2))
    assert [(hand.move, hand.mover) for hand in hands] == [(UP, Mover.HELD), (DOWN, Mover.HELD)]
    assert [data[0] for data in peer.sent] == [Kind.STEP] * 2
    assert talk.hear() is None


def test_numbers_of_states_begin_at_0_and_begin_again_after_the_largest() -> None:
    talk, _, _ = talk_of()
    assert talk.next_number == 0
    talk.send(step((1 << 32) - 1))
    assert talk.next_number == 0


@pytest.mark.parametrize(
    ("answers", "sentence"),
    [
        ([action(0, b"\3")], "a move that is not 0"), ([action(7, b"\1")], "for STEP 7 where 0 is due"),
        ([action(0, b"\1"), action(0, b"\1")], "for STEP 0 where 1 is due"),
        ([action(0, b"\1\1")], "an ACTION of 6 bytes for 1 games"),
        ([message(Kind.PAUSE, b"\2")], "a PAUSE that is neither 0 nor 1"),
        ([message(Kind.PING, b"")], "a PING of 0 bytes"),
    ],
)  # fmt: skip
def test_what_breaks_the_rules_is_a_protocol_error(answers: list[bytes], sentence: str) -> None:
    talk, _, _ = talk_of(*answers)
    talk.send(step(0))
    with pytest.raises(ProtocolError, match=sentence):
        list(iter(talk.hear, None))


def test_a_late_agents_move_goes_on_for_one_decision_and_then_its_paddle_stands() -> None:
    talk, _, (hand,) = talk_of(action(0, bytes([DOWN])), action(1, bytes([UP])))
    talk.send(step(0))
    talk.hear()
    talk.send(step(1))
    moves = []
    for _ in range(3):
        talk.drop()
        moves.append(hand.move)
    assert (moves, talk.dropped) == ([DOWN, STAY, STAY], 3)
    talk.hear()
    assert (hand.move, hand.mover, talk.answered) == (UP, Mover.AGENT, True)
    talk.send(step(2))
    talk.drop()
    assert (hand.move, talk.dropped) == (UP, 4)


def test_pings_and_pauses_are_heard_at_any_time() -> None:
    talk, peer, _ = talk_of(
        message(Kind.PING, ECHO),
        message(Kind.PAUSE, b"\1"),
        message(Kind.PING, ECHO),
        message(Kind.PAUSE, b"\0"),
    )
    seen = []
    while talk.hear() is not None:
        seen.append(talk.paused)
    assert seen == [False, True, True, False]
    assert peer.sent == [message(Kind.PONG, ECHO)] * 2


def test_the_end_lets_the_paddles_stand_and_says_why() -> None:
    talk, peer, (hand,) = talk_of(action(0, bytes([DOWN])))
    talk.send(step(0))
    talk.hear()
    talk.end("because")
    assert (hand.move, hand.mover, peer.reason) == (STAY, Mover.HELD, "because")
