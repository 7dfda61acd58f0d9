"""The console's commands: words from any thread, obeyed in the training thread."""

from __future__ import annotations

import pytest

from pongrl.agent.books import Books
from pongrl.agent.commands import COMMANDS, PAUSED, WORDS, Commands, Controls, meanings
from pongrl.agent.observers import Audience
from pongrl.agent.player import Player
from pongrl.agent.progress import Progress
from tests.support.agents import Lines, learner_of, options_of


class Games:
    """Games that remember what was done with them."""

    def __init__(self, is_connected: bool = True) -> None:
        self.is_connected, self.is_paused, self.pings = is_connected, False, 0

    def pause(self, paused: bool) -> None:
        self.is_paused = paused

    def ping(self) -> None:
        self.pings += 1

    def describe(self) -> list[str]:
        return ["server       somewhere"]


@pytest.fixture
def lines() -> Lines:
    return Lines()


def controls_of(games: Games, lines: Lines) -> Controls:
    books = Books(options_of(), Progress(), Audience(), lines)
    books.open(Player(learner_of(options_of(hiddenUnits=2)).policy), 2)
    return Controls(games, books, lines)


@pytest.mark.parametrize(
    ("word", "meant"),
    [
        ("p", ["p"]), ("pi", ["ping"]), ("ping", ["ping"]), ("st", ["stats"]), ("sa", ["save"]), ("q", ["q"]),
        ("he", ["help"]), ("s", ["stats", "save"]), ("pp", []), ("", []),
        ("quit", ["q"]), ("qu", ["q"]), ("exit", ["q"]), ("ex", ["q"]), ("?", ["help"]),
    ],
)  # fmt: skip
def test_a_word_may_be_cut_short_as_long_as_it_is_clear(word: str, meant: list[str]) -> None:
    assert meanings(word) == meant


def test_a_beginning_of_several_words_is_called_so(lines: Lines) -> None:
    assert Commands(lines).enter("S")
    assert lines.said == ["'s' may be stats or save: type more of it"]


@pytest.mark.parametrize("word", ["q", "quit", "exit", " EXIT "])
def test_people_quit_with_the_words_that_they_know(word: str, lines: Lines) -> None:
    commands = Commands(lines)
    assert not commands.enter(word)
    assert commands.is_quitting
    assert lines.said == []


def test_every_word_has_a_line_of_help_and_every_command_is_a_word() -> None:
    assert [*COMMANDS, "q", "help"] == list(WORDS)
    assert all(WORDS.values())


def test_help_is_said_at_once(lines: Lines) -> None:
    Commands(lines).enter("help")
    assert lines.said == [
        "p         pause, or go on (the game pauses too)",
        "ping      measure the network: ten round trips",
        "stats     say where training stands",
        "save      write interrupt.p now",
        "evaluate  play 200 points without learning, and say how many it wins",
        "q         save interrupt.p and quit",
        "help      say this",
    ]


def test_a_word_that_is_no_command_is_answered_with_those_that_there_are(lines: Lines) -> None:
    Commands(lines).enter("Nonsense ")
    assert lines.said == ["no command 'nonsense'; there are evaluate, p, ping, q, save, stats and help"]


def test_an_empty_line_is_no_command(lines: Lines) -> None:
    commands, games = Commands(lines), Games()
    commands.enter("  ")
    commands.obey(controls_of(games, lines))
    assert lines.said == []


def test_p_pauses_and_goes_on(lines: Lines) -> None:
    commands, games = Commands(lines), Games()
    controls = controls_of(games, lines)
    commands.enter("p")
    assert not games.is_paused  # it waits for the training thread
    commands.obey(controls)
    assert games.is_paused
    commands.enter("p")
    commands.obey(controls)
    assert not games.is_paused
    assert lines.said == [PAUSED, "going on"]


def test_stats_describes_the_games_and_the_books(lines: Lines) -> None:
    commands = Commands(lines)
    commands.enter("stats")
    commands.obey(controls_of(Games(), lines))
    assert [line.split()[0] for line in lines.said] == [
        "server", "progress", "running", "decisions", "network", "files",
    ]  # fmt: skip


def test_commands_are_obeyed_in_their_order_and_q_counts_at_once(lines: Lines) -> None:
    commands, games = Commands(lines), Games()
    assert not commands.is_quitting
    for word in ("ping", "ping", "q"):
        commands.enter(word)
    assert commands.is_quitting
    assert not commands.has_quit  # the others are obeyed first
    commands.obey(controls_of(games, lines))
    assert games.pings == 2
    assert commands.is_quitting
    assert commands.has_quit


@pytest.mark.parametrize("word", COMMANDS)
def test_every_command_but_q_needs_a_server(word: str, lines: Lines) -> None:
    commands = Commands(lines)
    commands.enter(word)
    commands.obey(controls_of(Games(is_connected=False), lines))
    assert lines.said == [f"not connected: {word} needs a server"]


def test_a_command_wakes_the_run(lines: Lines) -> None:
    commands = Commands(lines)
    with commands.listening() as wake:
        commands.enter("stats")
        assert wake.wait(0)
        commands.enter("nonsense")
        assert not wake.wait(0)


def test_what_comes_too_late_for_a_run_does_not_end_the_next(lines: Lines) -> None:
    commands = Commands(lines)
    commands.enter("q")
    with commands.listening():
        assert commands.is_quitting  # it was entered before the run
    commands.enter("p")
    with commands.listening():
        assert not commands.is_quitting
