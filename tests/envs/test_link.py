"""Link: the connection to a server, how new games begin on it, and how it comes back."""

from __future__ import annotations

import contextlib
import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest

pytest.importorskip("gymnasium", reason="Gymnasium is not installed: pip install gymnasium")

from pong import Pong
from pongrl.agent import local_server
from pongrl.agent.local_server import LocalServer
from pongrl.checks import LARGEST_SEED
from pongrl.envs.link import Link, folded
from pongrl.envs.serve import Serve
from pongrl.envs.where import Where
from pongrl.errors import (
    ConnectionLostError,
    PongError,
    Refusal,
    RefusedError,
    UsageError,
)
from pongrl.game.moves import UP
from pongrl.server import seats
from pongrl.wire.allowance import Allowance
from pongrl.wire.client import PongClient
from pongrl.wire.messages import MAX_GAMES, Role
from tests.support import PATIENCE, connected, serving
from tests.support.envs import ServerInProcess

BOTH = (Role.LEFT, Role.RIGHT)
MOVE = np.array([UP])


def never() -> int:
    raise AssertionError("no other server should be started")


@contextlib.contextmanager
def link_to(server: Pong | None = None, games: int = 1, **options: Any) -> Iterator[Link]:
    """Make a link to a server, or to one of its own."""
    arguments = {name: options.pop(name) for name in ("paddles", "wait") if name in options}
    where = Where(local=True, **options) if server is None else Where(port=server.address[1], **options)
    with contextlib.closing(Link(where, games, **arguments)) as link:
        yield link


def test_a_token_is_read_from_where_the_user_has_it(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    (tmp_path / "token").write_text("secret\n")
    with serving(lockstep=True, token="secret") as server:
        with link_to(server, token="wrong") as link, pytest.raises(RefusedError, match="the token is wrong"):
            link.begin(1)
        with link_to(server, token="secret") as link:
            link.begin(1)
    in_file = {"token_file": str(tmp_path / "token")}
    with serving(lockstep=True, token="secret") as server, link_to(server, **in_file) as link:
        link.begin(1)
    monkeypatch.setenv("PONG_TOKEN", "secret")
    with serving(lockstep=True, token="secret") as server, link_to(server) as link:
        link.begin(1)


def test_nothing_is_connected_before_games_begin() -> None:
    with serving() as server:
        port = server.address[1]
    with contextlib.closing(Link(Where(port=port), 1)) as link:
        assert link.session is None
        with pytest.raises(PongError, match="no server at 127"):
            link.begin(1)
        assert link.session is None


def test_a_server_with_another_number_of_games_is_refused() -> None:
    for games, options, words in (
        (1, {}, r"--games 1, or use RemotePongVector\(num_envs=3\)$"),
        (2, {}, "plays 3 games and the environment 2: start it with --games 2"),
        (1, {"paddles": BOTH}, "--games 1$"),
    ):
        with (
            serving(lockstep=True, games=3) as server,
            link_to(server, games, **options) as link,
            pytest.raises(UsageError, match=words),
        ):
            link.begin(1)


def test_a_server_for_another_game_is_refused() -> None:
    with Serve("tests.support.toys:Toy-v0", port=0, lockstep=True, games=2) as server:
        server.start(block=False)
        with (
            contextlib.closing(Link(Where(port=server.address[1]), 1)) as link,
            pytest.raises(UsageError, match="plays another game than our Pong, with frames of 84×84"),
        ):
            link.begin(1)


def test_a_paddle_that_is_taken_is_refused_and_the_other_one_left() -> None:
    with serving(lockstep=True) as server:
        for role in BOTH:
            with connected(server, role=role) as other:
                with (
                    link_to(server, paddles=BOTH, wait=lambda _: None) as link,
                    pytest.raises(RefusedError) as refused,
                ):
                    link.begin(1)
                assert refused.value.reason is Refusal.BUSY
                assert link.session is None
                assert other.step([UP]).number == 1


def test_a_lockstep_server_begins_new_games_with_each_connection() -> None:
    for paddles in ((Role.LEFT,), BOTH):
        with serving(lockstep=True, seed=3) as server, link_to(server, paddles=paddles) as link:
            first = link.begin(1)
            assert link.begin(2) is first  # nothing was played yet
            for _ in range(3):
                assert link.play([MOVE] * len(paddles))[0].number == 1
                for step, its_first in zip(link.begin(2), first, strict=True):
                    np.testing.assert_array_equal(step.frames, its_first.frames)


@pytest.mark.parametrize("is_own", [False, True])
def test_games_may_begin_more_often_than_a_server_lets_agents_come(
    is_own: bool, monkeypatch: pytest.MonkeyPatch, own_servers: list[Any]
) -> None:
    now = [0.0]

    def wait(seconds: float) -> None:
        now[0] += seconds

    def once(at_once: float, per_second: float) -> Allowance:
        return Allowance(1, per_second, lambda: now[0])

    monkeypatch.setattr(seats, "Allowance", once)
    with serving(lockstep=True) as server, link_to(None if is_own else server, wait=wait) as link:
        for _ in range(4):
            assert link.begin(1)[0].number == 0
            assert link.play([MOVE])[0].number == 1
    assert 1.5 <= now[0] < 3.0
    assert len(own_servers) == is_own


def test_a_server_in_real_time_plays_on() -> None:
    with serving(fps=1000, frameskip=2) as server, link_to(server) as link:
        link.begin(1)
        steps = link.play([MOVE])
        assert link.begin(2) is steps


def test_a_server_of_our_own_is_started_again_for_another_seed_alone(own_servers: list[Any]) -> None:
    with link_to() as link:
        link.begin(1)
        link.play([MOVE])
        link.begin(1)
        assert len(own_servers) == 1
        link.begin(2)
        assert [server.has_closed for server in own_servers] == [True, False]
        link.play([MOVE])
        own_servers[1].close()
        link.begin(2)
        assert len(own_servers) == 3
    assert own_servers[2].has_closed


@pytest.mark.parametrize("seed", [2**63 - 1, 2**63, 2**64 - 1, 2**200])
def test_a_seed_may_be_as_large_as_it_likes(seed: int) -> None:
    with link_to(games=2) as link, link_to(games=2) as other, link_to(games=2) as next_one:
        first = link.begin(seed)[0]
        assert other.begin(seed)[0].serialize() == first.serialize()
        answers = [np.array([1, 2])]
        ends = [[each.play(answers)[0] for _ in range(60)][-1] for each in (link, other)]
        assert ends[0].serialize() == ends[1].serialize()
        next_one.begin(seed + 1)
        assert [next_one.play(answers)[0] for _ in range(60)][-1].serialize() != ends[0].serialize()


def test_small_seeds_stay_as_they_are() -> None:
    assert [folded(seed) for seed in (0, 7, 2**62)] == [0, 7, 2**62]
    assert folded(2**63) <= LARGEST_SEED - MAX_GAMES


def test_options_of_a_server_of_our_own_reach_its_process(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with link_to(level=1, frameskip=6, points_to_win=5, games=2) as link:
        assert link.begin(1)[0].frames.shape == (2, 50, 70)
        session = link.session
        assert session is not None
        assert (session.level, session.frameskip, session.points_to_win) == (1, 6, 5)
        assert session.lockstep
    monkeypatch.setattr(local_server, "PROGRAM", tmp_path / "nothing.py")
    with link_to() as link, pytest.raises(PongError, match=r"did not start: .*nothing\.py"):
        link.begin(1)


def test_a_server_is_sought_until_it_is_there_and_the_reason_is_logged_once(
    caplog: pytest.LogCaptureFixture,
) -> None:
    with contextlib.ExitStack() as stack:
        server = stack.enter_context(serving(lockstep=True))
        port = server.address[1]
        pauses: list[float] = []

        def wait(seconds: float) -> None:
            pauses.append(seconds)
            if len(pauses) == 3:
                stack.enter_context(serving(lockstep=True, port=port))

        link = stack.enter_context(link_to(server, wait=wait))
        link.begin(1)
        server.close()
        with pytest.raises(ConnectionLostError):
            link.play([MOVE])
        assert link.regain(never)[0].number == 0
        assert pauses == [0.001, 0.002, 0.004]
        (said,) = [record.message for record in caplog.records if record.name == "pong.remote"]
        assert said.startswith(f"no server at 127.0.0.1:{port}")


def test_a_place_that_another_agent_has_taken_is_waited_for() -> None:
    with serving(lockstep=True) as server:
        port = server.address[1]
        with contextlib.ExitStack() as stack:
            other = PongClient(port=port)
            link = stack.enter_context(link_to(server, wait=lambda _: other.close()))
            link.begin(1)
            server.close()
            stack.enter_context(serving(lockstep=True, port=port))
            other.connect()
            assert link.regain(never)[0].number == 0


def test_a_server_that_does_not_let_us_in_any_more_is_an_error() -> None:
    with serving(lockstep=True) as server, link_to(server) as link:
        port = server.address[1]
        link.begin(1)
        server.close()
        refused = pytest.raises(RefusedError, match="the token is wrong")
        with serving(lockstep=True, port=port, token="new"), refused:
            link.regain(never)
        with serving(lockstep=True, port=port, games=2), pytest.raises(UsageError, match="plays 2 games"):
            link.regain(never)


def test_a_server_of_our_own_that_died_is_replaced(processes: list[subprocess.Popen[str]]) -> None:
    with link_to() as link:
        first = link.begin(5)[0]
        processes[0].kill()
        processes[0].wait(PATIENCE)
        with pytest.raises(ConnectionLostError):
            link.play([MOVE])
        np.testing.assert_array_equal(link.regain(lambda: 5)[0].frames, first.frames)
        assert link.play([MOVE])[0].number == 1
        assert len(processes) == 2


def test_a_server_of_our_own_that_ends_after_its_connection_is_replaced(
    processes: list[subprocess.Popen[str]], monkeypatch: pytest.MonkeyPatch
) -> None:
    has_ended, too_early = LocalServer.has_ended, iter([False])
    with link_to() as link:
        link.begin(5)
        processes[0].kill()
        processes[0].wait(PATIENCE)
        with pytest.raises(ConnectionLostError):
            link.play([MOVE])
        monkeypatch.setattr(LocalServer, "has_ended", lambda own: next(too_early, True) and has_ended(own))
        assert link.regain(lambda: 5)[0].number == 0
        assert len(processes) == 2


def test_a_server_of_our_own_that_lives_is_connected_to_again(own_servers: list[Any]) -> None:
    with link_to() as link:
        link.begin(1)
        link.play([MOVE])
        assert link.regain(never)[0].number == 0
        assert len(own_servers) == 1


@pytest.mark.parametrize("error", [PongError("it did not start"), KeyboardInterrupt()])
def test_a_server_of_our_own_whose_start_was_interrupted_is_ended_and_the_next_is_another(
    error: BaseException, own_servers: list[Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(server: ServerInProcess) -> None:
        raise error

    with link_to() as link:
        for begin in (lambda: link.begin(1), lambda: link.regain(lambda: 1)):
            link.close()
            with monkeypatch.context() as patch:
                patch.setattr(ServerInProcess, "listen", fail)
                with pytest.raises(type(error)):
                    begin()
            assert own_servers[-1].has_closed
            assert begin()[0].number == 0
        assert len(own_servers) == 4


def lose(role: Role, error: BaseException) -> Callable[..., Any]:
    """Return an `observe` that fails for the client of this paddle."""
    observe = PongClient.observe

    def observe_or_fail(client: PongClient, *arguments: Any) -> Any:
        if client.role is role:
            raise error
        return observe(client, *arguments)

    return observe_or_fail


@pytest.mark.parametrize("role", BOTH)
@pytest.mark.parametrize("error", [ConnectionLostError("cut"), KeyboardInterrupt()])
def test_a_decision_that_was_interrupted_costs_both_connections(
    role: Role, error: BaseException, monkeypatch: pytest.MonkeyPatch
) -> None:
    with serving(lockstep=True) as server, link_to(server, paddles=BOTH) as link:
        link.begin(1)
        with monkeypatch.context() as patch:
            patch.setattr(PongClient, "observe", lose(role, error))
            with pytest.raises(type(error)):
                link.play([MOVE, MOVE])
        assert link.session is None
        with pytest.raises(ConnectionLostError, match="interrupted"):
            link.play([MOVE, MOVE])
        assert [step.number for step in link.regain(never)] == [0, 0]
        assert [step.number for step in link.play([MOVE, MOVE])] == [1, 1]
