"""Evaluating a checkpoint (--evaluate): play without learning, and say how many points were won."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np

from pongrl.agent.commands import Commands
from pongrl.agent.evaluation import evaluate
from pongrl.agent.observers import Observer
from pongrl.agent.options import RunOptions
from pongrl.agent.pilot import check_frames
from pongrl.agent.policy import Policy
from pongrl.agent.servers import Arrivals, Server, open_servers, waiting_for
from pongrl.errors import ConnectionLostError
from pongrl.wire.messages import NOBODY, Role

POINTS = 500  # unless --points says otherwise


def evaluate_checkpoint(
    path: Path,
    policy: Policy,
    options: RunOptions,
    commands: Commands,
    observers: Sequence[Observer],
    say: Callable[[str], None],
) -> None:
    """Evaluate a checkpoint on a server of our own, or on the first one that is named.

    Args:
        path: of the checkpoint.
        policy: in it.
        options: of the run.
        commands: of which a `q` ends it without a result.
        observers: are told each decision.
        say: takes lines for the console.

    Raises:
        PongError: the server cannot be played on.
    """
    with contextlib.ExitStack() as stack:
        arrivals = Arrivals(stack.enter_context(commands.listening()))
        servers = open_servers(options, NOBODY, arrivals, say)
        for each in servers:
            stack.callback(each.close)
        server = _connect(servers[0], arrivals, options, commands, say)
        if server is None:
            return
        client, step = server.connected
        check_frames(policy, client.session)
        rng = np.random.default_rng(options.seed) if options.sample else None
        points = options.points or POINTS
        result, _ = evaluate(policy, client, step, points, rng, lambda: commands.is_quitting, observers)
        if result is not None:
            is_right = options.role is Role.RIGHT
            where = "on the right" if is_right else f"on level {client.session.level}"
            say(f"{path} {where}: {result}")


def _connect(
    server: Server, arrivals: Arrivals, options: RunOptions, commands: Commands, say: Callable[[str], None]
) -> Server | None:
    """Wait until a server is connected; return None after a `q`."""
    server.seek()
    while not commands.is_quitting:
        for _, error in arrivals.take():
            if error is None:
                return server
            if not isinstance(error, ConnectionLostError):
                raise error
            say(waiting_for(error, options))
        arrivals.wake.wait(None)
    return None
