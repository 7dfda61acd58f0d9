"""One agent of `python -m tools.arena`, as a process: honest, hostile or merely unlucky. See KINDS."""

from __future__ import annotations

import argparse
import itertools
import os
import random
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np

from examples.arena_agent import move as follow
from examples.own_agent import trained
from pongrl.errors import PongError
from pongrl.wire.client import PongClient
from pongrl.wire.framing import Kind, message
from pongrl.wire.identity import identity_for
from pongrl.wire.messages import Step, action

PAUSE_SECONDS = 0.5  # before it comes again
Move = Callable[[PongClient, Step], int]


def honest(_: PongClient, step: Step) -> int:
    """Follow the ball."""
    return follow(step.frames[0])


def at_random(_: PongClient, step: Step) -> int:
    """Draw a move."""
    return random.randrange(3)


def played_by(policy: str) -> Callable[[], Move]:
    """Play a checkpoint's policy."""

    def begin() -> Move:
        agent = None

        def move(client: PongClient, step: Step) -> int:
            nonlocal agent
            agent = agent or trained(policy, client.session)
            return int(agent(step)[0])

        return move

    return begin


def late(client: PongClient, step: Step) -> int:
    """Take longer than allowed, now and then."""
    if random.random() < 0.02:
        time.sleep(0.3)
    return honest(client, step)


def sleeper(client: PongClient, step: Step) -> int:
    """Fall asleep for longer than a match bears, now and then."""
    if random.random() < 0.001:
        time.sleep(8)
    return honest(client, step)


def crasher(client: PongClient, step: Step) -> int:
    """Die without a goodbye, now and then."""
    if random.random() < 0.002:
        os._exit(1)
    return honest(client, step)


def liar(client: PongClient, step: Step) -> int:
    """Send what it may not, now and then."""
    if random.random() < 0.002:
        client.connection.send(random.choice((action(12345, b"\0"), b"\xff" * 40, action(0, b"\x07"))))
    return honest(client, step)


def flooder(client: PongClient, step: Step) -> int:
    """Talk without end, now and then."""
    if random.random() < 0.002:
        client.connection.send(message(Kind.PING, bytes(8)) * 5000)
    return honest(client, step)


def pauser(client: PongClient, step: Step) -> int:
    """Ask for a pause in the middle of a match."""
    if random.random() < 0.001:
        client.pause()
        time.sleep(7)
        client.pause(False)
    return honest(client, step)


KINDS: dict[str, Move] = {
    "random": at_random, "follower": honest, "late": late, "sleeper": sleeper, "crasher": crasher,
    "liar": liar, "flooder": flooder, "pauser": pauser, "twin": honest, "renamer": honest,
}  # fmt: skip


def names(kind: str, name: str) -> Iterator[str]:
    """Give the names by which it comes, one after another; a renamer tries others' in between."""
    if kind == "renamer":
        return itertools.cycle((name, "level 3", name + " the second", "\u202e\x1b[2J<b>", "follower-1"))
    return itertools.repeat(name)


def main() -> None:
    """Play for ever."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("kind", choices=(*KINDS, "trained"))
    parser.add_argument("name")
    parser.add_argument("port", type=int)
    parser.add_argument("directory", help="where identities are kept")
    parser.add_argument("--policy", help="checkpoint to play, of kind trained")
    options = parser.parse_args()
    random.seed(options.name)
    np.seterr(all="raise")
    identity = identity_for(options.name, Path(options.directory))
    for name in names(options.kind, options.name):
        move = played_by(options.policy)() if options.kind == "trained" else KINDS[options.kind]
        try:
            with PongClient("127.0.0.1", options.port, name=name, identity=identity) as client:
                step = client.connect()
                while True:
                    step = client.step([move(client, step)])
        except PongError:
            time.sleep(PAUSE_SECONDS)


if __name__ == "__main__":
    main()
