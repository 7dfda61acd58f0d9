"""Play Pong with an agent of your own: a function from a state to moves.

    python pong.py --level 1                              # in one terminal: the game
    python -m examples.own_agent                          # in another: follow the ball
    python -m examples.own_agent --policy save.p          # or play what mainmodel.py has learned

`netproto.PongClient` is all that an agent needs. A Step has frames (games, 50, 70), rewards, points and more;
the answer is one move for each game: 0 stays, 1 goes up, 2 goes down. The token comes from PONG_TOKEN.
"""

import argparse
import os
import sys
from collections.abc import Callable, Sequence

import numpy as np

from netproto import PongClient, PongError, Session, Step
from pongrl.agent.checkpoints import load_policy
from pongrl.agent.eyes import Eyes
from pongrl.agent.policy import choose
from pongrl.game.moves import DOWN, UP

Agent = Callable[[Step], Sequence[int]]


def follow_the_ball(step: Step) -> list[int]:
    """Move towards the ball's height."""
    moves = []
    for frame in step.frames.astype(int):
        rows = np.arange(len(frame))
        light = frame[:, 1:-1].sum(axis=1)  # without the columns of the paddles
        ball = light @ rows / max(light.sum(), 1)
        paddle = frame[:, 0] @ rows / frame[:, 0].sum()
        moves.append(UP if ball < paddle else DOWN)
    return moves


def trained(path: str, session: Session) -> Agent:
    """Make an agent that plays a checkpoint's policy, always with the likelier move."""
    policy, eyes = load_policy(path), Eyes.on(session)

    def play(step: Step) -> list[int]:
        return list(choose(policy, eyes.look(step), rng=None).moves)

    return play


def main(argv: list[str] | None = None) -> None:
    """Play until so many points were played, and print each."""
    parser = argparse.ArgumentParser(description="Play Pong with an agent of your own.")
    parser.add_argument("--host", default="127.0.0.1", help="where the server is")
    parser.add_argument("--port", type=int, default=12345, help="port that it listens on")
    parser.add_argument("--policy", help="checkpoint of mainmodel.py to play")
    parser.add_argument("--points", type=int, default=21, help="points to play")
    options = parser.parse_args(argv)
    try:
        with PongClient(options.host, options.port, token=os.environ.get("PONG_TOKEN", "")) as client:
            step, points = client.connect(), 0
            agent: Agent = trained(options.policy, client.session) if options.policy else follow_the_ball
            while points < options.points:
                step = client.step(agent(step))
                points += int(step.points.sum())
                for game in np.flatnonzero(step.points):
                    print("won " if step.rewards[game] > 0 else "lost", "score", step.scores[game].tolist())
    except (PongError, KeyboardInterrupt) as error:
        sys.exit(f"error: {error}" if str(error) else None)


if __name__ == "__main__":
    main()
