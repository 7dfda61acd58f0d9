"""What every run needs, wherever its games are played: books, observers, commands."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

from pongrl.agent.books import CHECKPOINT_SECONDS, Books, TrainingBooks
from pongrl.agent.commands import Commands
from pongrl.agent.evaluation import Examiner
from pongrl.agent.examinations import Examinations
from pongrl.agent.files import claimed
from pongrl.agent.observers import Audience
from pongrl.agent.start import Start
from pongrl.wire.waiting import Wake


@dataclass(frozen=True)
class Desk:
    """What a run has from its beginning to its end."""

    start: Start
    commands: Commands
    wake: Wake  # is set when there is a command
    books: Books
    audience: Audience
    say: Callable[[str], None]  # takes lines for the console; any thread may call it


@contextlib.contextmanager
def open_desk(
    start: Start,
    commands: Commands,
    say: Callable[[str], None],
    checkpoint_seconds: float = CHECKPOINT_SECONDS,
) -> Iterator[Desk]:
    """Open the desk of a run; at the end observers are told, and all is given back.

    Raises:
        UsageError: another run writes into the directory.
    """
    audience = Audience()
    with contextlib.ExitStack() as stack:
        wake = stack.enter_context(commands.listening())  # first: says it better if this agent is running
        if not start.options.play:
            stack.enter_context(claimed(Path(start.options.directory)))
        books = _books(start, commands, wake, audience, say, checkpoint_seconds)
        stack.callback(books.close)
        stack.callback(lambda: audience.end(books.standing(is_connected=False)))
        if start.words:
            say(start.words)
        yield Desk(start, commands, wake, books, audience, say)


def _books(
    start: Start,
    commands: Commands,
    wake: Wake,
    audience: Audience,
    say: Callable[[str], None],
    checkpoint_seconds: float,
) -> Books:
    """Make the books of a run: with files if something is learned."""
    options, progress = start.options, start.progress
    if options.play:
        return Books(options, progress, audience, say)
    stop, viewers = lambda: commands.is_quitting, audience.viewers
    examiner = Examiner(options.seed, options.debug, stop, wake, viewers, options.env, options.games)
    examinations = Examinations(options.evaluate_every, progress.points, examiner, say)
    return TrainingBooks(
        options, progress, audience, say, start.identity, examinations, start.level, checkpoint_seconds
    )
