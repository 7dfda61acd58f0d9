"""One run of the agent, from its start until it is over: its parts, put together.

A Run opens what it needs in this order, and closes it in the reverse one:

    Run(…)      the books, which are opened later, with the first server
    watch       observers
    connect     servers
    play        the loop (`trainer`), then the last files
"""

from __future__ import annotations

import contextlib
from collections.abc import Callable
from types import TracebackType
from typing import Self

from pongrl.agent.books import Books, TrainingBooks
from pongrl.agent.commands import Commands, Controls
from pongrl.agent.evaluation import Examiner
from pongrl.agent.examinations import Examinations
from pongrl.agent.fleet import Fleet
from pongrl.agent.observers import Audience, Observer
from pongrl.agent.pilot import Pilot
from pongrl.agent.servers import Arrivals, open_servers
from pongrl.agent.start import Start
from pongrl.agent.trainer import Trainer


class Run:
    """A run of training or playing; use it in a `with` block.

    Args:
        start: what it starts with, and its options.
        commands: of the person.
        say: takes lines for the console; several threads call it.
    """

    def __init__(self, start: Start, commands: Commands, say: Callable[[str], None]) -> None:
        self._start, self._commands, self._say = start, commands, say
        self._audience = Audience()
        self._books = books_of(start, commands, self._audience, say)
        self._stack = contextlib.ExitStack()
        self._fleet: Fleet | None = None
        self._trainer: Trainer | None = None

    def __enter__(self) -> Self:
        self._wake = self._stack.enter_context(self._commands.listening())
        self._stack.callback(self._books.close)
        self._stack.callback(lambda: self._audience.end(self._books.standing(is_connected=False)))
        if self._start.words:
            self._say(self._start.words)
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self._stack.__exit__(kind, error, traceback)

    def watch(self, observer: Observer, sees_evaluations: bool = False) -> None:
        """Let an observer watch; it is told of the end even if the run fails."""
        self._audience.add(observer, sees_evaluations)

    def connect(self) -> None:
        """Settle which servers to play on, and start our own.

        Raises:
            PongError: the token cannot be read, or a server does not start.
        """
        options, books = self._start.options, self._books
        arrivals = Arrivals(self._wake)
        servers = open_servers(options, self._start.identity, arrivals, self._say)
        pilot = Pilot(options, self._start.rng, books, self._start.player)
        fleet = self._fleet = Fleet(servers, arrivals, pilot, options, self._say)
        self._stack.callback(fleet.close)
        controls = Controls(fleet, books, self._say)
        self._trainer = Trainer(fleet, pilot, books, self._commands, controls, self._audience)

    def play(self) -> None:
        """Play until the end, and leave everything on disk.

        Raises:
            PongError: something that the user must mend.
        """
        assert self._trainer is not None
        try:
            self._trainer.run()
        finally:
            self._books.finish()

    def status(self) -> str:
        """Return one line that says how it goes. Any thread may call it."""
        return self._books.status(self._fleet is not None and self._fleet.is_paused)


def books_of(start: Start, commands: Commands, audience: Audience, say: Callable[[str], None]) -> Books:
    """Make the books of a run: with files if something is learned."""
    options, progress = start.options, start.progress
    if options.play:
        return Books(options, progress, audience, say)
    examinations = None
    if options.evaluate_every is not None:
        examiner = Examiner(options.seed, options.debug, lambda: commands.is_quitting, audience.viewers)
        examinations = Examinations(options.evaluate_every, progress.points, examiner, say)
    return TrainingBooks(options, progress, audience, say, start.identity, examinations)
