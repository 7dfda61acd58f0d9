"""What all programs share: command line, error sentences, signals, lines for a terminal."""

from __future__ import annotations

import io
import logging
import os
import signal
import subprocess
import sys
import threading
from dataclasses import KW_ONLY, dataclass, field, fields
from typing import Annotated, Any

import pytest

from mainmodel import PolicyGradient
from pong import Pong
from pongrl import __version__, cli, outlets
from pongrl.checks import within
from pongrl.cli import stop_signals
from pongrl.errors import PongError
from tests.support import PATIENCE, ROOT


@dataclass
class Program:
    """A program for tests.

    What follows the first line is no part of the help.
    """

    level: Annotated[int, "level of the 100% built-in AI"] = 2
    learningRate: Annotated[float, "rate"] = 1e-3
    points_to_win: Annotated[int, "points"] = 0
    server: Annotated[bool, "do not serve"] = True
    headless: Annotated[bool, "no window"] = False
    seed: Annotated[int | None, "seed of it all"] = None
    resume: Annotated[bool | str, "go on from FILE, or the latest"] = False
    host: Annotated[str, "host"] = ""
    _: KW_ONLY
    difficulty: Annotated[int, "difficulty", "--hard", "-d"] = 1
    colours: Annotated[tuple[str, ...], "colours of the court"] = ()
    debug: Annotated[bool, "log each stage"] = False
    token: str | None = None
    given: frozenset[str] | None = field(default=None, compare=False)
    started: list[str] = field(default_factory=list)

    def __post_init__(self) -> None:
        within("--level", self.level, 1, 3)

    def start(self) -> None:
        if self.host:
            raise PongError(f"the host {self.host!r} is not there: start it")


@pytest.mark.parametrize(
    ("line", "made"),
    [
        ("", Program()),
        ("--level 3", Program(level=3)),
        ("--level=3", Program(level=3)),
        ("--learning-rate 0.5", Program(learningRate=0.5)),
        ("--points-to-win 7", Program(points_to_win=7)),
        ("--no-server", Program(server=False)),
        ("--headless", Program(headless=True)),
        ("--seed -1", Program(seed=-1)),
        ("--resume", Program(resume=True)),
        ("--resume best.p", Program(resume="best.p")),
        ("--resume --headless", Program(resume=True, headless=True)),
        ("--colours green white --headless", Program(colours=("green", "white"), headless=True)),
        ("--hard 4", Program(difficulty=4)),
        ("-d 4", Program(difficulty=4)),
        ("--level 1 --level 2 --host h", Program(level=2, host="h")),
    ],
)
def test_a_command_line_makes_the_program(line: str, made: Program) -> None:
    assert cli.parse(Program, line.split()) == made


UNREADABLE = (
    "--level", "--level two", "--learning-rate fast", "--server", "--no-headless", "--headless=yes",
    "--difficulty 2", "--learningRate 1", "--lev 2", "--token secret", "--started x", "stray",
)  # fmt: skip


@pytest.mark.parametrize("line", UNREADABLE)
def test_a_command_line_that_cannot_be_read_is_one_line_and_code_2(
    line: str, capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SystemExit) as caught:
        cli.parse(Program, line.split())
    assert caught.value.code == 2
    said = capsys.readouterr()
    assert said.out == ""
    assert said.err.count("\n") == 1
    assert said.err.endswith("; see --help\n")


@pytest.mark.parametrize(
    ("line", "words"),
    [
        ("--lavel 2", "there is no --lavel (did you mean --level?)"),
        ("--lavel=2", "there is no --lavel (did you mean --level?)"),
        ("-level 2", "there is no -level (did you mean --level?)"),
        ("--learningRate 1", "there is no --learningRate (did you mean --learning-rate?)"),
        ("--points_to_win 3", "there is no --points_to_win (did you mean --points-to-win?)"),
        ("--nonsense", "there is no --nonsense"),
        ("stray", "there is no stray"),
    ],
)
def test_an_unknown_option_is_told_the_nearest_name(
    line: str, words: str, capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SystemExit):
        cli.parse(Program, line.split(), "pong.py")
    assert capsys.readouterr().err == f"pong.py: {words}; see --help\n"


@pytest.fixture
def help_text(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> str:
    monkeypatch.setenv("COLUMNS", "200")
    monkeypatch.setenv("NO_COLOR", "1")
    with pytest.raises(SystemExit) as caught:
        cli.parse(Program, ["--help"])
    assert caught.value.code == 0
    return capsys.readouterr().out


SHOWN = (
    "A program for tests.\n", "--level N ", "level of the 100% built-in AI (default 2)\n",
    "--learning-rate X ", "rate (default 0.001)\n", "points (default 0)\n",
    "--version ", "--no-server ", "do not serve\n", "no window\n", "seed of it all\n",
    "--resume [RESUME] ", "go on from FILE, or the latest\n", "--host HOST ", "host\n",
    "difficulty (default 1)\n",
)  # fmt: skip


@pytest.mark.parametrize("words", SHOWN)
def test_help_explains_each_option_with_its_default(help_text: str, words: str) -> None:
    assert words in help_text


@dataclass
class Percent:
    """Another."""

    share: Annotated[str, "a share"] = "5%d"


def test_help_shows_a_default_with_a_per_cent_sign(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit):
        cli.parse(Percent, ["--help"])
    assert "a share (default 5%d)\n" in capsys.readouterr().out


def test_help_leaves_out_what_is_no_option(help_text: str) -> None:
    assert "no part of the help" not in help_text
    assert "--token" not in help_text


@pytest.mark.parametrize("program", [Pong, PolicyGradient])
def test_an_empty_command_line_makes_the_constructors_defaults(program: Any) -> None:
    made, constructed = cli.parse(program, []), program()
    for each in fields(program):
        if each.name != "given":
            assert getattr(made, each.name) == getattr(constructed, each.name)


@pytest.mark.parametrize("debug", [False, True])
def test_debugging_turns_up_our_own_log_alone(debug: bool) -> None:
    ours, before = logging.getLogger("pong"), logging.getLogger("pong").level
    try:
        outlets.start_log(debug)
        assert ours.isEnabledFor(logging.INFO)
        assert ours.isEnabledFor(logging.DEBUG) is debug
        assert not logging.getLogger("somebody else's").isEnabledFor(logging.DEBUG)
    finally:
        ours.setLevel(before)


@pytest.mark.parametrize(
    ("line", "sentence"),
    [
        ("--level 4", "error: --level must be from 1 to 3, not 4\n"),
        ("--host pi", "error: the host 'pi' is not there: start it\n"),
    ],
)
def test_main_makes_an_error_one_sentence_and_code_2(
    line: str, sentence: str, capsys: pytest.CaptureFixture[str], caplog: pytest.LogCaptureFixture
) -> None:
    assert cli.main(Program, line.split()) == 2
    assert capsys.readouterr() == ("", sentence)
    assert caplog.text == ""


def test_main_logs_where_an_error_came_from_when_debugging(caplog: pytest.LogCaptureFixture) -> None:
    assert cli.main(Program, ["--host", "pi", "--debug"]) == 2
    assert "Traceback" in caplog.text


def test_main_is_silent_and_gives_0_when_all_went_well(capsys: pytest.CaptureFixture[str]) -> None:
    assert cli.main(Program, []) == 0
    assert capsys.readouterr() == ("", "")


def test_what_the_output_cannot_encode_is_escaped(monkeypatch: pytest.MonkeyPatch) -> None:
    output = io.BytesIO()
    monkeypatch.setattr(sys, "stdout", io.TextIOWrapper(output, encoding="ascii", write_through=True))
    monkeypatch.setattr(Program, "start", lambda self: print("700×500"))
    assert cli.main(Program, []) == 0
    assert output.getvalue().split() == [rb"700\xd7500"]


def test_main_lets_what_is_no_error_of_ours_through(monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(_: Program) -> None:
        raise ZeroDivisionError

    monkeypatch.setattr(Program, "start", fail)
    with pytest.raises(ZeroDivisionError):
        cli.main(Program, [])


BOTH = signal.SIGINT, signal.SIGTERM


def handlers() -> list[object]:
    return [signal.getsignal(kind) for kind in BOTH]


@pytest.mark.parametrize("kind", BOTH)
def test_a_signal_calls_stop_and_handlers_come_back(kind: signal.Signals) -> None:
    before, stopped = handlers(), threading.Event()
    with stop_signals(stopped.set):
        signal.raise_signal(kind)
        assert stopped.is_set()
    assert handlers() == before


@pytest.mark.skipif(not hasattr(signal, "SIGUSR1"), reason="no signal to take its place")
def test_ctrl_break_calls_stop_on_windows(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(signal, "SIGBREAK", signal.SIGUSR1, raising=False)
    stopped = threading.Event()
    with stop_signals(stopped.set):
        assert signal.getsignal(signal.SIGUSR1) is not signal.SIG_DFL
        signal.raise_signal(signal.SIGUSR1)
        assert stopped.is_set()
    assert signal.getsignal(signal.SIGUSR1) is signal.SIG_DFL


def test_ctrl_c_ends_a_program_that_has_nothing_to_save(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(signal, "default_int_handler", signal.getsignal(signal.SIGINT))
    before, inside = handlers(), []
    monkeypatch.setattr(Program, "start", lambda self: inside.append(signal.getsignal(signal.SIGINT)))
    assert cli.main(Program, []) == 0
    assert inside == [signal.SIG_DFL]
    assert handlers() == before


def test_a_handler_that_python_does_not_know_is_no_harm(monkeypatch: pytest.MonkeyPatch) -> None:
    set_handler = signal.signal
    monkeypatch.setattr(signal, "signal", lambda kind, handler: set_handler(kind, handler) and None)
    before = handlers()
    try:
        with stop_signals(lambda: None):
            pass
        assert set(handlers()) == {signal.SIG_DFL}
    finally:
        for kind, handler in zip(BOTH, before, strict=True):
            set_handler(kind, handler)


def test_handlers_come_back_after_an_error() -> None:
    before = handlers()
    with pytest.raises(ZeroDivisionError), stop_signals(lambda: None):
        raise ZeroDivisionError
    assert handlers() == before


def test_outside_the_main_thread_signals_are_left_alone() -> None:
    before, inside = handlers(), []

    def run() -> None:
        with stop_signals(lambda: None):
            inside.append(handlers())

    thread = threading.Thread(target=run)
    thread.start()
    thread.join()
    assert inside == [before]


@pytest.mark.parametrize(
    ("line", "given"),
    [("", ""), ("--level 2 --no-server", "level server"), ("--resume", "resume")],
)
def test_a_program_is_told_which_options_were_given(line: str, given: str) -> None:
    assert cli.parse(Program, line.split()).given == frozenset(given.split())


@pytest.mark.parametrize("prog", [None, "pongrl-agent"])
def test_version_says_which_program_and_release_it_is(
    prog: str | None, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sys, "argv", ["/usr/bin/mainmodel.py"])
    with pytest.raises(SystemExit) as caught:
        cli.parse(Program, ["--version"], prog)
    assert caught.value.code == 0
    assert capsys.readouterr().out == f"{prog or 'mainmodel.py'} {__version__}\n"


@pytest.mark.parametrize(
    ("name", "flag"),
    [("level", "--level"), ("hiddenUnits", "--hidden-units"), ("token_file", "--token-file")],
)
def test_a_flag_is_made_of_an_options_name(name: str, flag: str) -> None:
    assert cli.flag_of(name) == flag


# Lines for a terminal


def test_a_line_is_folded_between_its_parts() -> None:
    line = "7 points   won 50.0 %   9,612 decisions/s"
    assert cli.fold(line, len(line)) == line
    assert cli.fold(line, len(line) - 1) == "7 points   won 50.0 %\n9,612 decisions/s"
    assert cli.fold(line, 3) == "7 points\nwon 50.0 %\n9,612 decisions/s"
    folded = cli.fold("server       here\n" + line, 21)
    assert folded == "server       here\n7 points   won 50.0 %\n9,612 decisions/s"
    assert cli.fold("", 5) == ""


def test_only_gaps_of_three_spaces_are_folded() -> None:
    assert cli.fold("a    b  c", 1) == "a    b  c"


def test_a_line_is_said_as_it_is_where_there_is_no_terminal(capsys: pytest.CaptureFixture[str]) -> None:
    cli.say("one   " * 50)
    assert capsys.readouterr().out == "one   " * 50 + "\n"


class Broken(io.StringIO):
    def __init__(self, error: OSError) -> None:
        super().__init__()
        self.error = error

    def write(self, _: str) -> int:
        raise self.error


def test_a_line_that_cannot_be_written_is_left_out(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "stdout", Broken(OSError(28, "No space left on device")))
    cli.say("lost")


def test_a_reader_that_has_gone_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "stdout", Broken(BrokenPipeError()))
    with pytest.raises(BrokenPipeError):
        cli.say("lost")


def test_nothing_is_said_without_a_standard_output(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "stdout", None)
    cli.say("lost")


def test_what_came_from_outside_is_escaped_in_what_is_said_logged_and_told(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(_self: Program) -> None:
        raise PongError("\x1b[2J\nerror: forged")

    cli.say("a\x1b[2J\nb")
    monkeypatch.setattr(Program, "start", fail)
    assert cli.main(Program, [], "prog") == 2
    said = capsys.readouterr()
    assert said.out == "a\\x1b[2J\\nb\n"
    assert said.err == "error: \\x1b[2J\\nerror: forged\n"


def test_what_came_from_outside_is_escaped_in_a_logged_traceback_too() -> None:
    log_it = "import logging; logging.getLogger('pong').error('why', exc_info=ValueError('\\x1b[2J'))"
    script = f"from pongrl import outlets; outlets.start_log(True); {log_it}"
    command = [sys.executable, "-c", script]
    result = subprocess.run(command, capture_output=True, text=True, cwd=ROOT, timeout=PATIENCE)
    assert result.stderr.endswith("ValueError: \\x1b[2J\n")


def test_a_logged_line_is_one_line() -> None:
    log_it = "import logging; logging.getLogger('pong').info('a\\x1b\\nb')"
    script = f"from pongrl import outlets; outlets.start_log(False); {log_it}"
    command = [sys.executable, "-c", script]
    result = subprocess.run(command, capture_output=True, text=True, cwd=ROOT, timeout=PATIENCE)
    assert result.stderr.split(" ", 1)[1] == "a\\x1b\\nb\n"


def test_a_letter_that_the_output_lacks_is_escaped_in_library_use_too(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    out = io.TextIOWrapper(io.BytesIO(), encoding="cp1252", newline="")
    monkeypatch.setattr(sys, "stdout", out)
    cli.say("saved 日本")
    assert out.buffer.getvalue() == b"saved \\u65e5\\u672c\n"  # type: ignore[attr-defined]


FULL = """
import sys
from dataclasses import dataclass
from pongrl import cli

@dataclass
class Program:
    debug: bool = False

    def start(self) -> None:
        cli.say("lost")

sys.exit(cli.main(Program, []))
"""


@pytest.mark.skipif(not os.path.exists("/dev/full"), reason="no /dev/full there")
def test_an_error_is_told_though_standard_output_finds_no_room() -> None:
    script = FULL.replace('cli.say("lost")', 'print("lost"); raise cli.PongError("it has failed")')
    with open("/dev/full", "w") as full:
        result = subprocess.run(
            [sys.executable, "-c", script], stdout=full, stderr=subprocess.PIPE, text=True, cwd=ROOT,
            timeout=PATIENCE, env=os.environ | {"PYTHONUNBUFFERED": ""},
        )  # fmt: skip
    assert (result.returncode, result.stderr) == (2, "error: it has failed\n")


@pytest.mark.skipif(not os.path.exists("/dev/full"), reason="no /dev/full there")
@pytest.mark.parametrize("option", ["--help", "--version"])
def test_help_that_finds_no_room_is_one_sentence_too(option: str) -> None:
    with open("/dev/full", "w") as full:
        result = subprocess.run(
            [sys.executable, "pong.py", option], stdout=full, stderr=subprocess.PIPE, text=True, cwd=ROOT,
            timeout=PATIENCE, env=os.environ | {"PYTHONUNBUFFERED": ""},
        )  # fmt: skip
    assert result.returncode == 2
    assert result.stderr.startswith("error: standard output could not be written (No space left on device)")
    assert "Exception" not in result.stderr


def test_a_stream_of_a_program_needs_no_more_than_write_and_flush(monkeypatch: pytest.MonkeyPatch) -> None:
    class Tee:
        def __init__(self) -> None:
            self.said = ""

        def write(self, text: str) -> None:
            self.said += text

        def flush(self) -> None: ...

    monkeypatch.setattr(sys, "stdout", tee := Tee())
    cli.say("a line")
    assert tee.said == "a line\n"


@pytest.mark.skipif(not os.path.exists("/dev/full"), reason="no /dev/full there")
@pytest.mark.parametrize("errors_too", [False, True])
def test_output_that_finds_no_room_is_one_sentence_at_the_end(errors_too: bool) -> None:
    with open("/dev/full", "w") as full:
        errors = full if errors_too else subprocess.PIPE
        result = subprocess.run(
            [sys.executable, "-c", FULL], stdout=full, stderr=errors, text=True, cwd=ROOT,
            timeout=PATIENCE, env=os.environ | {"PYTHONUNBUFFERED": ""},
        )  # fmt: skip
    assert result.returncode == 2
    if not errors_too:
        assert result.stderr == (
            "error: standard output could not be written (No space left on device): "
            "make room; all else is done\n"
        )
