"""What the two programs have in common at their doors: command line, error sentences, signals, log.

A program is a dataclass of its options; the command line is built from it, so that no default and no
explanation is written twice:

    @dataclass
    class Program:
        level: Annotated[int, "level of the built-in AI"] = 2      # --level 2
        hiddenUnits: Annotated[int, "hidden units"] = 250          # --hidden-units 250
        server: Annotated[bool, "do not serve"] = True             # --no-server
        levelodiff: Annotated[int, "level", "--level"] = 2         # a flag by another name
        host: Annotated[str | tuple[str, ...], "a host"] = ""      # --host a --host b
        resume: Annotated[bool | str, "go on"] = False             # --resume, or --resume FILE
        token: str | None = None                                   # no flag: not annotated
        given: frozenset[str] | None = None                        # is told which options were named
"""

from __future__ import annotations

import argparse
import contextlib
import dataclasses
import io
import logging
import os
import re
import signal
import sys
import threading
import types
import typing
from collections.abc import Callable, Iterator, Sequence
from typing import Any, NoReturn, TypeVar

from pongrl.errors import PongError

Program = TypeVar("Program")


class _Parser(argparse.ArgumentParser):
    def error(self, message: str) -> NoReturn:
        self.exit(2, f"{self.prog}: {message}; see --help\n")


def parse(program: type[Program], argv: Sequence[str] | None) -> Program:
    """Make a program from its command line; its docstring is the help's first line.

    Raises:
        UsageError: an option is out of its range.
        SystemExit: with 2 for a command line that cannot be read, with 0 after --help.
    """
    parser = _Parser(description=(program.__doc__ or "").split("\n")[0], allow_abbrev=False)
    hints = typing.get_type_hints(program, include_extras=True)
    for field in dataclasses.fields(program):  # type: ignore[arg-type]  # it is a dataclass
        hint = hints[field.name]
        if typing.get_origin(hint) is typing.Annotated:
            kind, explanation, *flags = typing.get_args(hint)
            _add(parser, field.name, kind, field.default, explanation, flags)
    named = vars(parser.parse_args(argv))
    values = {name: tuple(value) if isinstance(value, list) else value for name, value in named.items()}
    if "given" in hints:
        values["given"] = frozenset(named)
    return program(**values)


def _add(
    parser: argparse.ArgumentParser, name: str, kind: Any, default: Any, explanation: str, flags: list[str]
) -> None:
    flag = "--" + re.sub(r"_|(?<=[a-z])(?=[A-Z])", "-", name).lower()
    kinds = (
        set(typing.get_args(kind)) if typing.get_origin(kind) in (types.UnionType, typing.Union) else {kind}
    )
    keywords: dict[str, Any] = {"dest": name, "default": argparse.SUPPRESS, "help": explanation}
    if kinds == {bool}:
        flag = flag.replace("--", "--no-", 1) if default else flag
        keywords["action"] = "store_false" if default else "store_true"
    else:
        if default is not None and default is not False and default not in ("", ()):
            keywords["help"] += f" (default {default})"
        if bool in kinds:  # a flag whose value may be left out
            keywords |= {"nargs": "?", "const": True}
        several = {kind for kind in kinds if typing.get_origin(kind) is tuple}
        if several and len(kinds - {bool, type(None)}) > 1:  # str | tuple[str, ...]: the flag may be repeated
            keywords["action"] = "append"
            kinds -= several
        (keywords["type"],) = kinds - {bool, type(None)}
        if typing.get_origin(keywords["type"]) is tuple:  # tuple[str, ...]: one or more values
            keywords |= {"nargs": "+", "type": typing.get_args(keywords["type"])[0]}
        keywords["metavar"] = {int: "N", float: "X"}.get(keywords["type"], name.split("_")[-1].upper())
    keywords["help"] = keywords["help"].replace("%", "%%")
    parser.add_argument(*(flags or [flag]), **keywords)


class Startable(typing.Protocol):
    """A program: its options, `debug` among them, and `start`."""

    debug: bool

    def start(self) -> None:
        """Run to the end."""


def main(program: type[Startable], argv: Sequence[str] | None) -> int:
    """Run a program from its command line and give its exit code; an error becomes one sentence on stderr."""
    debug = False
    if isinstance(sys.stdout, io.TextIOWrapper):  # its encoding may lack a letter, as of a file's name
        sys.stdout.reconfigure(errors="backslashreplace")
    try:
        instance = parse(program, argv)
        debug = instance.debug
        instance.start()
    except PongError as error:
        if debug:
            logging.exception("the program ends because of this")
        print(f"error: {error}", file=sys.stderr)
        return 2
    except OSError as error:
        sys.stdout = open(os.devnull, "w")  # noqa: SIM115  # else Python complains when it flushes the old one
        if isinstance(error, BrokenPipeError):  # whoever read our output has gone, as in `… | head`
            return 0
        if debug:
            logging.exception("the program ends because of this")
        print(f"error: {error}: mend that and start again", file=sys.stderr)
        return 2
    return 0


def missing(name: str, sentence: str) -> ImportError | SystemExit:
    """Make what a module of this `__name__` raises when its imports fail; a program ends as `main` does."""
    if name != "__main__":
        return ImportError(sentence)
    print(f"error: {sentence}", file=sys.stderr)
    return SystemExit(2)


def start_log(debug: bool) -> None:
    """Log to stderr, one plain line an event, with its time."""
    logging.basicConfig(format="%(asctime)s %(message)s", datefmt="%H:%M:%S")
    logging.getLogger("pong").setLevel(logging.DEBUG if debug else logging.INFO)  # not of the libraries


@contextlib.contextmanager
def stop_signals(stop: Callable[[], None]) -> Iterator[None]:
    """Let Ctrl-C, SIGTERM and a terminal that is closed call `stop` instead of ending the process.

    Only the main thread can.
    """
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    kinds = [signal.SIGINT, signal.SIGTERM]
    hangup = getattr(signal, "SIGHUP", None)  # not on Windows; and nohup wants it ignored
    if hangup is not None and signal.getsignal(hangup) is signal.SIG_DFL:
        kinds.append(hangup)
    before = {kind: signal.signal(kind, lambda *_: stop()) for kind in kinds}
    try:
        yield
    finally:
        for kind, handler in before.items():
            signal.signal(kind, handler)
