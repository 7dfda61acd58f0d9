"""Evaluating a checkpoint (--evaluate): play without learning, and say how many points were won."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np

from pongrl.agent.evaluation import Evaluation, evaluate
from pongrl.agent.local_server import why_ended
from pongrl.agent.misses import Misses
from pongrl.agent.observers import Observer
from pongrl.agent.options import RunOptions
from pongrl.agent.pilot import check_frames
from pongrl.agent.policy import Policy
from pongrl.agent.servers import Arrivals, await_server, open_servers, waiting_for
from pongrl.errors import ConnectionLostError, PongError, UsageError
from pongrl.wire.messages import NOBODY, Role
from pongrl.wire.waiting import Wake

POINTS = 500  # unless --points says otherwise
MATCHES = 20  # of other games, unless an option says otherwise: their points may all be won, however badly


def evaluate_checkpoint(
    path: Path,
    policy: Policy,
    options: RunOptions,
    wake: Wake,
    stop: Callable[[], bool],
    observers: Sequence[Observer],
    say: Callable[[str], None],
) -> Evaluation | None:
    """Evaluate a checkpoint on a server of our own, or on the first one that is named.

    Args:
        path: of the checkpoint.
        policy: in it.
        options: of the run.
        wake: is set when there may be a reason to stop.
        stop: says whether there is; then there is no result.
        observers: are told each decision.
        say: takes lines for the console.

    Returns:
        The result, of which `say` has been told; None if it was stopped.

    Raises:
        PongError: the server cannot be played on.
    """
    with contextlib.ExitStack() as stack:
        arrivals = Arrivals(wake)
        servers = open_servers(options, NOBODY, arrivals, say)
        for each in servers:
            stack.callback(each.close)

        def explain(error: PongError) -> None:
            own = servers[0].own
            if own is not None and own.has_ended():
                raise why_ended(own, error)
            if not isinstance(error, ConnectionLostError):
                raise error
            say(waiting_for(error, options))

        if not await_server(servers[0], arrivals, stop, explain):
            return None
        client, step = servers[0].connected
        check_frames(policy, client.session)
        if options.output is not None and not client.session.is_our_game:
            raise UsageError("-o draws misses on a court of 70×50 cells, and the server's has another size")
        rng = np.random.default_rng(options.seed) if options.sample else None
        points, matches = options.points, options.matches
        if points is None and matches is None and not client.session.is_our_game:
            matches = MATCHES
        result, _ = evaluate(
            policy, client, step, points or POINTS, rng, stop, observers, wake=wake, matches=matches
        )
        if result is not None:
            level = None if options.role is Role.RIGHT else client.session.level
            where = "on the right" if level is None else f"on {options.env or client.session.against}"
            say(f"{path} {where}: {result}")
            _tell(result.misses, level, say)
        return result


def _tell(misses: Misses | None, level: int | None, say: Callable[[str], None]) -> None:
    """Tell which balls were missed."""
    if misses is None:
        return
    for line in misses.lines():
        say(line)
    estimate = None if level is None else misses.estimate(level)
    if estimate is not None:
        say(f"estimated from these misses, and from those of level {level}: {estimate}")
