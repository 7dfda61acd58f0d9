"""What the tests of the environments share: servers of our own without a process, and how to play.

ServerInProcess            what LocalServer is, in a thread; starts in a millisecond
remote, several, parallel  an environment on a server of the test
lived, until_over          play, and return all that the environment said
"""

from __future__ import annotations

import contextlib
import secrets
from collections.abc import Callable, Iterable, Iterator
from typing import Any

import numpy as np

from pong import Pong
from pongrl.envs.gymnasium_env import RemotePong
from pongrl.envs.vector_env import RemotePongVector
from pongrl.game.moves import STAY

LONGEST_MATCH = 200  # decisions; more than any match of two points takes here


class ServerInProcess:
    """A stand-in for `LocalServer`: a lockstep server in a thread, told what to play by the same flags."""

    def __init__(self, flags: tuple[str, ...], debug: bool) -> None:
        self.token = secrets.token_urlsafe(16)
        self.has_closed = False
        self._server = Pong(**options_of(flags), port=0, token=self.token, debug=debug)
        self._server.start(block=False)
        self.port = self._server.address[1]

    def listen(self) -> None:
        """Listen already."""

    def has_ended(self) -> bool:
        return self.has_closed

    def close(self) -> None:
        self.has_closed = True
        self._server.close()


def options_of(flags: Iterable[str]) -> dict[str, Any]:
    """Read a command line as the arguments of `Pong`."""
    options: dict[str, Any] = {}
    for flag in flags:
        if flag.startswith("--"):
            name = flag.removeprefix("--").replace("-", "_").replace("level", "levelodiff")
            options[name] = True
        else:
            options[name] = int(flag)
    return options


@contextlib.contextmanager
def remote(server: Pong, **options: Any) -> Iterator[Any]:
    """Make an environment on a server, without wrappers."""
    with RemotePong(port=server.address[1], **options) as env:
        yield env


@contextlib.contextmanager
def local(**options: Any) -> Iterator[Any]:
    """Make an environment with a server of its own, without wrappers."""
    with RemotePong(local=True, **options) as env:
        yield env


@contextlib.contextmanager
def several(num_envs: int, **options: Any) -> Iterator[Any]:
    """Make several games, on a server of their own unless a port is given."""
    where = {} if "port" in options else {"local": True}
    envs = RemotePongVector(num_envs, **where, **options)
    try:
        yield envs
    finally:
        envs.close()


def lived(env: Any, actions: Iterable[Any], seed: int | None) -> list[Any]:
    """Reset, make these actions, and return all that the environment said."""
    return [env.reset(seed=seed), *(env.step(action) for action in actions)]


def actions_of(seed: int, *shape: int) -> Any:
    """Draw actions."""
    return np.random.default_rng(seed).integers(0, 3, shape)


def until_over(env: Any, policy: Callable[[int], int] = lambda _: STAY) -> list[Any]:
    """Play to the end of an episode, and return what each step gave."""
    steps: list[Any] = []
    while not steps or not (steps[-1][2] or steps[-1][3]):
        assert len(steps) < LONGEST_MATCH, "the episode never ended"
        steps.append(env.step(policy(len(steps))))
    return steps


def until_one_is_over(envs: Any) -> Any:
    """Play two games until an episode ends in one of them, and return what that step gave."""
    for _ in range(LONGEST_MATCH):
        step = envs.step([1, 2])
        if step[2].any():
            assert not step[2].all()
            return step
    raise AssertionError("no episode ended")
