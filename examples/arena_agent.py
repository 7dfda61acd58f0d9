"""A first agent for an arena. It loses nicely: it runs after the ball, and always comes a little late.

    python pong.py --arena --lockstep                 # in one terminal: the arena (or your teacher's)
    python -m examples.arena_agent --name Ada         # in another: this agent enters it

Write your own `move`. All that you need is `frame`: 50 rows and 70 columns of light, 0 is dark. Your paddle
is in the first column, the other one in the last, and the ball is somewhere between. The token comes from
PONG_TOKEN.
"""

import argparse
import os
import sys
import time

import numpy as np
import numpy.typing as npt

from netproto import ConnectionLostError, PongClient, PongError, identity_for

STAY, UP, DOWN = 0, 1, 2


def move(frame: npt.NDArray[np.uint8]) -> int:
    """Decide what to do with the paddle."""
    paddle = middle(frame[:, 0])
    ball = middle(frame[:, 1:-1].sum(axis=1))
    if abs(ball - paddle) < 2:
        return STAY
    return UP if ball < paddle else DOWN


def middle(light: npt.NDArray[np.integer]) -> float:
    """Return the row around which there is light."""
    return float(np.arange(len(light)) @ light / max(light.sum(), 1))


def main(argv: list[str] | None = None) -> None:
    """Enter the arena, and play until Ctrl-C."""
    parser = argparse.ArgumentParser(description="Enter an arena.")
    parser.add_argument("--name", required=True, help="by which you are known there")
    parser.add_argument("--host", default="127.0.0.1", help="where the arena is")
    parser.add_argument("--port", type=int, default=12345, help="port that it listens on")
    options = parser.parse_args(argv)
    options.has_entered = False
    try:
        identity = identity_for(options.name)  # kept in the file `identity`, so that the name stays yours
        while True:
            try:
                play(options, identity)
            except PongError as error:
                if not options.has_entered and not isinstance(error, ConnectionLostError):
                    raise  # a wrong token, say; once we were in, all passes, a restart of the arena too
                print(f"{error}; trying again")
                time.sleep(2)
    except (PongError, KeyboardInterrupt) as error:
        sys.exit(f"error: {error}" if str(error) else None)


def play(options: argparse.Namespace, identity: bytes) -> None:
    """Play until the connection is lost."""
    token, matches = os.environ.get("PONG_TOKEN", ""), 0
    with PongClient(options.host, options.port, token=token, name=options.name, identity=identity) as client:
        step = client.connect()
        options.has_entered = True
        print(f"{options.name} is in the arena")
        while True:
            step = client.step([move(step.frames[0])])
            if step.matches[0] > matches:
                matches = int(step.matches[0])
                print(f"matches played: {matches}")


if __name__ == "__main__":
    main()
