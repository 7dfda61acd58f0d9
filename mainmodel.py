"""The agent's program: it connects to games, plays and learns, keeps files, and obeys its console.

    python mainmodel.py --local            train on a server of its own
    python mainmodel.py --host pi.local    train on a server that is running
    python mainmodel.py --resume --local   go on with what was learned
    python mainmodel.py --local --play     let it play against you

This is the door: the arguments, and what is opened for people to look at. The rest is in pongrl/agent and can
be read in this order:

    options      what was asked for, checked and frozen
    start        what a run starts with: nothing, a checkpoint, or a policy to play with
    desk         what every run needs
    run          the parts of a run, put together
    trainer      the loop
    fleet        the servers: sought, met, lost, paused (each one is in servers)
    pilot        plays on them, and learns
    learning     how the agent sees, decides and learns: the mathematics
    books        what was achieved, and the files that are left
    commands     the console's commands, a table
    observers    what windows, films and TensorBoard are told

A turn of the loop:

    commands obeyed → arrivals met → for each server that is due: state → look → decide → answer → count
    nothing came?    learn a little; nothing to learn? wait for a state, a server or a command

Threads. The main thread plays, on all servers, and learns meanwhile. It alone touches what is learned and
counted. A command of the console, which has a thread of its own, reaches it through a queue and a Wake.
Checkpoints are written in another thread, and each server that is sought has one that connects.
"""

from __future__ import annotations

import pongrl.agent.single_thread  # noqa: F401  # before anything imports numpy

# isort: split
import contextlib
import sys
import threading
from collections.abc import Callable, Iterable, Iterator
from dataclasses import KW_ONLY, dataclass, field, replace
from pathlib import Path
from typing import Annotated

from threadpoolctl import threadpool_limits

from pongrl import cli, outlets
from pongrl.agent.checkpoint_evaluation import evaluate_checkpoint
from pongrl.agent.checkpoints import load_policy, load_trained
from pongrl.agent.commands import QUIT, WORDS, WORDS_WITHOUT_A_RUN, Commands
from pongrl.agent.desk import Desk, open_desk
from pongrl.agent.files import prepare_directory
from pongrl.agent.observers import Observer, Standing
from pongrl.agent.options import RunOptions
from pongrl.agent.progress import Progress
from pongrl.agent.run import Run
from pongrl.agent.start import start
from pongrl.errors import UsageError
from pongrl.text import printable
from pongrl.wire.messages import DEFAULT_PORT
from pongrl.wire.sockets import spelled
from pongrl.wire.tokens import choose_token
from pongrl.wire.waiting import Wake


@cli.remembers
@dataclass(eq=False)
class PolicyGradient:
    """Learn Pong from pixels: a two-layer policy gradient that plays over the network.

    `start` connects (or starts a server of its own, `local`), and trains until q, Ctrl-C or SIGTERM, or
    until `points` or `minutes` are over. It writes save.p (the best so far), interrupt.p (the latest) and
    progress.csv into `directory`. With `play`, `evaluate`, `watch` or `plot` it does that instead. It may be
    started again.

    Raises:
        UsageError: an option is out of its range.
    """

    resume: Annotated[
        bool | str, "go on from a checkpoint: FILE, or the one that has learned from more points"
    ] = False
    render: Annotated[
        bool, "show in a window what the agent sees, what it thinks of it, and how it learns"
    ] = False
    host: Annotated[
        str | tuple[str, ...] | None,
        "where the server is, HOST or HOST:PORT (default this machine); repeat it",
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
    name: Annotated[str, "name to play by in an arena"] = ""
    local: Annotated[bool | int, "start N (1) headless lockstep servers on this machine"] = False
    level: Annotated[
        int | None, "level of their built-in AI (default 2); half of the games at 3 are played at 2"
    ] = None
    env: Annotated[
        str | None, "with --local or --evaluate: another game (ALE/Pong-v5); see python -m pongrl.envs.serve"
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
    play: Annotated[
        bool | str, "play without learning, with FILE or save.p; with --local against you, in a window"
    ] = False
    watch: Annotated[bool, "only watch, in a window, the game that is played at --host"] = False
    evaluate: Annotated[
        bool | str, "play --points (500; other games --matches 20) without learning, with FILE or save.p"
    ] = False
    matches: Annotated[
        int | None, "let --evaluate play so many matches to their ends, in place of points"
    ] = None
    sample: Annotated[bool, "let --evaluate draw its moves instead of making the likeliest ones"] = False
    evaluate_every: Annotated[int | None, "evaluate after every N points too, on a server of its own"] = None
    opponents: Annotated[
        str | None, "with --local: play half of the games against the checkpoints in this directory"
    ] = None
    snapshot_every: Annotated[int | None, "put a snapshot there after every N points (5000)"] = None
    record: Annotated[str | None, "film the first server's first game into FILE, .mp4 or .gif"] = None
    plot: Annotated[tuple[str, ...], "draw progress.csv files as curves, or a checkpoint's hidden units"] = ()
    output: Annotated[
        str | None,
        "picture to write: of --plot (curve.png, or units.png of a checkpoint), or of --evaluate's misses",
        "-o",
        "--output",
    ] = None
    find: Annotated[bool, "look for servers on this network, and connect"] = False
    web: Annotated[bool | int, "serve a page for browsers: see it and steer it, on port N (8081)"] = False
    web_host: Annotated[
        str | None, "address for the page; 0.0.0.0 is every network, the default this machine alone"
    ] = None
    certificate: Annotated[str | None, "encrypt the page with TLS, showing this certificate (a PEM file)"] = (
        None
    )
    key: Annotated[str | None, "file with the certificate's key, if it is not in the same"] = None
    token: str | None = field(default=None, repr=False)

    def __post_init__(self) -> None:
        RunOptions.of(self)  # says what is wrong
        self._hearers: list[Callable[[str], None]] = []  # of what the terminal is told
        self._commands = Commands(self._say)
        self._status: Callable[[], str] = Progress().__str__  # of the last run

    def start(self) -> None:
        """Train until told to stop, or do what was asked for instead. See the class.

        Raises:
            PongError: the server refuses us, or a file cannot be read or written.
            RuntimeError: it is running already.
        """
        options = RunOptions.of(self)
        if options.render or options.watch:
            cli.need_main_thread("neither render nor watch")
        outlets.start_log(self.debug)
        if options.find:
            options = _found(options)
        modes = {"plot": self._plot, "watch": self._watch, "evaluate": self._evaluate}
        asked = (mode for name, mode in modes.items() if getattr(options, name))
        next(asked, self._train)(options)

    def command(self, word: str) -> None:
        """Take a command of the console, such as p, q, ping, save or evaluate. Any thread may call it."""
        self._commands.enter(word)

    def status(self) -> str:
        """Return one line that says how training goes. Any thread may call it."""
        return self._status()

    # What can be asked for.

    def _train(self, options: RunOptions) -> None:
        """Train; with --play, play without learning."""
        with threadpool_limits(1, "blas"):
            begin = start(options)
            with self._stop_signals(), open_desk(begin, self._commands, self._say) as desk:
                self._open_views(desk)
                with contextlib.closing(Run(desk)) as run, self._console(WORDS, run.status):
                    run.play()

    def _evaluate(self, options: RunOptions) -> None:
        path = options.checkpoint(options.evaluate)
        policy, level = load_trained(path)
        output = None if options.output is None else Path(options.output)
        if output is not None:
            from pongrl.ui.plots import check_picture

            check_picture(output)
        if options.level is None and options.has_own_servers and options.env is None:
            options = replace(options, level=level)
        with threadpool_limits(1, "blas"), contextlib.ExitStack() as stack:
            wake = stack.enter_context(self._until_quit(f"evaluating {printable(str(path))}"))
            films = _films(options)
            for film in films:
                stack.callback(film.ended, Standing(policy, Progress(), None, False, False, ""))
            result = evaluate_checkpoint(path, policy, options, wake, self._is_quitting, films, cli.say)
        if output is None or result is None:
            return
        from pongrl.ui.miss_plot import draw_misses

        assert result.misses is not None  # `evaluate_checkpoint` has refused other games
        draw_misses(result.misses, output)
        cli.say(f"drew {output}")

    def _watch(self, options: RunOptions) -> None:
        from pongrl.ui.spectator import watch

        (host, port), *others = options.addresses
        if others:
            raise UsageError("--watch shows the game of one server that is running: name one --host")
        token = choose_token(options.token, options.token_file) or ""

        def listening() -> contextlib.AbstractContextManager[object]:
            return self._until_quit(f"watching {printable(host)}")

        watch(host, port, token, options.ca, self._is_quitting, cli.say, options.record, listening)

    def _plot(self, options: RunOptions) -> None:
        from pongrl.ui import plots

        files = [Path(name) for name in options.plot]
        has_units = files[0].suffix == ".p"
        output = Path(options.output or ("units.png" if has_units else "curve.png"))
        if not has_units:
            plots.draw_curves(files, output)
        elif len(files) > 1:
            raise UsageError("--plot draws the hidden units of one checkpoint at a time: name one")
        else:
            plots.draw_units(load_policy(files[0]), output)
        cli.say(f"drew {output}")

    def _stop_signals(self) -> contextlib.AbstractContextManager[None]:
        """Let Ctrl-C and its like do what `q` does."""
        return cli.stop_signals(lambda: self.command(QUIT))

    @contextlib.contextmanager
    def _until_quit(self, status: str) -> Iterator[Wake]:
        """Hear `q`, Ctrl-C and their like where nothing is trained; each sets the Wake."""
        words = WORDS_WITHOUT_A_RUN
        console = self._console(words, lambda: f"{status}; q ends it")
        with self._commands.listening(words) as wake, self._stop_signals(), console:
            yield wake

    def _say(self, line: str) -> None:
        cli.say(line)
        for hear in self._hearers:
            hear(line)

    def _is_quitting(self) -> bool:
        return self._commands.is_quitting

    # What people look at. Nothing in pongrl.ui is imported before it is needed.

    def _open_views(self, desk: Desk) -> None:
        """Open what was asked for, and let it watch the run."""
        options, audience = desk.start.options, desk.audience
        if options.tensorboard is not None:
            from pongrl.ui.tensorboard import EventLog

            prepare_directory("--tensorboard", options.tensorboard)
            points, is_resumed = desk.books.progress.points, bool(options.resume)
            directory = Path(options.tensorboard)
            audience.add(EventLog(directory, options.described, points, is_resumed, desk.say))
        if options.render:
            from pongrl.ui.agent_window import AgentWindow

            audience.add(
                AgentWindow(desk.say, self._commands.enter, self._is_quitting), sees_evaluations=True
            )
        if options.web is not False:
            self._open_page(desk)
        for film in _films(options):
            audience.add(film)

    def _open_page(self, desk: Desk) -> None:
        from pongrl.web.agent_page import open_agent_page

        page = open_agent_page(desk, WORDS, self._commands.enter, self._is_quitting)
        desk.audience.add(page, sees_evaluations=True)
        self._hearers[:] = [page.hear_line]

    @contextlib.contextmanager
    def _console(self, words: Iterable[str], status: Callable[[], str]) -> Iterator[None]:
        """Read commands from the terminal, in a thread of its own."""
        from pongrl.ui.console import Console

        self._status = status
        if threading.current_thread() is not threading.main_thread():
            yield  # the terminal belongs to the program that started us, and may have its prompt
            return
        console = Console(words, self._commands.enter, status)
        with contextlib.closing(console):
            console.start()
            yield


def _found(options: RunOptions) -> RunOptions:
    """Look for servers, and name the one that is chosen."""
    from pongrl.web.nearby import choose, search

    def ask(question: str) -> str:
        try:
            return input(question)
        except EOFError:  # Ctrl-D
            return ""

    server = choose(search(), cli.say, ask if outlets.is_terminal(sys.stdin) else None)
    return replace(options, find=False, host=spelled(server.host, server.port))


def _films(options: RunOptions) -> list[Observer]:
    """Begin the film that --record asks for, if it does."""
    if options.record is None:
        return []
    from pongrl.ui.agent_film import AgentFilm
    from pongrl.ui.film import AGENT_FRAMES_PER_SECOND, Recorder

    return [AgentFilm(Recorder(options.record, cli.say, AGENT_FRAMES_PER_SECOND))]


def main(argv: list[str] | None = None) -> int:
    """Run the program from its command line and return its exit code."""
    return cli.main(PolicyGradient, argv)


if __name__ == "__main__":
    sys.exit(main())
