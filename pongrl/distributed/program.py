"""The options of the program that trains on Ray. Options that mainmodel.py has too mean the same here."""

from __future__ import annotations

from dataclasses import KW_ONLY, dataclass, field
from typing import Annotated

from threadpoolctl import threadpool_limits

from pongrl import cli, outlets
from pongrl.agent.options import RunOptions
from pongrl.agent.start import start
from pongrl.checks import LARGEST_SEED, whole
from pongrl.errors import PongError, UsageError
from pongrl.wire.messages import DEFAULT_PORT

PROGRAM = "python -m pongrl.distributed"


@cli.remembers
@dataclass(eq=False)
class TrainRay:
    """Train with many workers on Ray, each with servers of its own; files and console are mainmodel.py's.

    Raises:
        UsageError: an option is out of its range.
    """

    resume: Annotated[
        bool | str, "go on from a checkpoint: FILE, or the one that has learned from more points"
    ] = False
    host: Annotated[
        str | tuple[str, ...] | None,
        "a server, HOST or HOST:PORT; repeat it: they are shared out (default: --local)",
    ] = None
    port: Annotated[int, "port of the servers that are named without"] = DEFAULT_PORT
    hiddenUnits: Annotated[int, "hidden units, an even number"] = 250
    batch_size: Annotated[int, "points, of all games together, that each update learns from at least"] = 10
    learningRate: Annotated[float, "rate of RMSProp to begin with; it falls"] = 2e-3
    gamma: Annotated[float, "discount per tick of the game"] = 0.995
    decayRate: Annotated[float, "decay of RMSProp's mean of squares"] = 0.99
    _: KW_ONLY
    moves: Annotated[int, "moves to choose from: up and down (2), or stay too (3)"] = 3
    side: Annotated[str, "paddle to play, left or right, on a server that is running"] = "left"
    local: Annotated[bool | int, "let each worker start N (1) servers on its own machine"] = False
    level: Annotated[
        int | None, "level of their built-in AI (default 2); half of the games at 3 are played at 2"
    ] = None
    games: Annotated[
        int | None, "games on each server (--local: 64 in all; 16 at level 3, in other games, to evaluate)"
    ] = None
    points: Annotated[int | None, "end after so many points"] = None
    minutes: Annotated[float | None, "end after so many minutes of training"] = None
    seed: Annotated[int | None, "seed of weights and moves, and of the local server's games"] = None
    directory: Annotated[str, "where to write checkpoints and progress.csv"] = "."
    tensorboard: Annotated[str | None, "directory for TensorBoard's event files, beside progress.csv"] = None
    token_file: Annotated[str | None, "file with the server's token (or set PONG_TOKEN)"] = None
    ca: Annotated[str | None, "encrypt with TLS: file of certificates, the server's or its signer's"] = None
    debug: Annotated[bool, "log each stage, and what comes in and goes out"] = False
    evaluate_every: Annotated[int | None, "evaluate after every N points too, on a server of its own"] = None
    workers: Annotated[int, "workers, each a process with a core to itself"] = 2
    address: Annotated[str | None, "Ray cluster to run on, HOST:PORT or auto (default: only here)"] = None
    token: str | None = field(default=None, repr=False)

    def __post_init__(self) -> None:
        if self.host is None and self.local is False:
            self.local = True
        RunOptions.of(self)  # says what is wrong
        whole("--workers", self.workers, 1, 10_000)
        if self.host is not None:
            hosts = 1 if isinstance(self.host, str) else len(self.host)
            if hosts < self.workers:
                raise UsageError(f"--workers {self.workers} need as many hosts, not {hosts}")
        if self.seed is not None:
            whole("--seed", self.seed, 0, LARGEST_SEED // 2)

    def start(self) -> None:
        """Train until told to stop.

        Raises:
            PongError: Ray cannot be started, no worker can play, or a file cannot be read or written.
        """
        outlets.start_log(self.debug)
        try:
            from pongrl.distributed.driver import train  # here, so that --help works without Ray
        except ModuleNotFoundError as error:
            if error.name != "ray":
                raise
            raise PongError("training on Ray needs ray, which is not installed: pip install ray") from error
        with threadpool_limits(1, "blas"):
            train(start(RunOptions.of(self)), self.workers, self.address)


def main(argv: list[str] | None = None) -> int:
    """Run the program from its command line and return its exit code."""
    return cli.main(TrainRay, argv, PROGRAM)
