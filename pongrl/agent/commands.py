"""The console's commands: COMMANDS is the table of them. To add a command, add a row.

Games      what a command may do with the games that are played
Controls   what a command works on
Command    a row of the table
Commands   takes words from any thread and obeys them in the training thread
"""

from __future__ import annotations

import contextlib
from collections import deque
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Protocol

from pongrl.agent.books import Books
from pongrl.wire.waiting import Wake

PAUSED = "paused, the game too; p goes on"


class Games(Protocol):
    """The games that are played, on whatever servers."""

    @property
    def is_paused(self) -> bool:
        """Whether they are paused."""

    @property
    def is_connected(self) -> bool:
        """Whether there are any."""

    def pause(self, paused: bool) -> None:
        """Pause them, or let them go on."""

    def ping(self) -> None:
        """Measure the network to their servers."""

    def describe(self) -> list[str]:
        """Return lines that say what they are."""


@dataclass(frozen=True)
class Controls:
    """What a command works on."""

    games: Games
    books: Books
    say: Callable[[str], None]


@dataclass(frozen=True)
class Command:
    """A command of the console: a line of help, and what it does in the training thread."""

    help: str
    obey: Callable[[Controls], None]


def _pause(controls: Controls) -> None:
    games = controls.games
    games.pause(not games.is_paused)
    controls.say(PAUSED if games.is_paused else "going on")


def _tell(controls: Controls) -> None:
    for line in (*controls.games.describe(), *controls.books.describe()):
        controls.say(line)


COMMANDS = {
    "p": Command("pause, or go on (the game pauses too)", _pause),
    "ping": Command("measure the network: ten round trips", lambda controls: controls.games.ping()),
    "stats": Command("say where training stands", _tell),
    "save": Command("write interrupt.p now", lambda controls: controls.books.save_now()),
    "evaluate": Command(
        "play 200 points without learning, and say how many it wins",
        lambda controls: controls.books.evaluate_now(),
    ),
}
QUIT, HELP = "q", "help"
WORDS = {word: command.help for word, command in COMMANDS.items()} | {
    QUIT: "save interrupt.p and quit",
    HELP: "say this",
}
"""Every word that the console knows, with its line of help."""
WORDS_WITHOUT_A_RUN = {QUIT: "quit", HELP: WORDS[HELP]}
"""Likewise, where nothing is trained or played: an evaluation, or a game that is watched."""
OTHER_WORDS = {"quit": QUIT, "exit": QUIT, "?": HELP}  # that people type


def meanings(word: str, known: Iterable[str] = WORDS) -> list[str]:
    """Return the command that a word is; else those of which it is the beginning."""
    words = {each: each for each in known} | OTHER_WORDS
    if word in words:
        return [words[word]]
    return list(dict.fromkeys(meant for each, meant in words.items() if word and each.startswith(word)))


class Commands:
    """Takes commands from any thread, and obeys them in the training thread.

    Args:
        say: takes lines for the console.
    """

    def __init__(self, say: Callable[[str], None]) -> None:
        self._say = say
        self._waiting: deque[str] = deque()  # any thread appends, the training thread takes
        self.has_quit = False  # a `q` was obeyed
        self._wake: Wake | None = None  # of the run, while there is one
        self._words: Mapping[str, str] = WORDS  # that it knows

    def enter(self, line: str) -> bool:
        """Take a line that a person typed. Any thread may call it.

        Returns:
            False if the run is to end, so that no line will be obeyed after it.
        """
        word = line.strip().lower()
        meant, *others = meanings(word, self._words) or [""]
        if others:
            self._say(f"{word!r} may be {' or '.join((meant, *others))}: type more of it")
            return True
        if meant == HELP:
            for each, words in self._words.items():
                self._say(f"{each:<10}{words}")
        elif meant:
            self._waiting.append(meant)
            if (wake := self._wake) is not None:  # the run may end just now
                wake.set()
        elif word:
            known = ", ".join(sorted(each for each in self._words if each != HELP))
            self._say(f"no command {word!r}; there are {known} and {HELP}")
        return meant != QUIT

    @property
    def is_quitting(self) -> bool:
        """Whether a `q` was obeyed, or waits behind other commands: what takes long should end now."""
        return self.has_quit or QUIT in self._waiting

    def obey(self, controls: Controls) -> None:
        """Do what the waiting commands say; for the training thread."""
        while self._waiting:
            word = self._waiting.popleft()
            if word == QUIT:
                self.has_quit = True
            elif not controls.games.is_connected:
                self._say(f"not connected: {word} needs a server")
            else:
                COMMANDS[word].obey(controls)
            controls.books.restart_clock()

    @contextlib.contextmanager
    def listening(self, words: Mapping[str, str] = WORDS) -> Iterator[Wake]:
        """Let commands wake a run, which waits on the Wake; at its end forget those that came too late.

        Args:
            words: That the run obeys, with a line of help for each.

        Raises:
            RuntimeError: there is a run already.
        """
        if self._wake is not None:
            raise RuntimeError("this agent is running already: end that with q, or make another agent")
        with contextlib.closing(Wake()) as self._wake:
            self._words = words
            try:
                yield self._wake
            finally:
                self._wake, self._words = None, WORDS
                self._waiting.clear()
                self.has_quit = False
