"""A server of our own: started, found, ended, and what it wrote when it did not start."""

from __future__ import annotations

import contextlib

import pytest

from pongrl.agent.local_server import LocalServer, training_flags
from pongrl.errors import PongError
from pongrl.wire.client import PongClient


@pytest.mark.parametrize(
    ("level", "games", "seed", "flags"),
    [
        (None, 16, None, "--headless --lockstep --games 16"),
        (3, 1, 7, "--headless --lockstep --games 1 --level 3 --seed 7"),
    ],
)
def test_a_server_to_train_on_gets_its_flags(
    level: int | None, games: int, seed: int | None, flags: str
) -> None:
    assert training_flags(level, games, seed) == tuple(flags.split())


def test_it_is_there_and_ends_when_it_is_closed() -> None:
    with contextlib.closing(LocalServer(training_flags(1, 2, 3), debug=False)) as server:
        with PongClient(port=server.port, token=server.token) as client:
            assert client.connect().number == 0
            assert (client.session.level, client.session.games) == (1, 2)
        assert not server.has_ended()
        assert "said goodbye" in server.last_words()
        assert server.has_ended()


def test_why_it_did_not_start_is_told() -> None:
    with pytest.raises(PongError, match=r"the local server did not start: error: .*nothing to serve"):
        LocalServer(("--headless", "--no-server"), debug=False)
