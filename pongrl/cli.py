"""What all programs share: the command line, one-sentence errors, signals, lines for a terminal.

A program is a dataclass of its options. `parse` builds the command line from it, so that no default and no
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
        given: frozenset[str] | None = None                        # receives the names of the given options

        def start(self) -> None: ...

`main` runs such a program and returns its exit code. Every program has --help and --version too. A program
that wants to know what it was given in Python too is decorated with `remembers`.
"""

from __future__ import annotations

import argparse
import contextlib
import dataclasses
import difflib
import functools
import io
import logging
import os
import re
import shutil
import signal
import sys
import threading
import types
import typing
from collections.abc import Callable, Iterator, Sequence
from typing import Any, NoReturn, TextIO, TypeVar

from pongrl import __version__
from pongrl.errors import PongError, UsageError
from pongrl.outlets import is_terminal, outlet_of, writing
from pongrl.text import printable

NEAR = 0.65  # how alike an unknown option and the one that may be meant are, from 0 to 1

Program = TypeVar("Program")

log = logging.getLogger("pong.cli")


# The command line


def flag_of(name: str) -> str:
    """Return the flag that sets an option: --hidden-units for hiddenUnits."""
    return "--" + re.sub(r"_|(?<=[a-z])(?=[A-Z])", "-", name).lower()


def remembers(program: type[Program]) -> type[Program]:
    """Let a program remember the names of the options that it is made with; see `given_to`."""
    init = program.__init__
    fields = dataclasses.fields(program)  # type: ignore[arg-type]  # it is a dataclass
    names = [field.name for field in fields if not field.kw_only]

    @functools.wraps(init)
    def remembering(self: Any, *args: Any, **kwargs: Any) -> None:
        self._named = frozenset(names[: len(args)]) | kwargs.keys() - {"given"}
        init(self, *args, **kwargs)

    program.__init__ = remembering  # type: ignore[method-assign]
    return program


def given_to(program: Any) -> frozenset[str]:
    """Return the names of the options that a program was made with, the default values too."""
    named: frozenset[str] = program._named  # noqa: SLF001  # `remembers` has put it there
    return named


def asked_of(program: Any) -> dict[str, str]:
    """Return the flags of the options that a program was given, by name; not of those that are turned off."""
    hints = typing.get_type_hints(type(program), include_extras=True)
    flags = {}
    for field in dataclasses.fields(program):
        value, kind = getattr(program, field.name), hints[field.name]
        is_off = value == field.default if isinstance(value, bool) else value in (None, "", ())
        if field.name in given_to(program) and not is_off:
            flags[field.name] = _flags(field.name, kind, field.default)[-1]
    return flags


def parse(program: type[Program], argv: Sequence[str] | None, prog: str | None = None) -> Program:
    """Make a program from its command line.

    Args:
        program: a dataclass; the first line of its docstring begins the help.
        argv: the arguments; None takes the process's own.
        prog: the program's name in messages; None takes the script's.

    Raises:
        UsageError: an option is out of its range.
        SystemExit: with 2 if the command line cannot be read, with 0 after --help and --version.
    """
    parser = _Parser(prog=prog, description=(program.__doc__ or "").split("\n")[0], allow_abbrev=False)
    parser.add_argument("--version", action="version", version=f"%(prog)s {__version__}")
    hints = typing.get_type_hints(program, include_extras=True)
    for field in dataclasses.fields(program):  # type: ignore[arg-type]  # it is a dataclass
        hint = hints[field.name]
        if typing.get_origin(hint) is typing.Annotated:
            kind, explanation, *_ = typing.get_args(hint)
            parser.add_argument(
                *_flags(field.name, hint, field.default),
                **_keywords(field.name, kind, field.default, explanation),
            )
    found, unknown = parser.parse_known_args(argv)
    if unknown:
        parser.refuse(unknown[0])
    given = vars(found)
    values = {name: tuple(value) if isinstance(value, list) else value for name, value in given.items()}
    if "given" in hints:
        values["given"] = frozenset(given)
    return program(**values)


class _Parser(argparse.ArgumentParser):
    def refuse(self, argument: str) -> NoReturn:
        """End because of an unknown argument; say which option may be meant."""
        word = argument.split("=")[0]
        flags = {}
        for action in self._actions:  # by the name in Python too
            for name in (*action.option_strings, action.dest):
                flags[_bare(name)] = action.option_strings[-1]
        near = difflib.get_close_matches(_bare(word), flags, 1, NEAR)
        self.error(f"there is no {word}" + (f" (did you mean {flags[near[0]]}?)" if near else ""))

    def error(self, message: str) -> NoReturn:
        self.exit(2, f"{self.prog}: {message}; see --help\n")


def _bare(word: str) -> str:
    return re.sub("[-_]", "", word).lower()


def _flags(name: str, hint: Any, default: Any) -> list[str]:
    """Return the flags of an option, or its name if it has none. What is on gets a flag to turn it off."""
    if typing.get_origin(hint) is not typing.Annotated:
        return [name]
    kind, _, *flags = typing.get_args(hint)
    flag = flag_of(name)
    return flags or [flag.replace("--", "--no-", 1) if kind is bool and default else flag]


def _keywords(name: str, kind: Any, default: Any, explanation: str) -> dict[str, Any]:
    """Return what argparse needs to know about an option."""
    keywords: dict[str, Any] = {"dest": name, "default": argparse.SUPPRESS}
    if kind is bool:
        keywords["action"] = "store_false" if default else "store_true"
    else:
        keywords |= _value_keywords(name, _kinds(kind))
        if default is not None and default is not False and default not in ("", ()):
            explanation += f" (default {default})"
    return keywords | {"help": explanation.replace("%", "%%")}


def _kinds(kind: Any) -> set[Any]:
    """Return the kinds in a union, None left out."""
    is_union = typing.get_origin(kind) in (types.UnionType, typing.Union)
    return (set(typing.get_args(kind)) if is_union else {kind}) - {type(None)}


def _value_keywords(name: str, kinds: set[Any]) -> dict[str, Any]:
    """Return what argparse needs to know about the value of a flag that may be of these kinds."""
    keywords: dict[str, Any] = {}
    if bool in kinds:  # the flag's value may be left out
        keywords |= {"nargs": "?", "const": True}
        kinds = kinds - {bool}
    tuples = {kind for kind in kinds if typing.get_origin(kind) is tuple}
    if tuples and len(kinds) > 1:  # str | tuple[str, ...]: the flag may be repeated
        keywords["action"] = "append"
        kinds = kinds - tuples
    (value,) = kinds
    if typing.get_origin(value) is tuple:  # tuple[str, ...]: the flag takes one or more values
        keywords["nargs"] = "+"
        value = typing.get_args(value)[0]
    metavar = {int: "N", float: "X"}.get(value, name.split("_")[-1].upper())
    return keywords | {"type": value, "metavar": metavar}


# The program


class Startable(typing.Protocol):
    """A program: its options, `debug` among them, and `start`."""

    debug: bool

    def start(self) -> None:
        """Run until the end."""


def main(program: type[Startable], argv: Sequence[str] | None, prog: str | None = None) -> int:
    """Run a program from its command line; an error becomes one sentence on stderr.

    Returns:
        The exit code: 0, or 2 after an error.
    """
    debug = False
    if isinstance(sys.stdout, io.TextIOWrapper):  # its encoding may lack a letter of --help
        sys.stdout.reconfigure(errors="backslashreplace")
    try:
        with _ended_by_ctrl_c():
            try:
                instance = parse(program, argv, prog)
            except SystemExit:  # --help and --version end here
                _flush()
                raise
            debug = instance.debug
            instance.start()
            _flush()
    except PongError as error:
        return _failed(str(error), debug)
    except OSError as error:
        sys.stdout = open(os.devnull, "w")  # noqa: SIM115  # or Python complains when it flushes the old one
        if isinstance(error, BrokenPipeError):  # the reader of our output has gone, as in `… | head`
            return 0
        return _failed(f"{error}: fix that and start again", debug)
    return 0


@contextlib.contextmanager
def _ended_by_ctrl_c() -> Iterator[None]:
    """Let Ctrl-C end the process at once, as SIGTERM does, outside of `stop_signals`."""
    before = signal.getsignal(signal.SIGINT)
    if before is not signal.default_int_handler or threading.current_thread() is not threading.main_thread():
        yield  # a shell has told a job in the background to ignore it
        return
    signal.signal(signal.SIGINT, signal.SIG_DFL)
    try:
        yield
    finally:
        signal.signal(signal.SIGINT, before)


def _flush() -> None:
    """Write the last of standard output, or Python would do it later, and complain in words of its own.

    Raises:
        BrokenPipeError: nobody reads it.
        PongError: it could not be written.
    """
    if sys.stderr is not None:
        try:
            sys.stderr.flush()
        except (AttributeError, OSError, ValueError):  # what it holds can be written nowhere
            sys.stderr = open(os.devnull, "w")  # noqa: SIM115  # or Python complains, and ends with 120
    try:
        if sys.stdout is not None:
            with writing():
                sys.stdout.flush()
    except BrokenPipeError:
        raise
    except OSError as error:
        sys.stdout = open(os.devnull, "w")  # noqa: SIM115  # or Python flushes the old one again
        raise PongError(
            f"standard output could not be written ({error.strerror}): make room; all else is done"
        ) from error


def _failed(sentence: str, debug: bool) -> int:
    """Say why the program ends, and return its exit code."""
    if debug:
        logging.exception("the program ends because of this")
    try:
        _flush()
    except PongError:
        pass
    except OSError:  # nobody reads it
        sys.stdout = open(os.devnull, "w")  # noqa: SIM115  # or Python complains, and ends with 120
    try:
        _print(f"error: {sentence}", sys.stderr)
    except OSError:  # nobody reads, or the disk is full
        sys.stderr = open(os.devnull, "w")  # noqa: SIM115  # as for stdout
    return 2


def need_main_thread(instead: str) -> None:
    """Refuse to open a window in another thread than the main one, where some systems end the process.

    Raises:
        UsageError: this is another thread.
    """
    if threading.current_thread() is not threading.main_thread():
        raise UsageError(f"a window needs the main thread: call start() there, or use {instead}")


@contextlib.contextmanager
def stop_signals(stop: Callable[[], object]) -> Iterator[None]:
    """Let Ctrl-C, Ctrl-Break, SIGTERM and a closed terminal call `stop` instead of ending the process.

    On Windows a closed terminal ends the process at once, and `stop` is not called.

    Python allows this in the main thread only; in another thread nothing is changed.
    """
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    kinds = [signal.SIGINT, signal.SIGTERM]
    for name in ("SIGHUP", "SIGBREAK"):  # Windows has the second one, others the first, which nohup ignores
        kind = getattr(signal, name, None)
        if kind is not None and signal.getsignal(kind) is signal.SIG_DFL:
            kinds.append(kind)
    before = {kind: signal.signal(kind, lambda *_: stop()) for kind in kinds}
    try:
        yield
    finally:
        for kind, handler in before.items():
            signal.signal(kind, signal.SIG_DFL if handler is None else handler)  # None: C code's own


# Lines for a terminal


def say(line: str) -> None:
    """Print a line for a person; if that fails (a full disk, a closed terminal) the program goes on.

    Raises:
        BrokenPipeError: the reader of our output has gone.
    """
    try:
        _print(line, sys.stdout)
    except BrokenPipeError:
        raise
    except OSError as error:
        log.debug("a line could not be written: %s", error)


def _print(line: str, stream: TextIO | None) -> None:
    """Print a line. What came from outside may be in it, so it is escaped and cut."""
    line = printable(line)
    if is_terminal(stream):
        line = fold(line, shutil.get_terminal_size().columns)
    outlet = outlet_of(stream)
    if outlet is not None:
        outlet.put(line)
        return
    encoding = getattr(stream, "encoding", None) or "utf-8"  # it may lack a letter
    print(line.encode(encoding, "backslashreplace").decode(encoding), file=stream, flush=True)


def fold(text: str, columns: int) -> str:
    """Break lines that are too long for a terminal, at the gaps of three spaces between their parts."""
    rows: list[str] = []
    for line in text.split("\n"):
        first, *parts = re.split("(?<! ) {3}(?! )", line)
        rows.append(first)
        for part in parts:
            if len(rows[-1]) + 3 + len(part) <= columns:
                rows[-1] += f"   {part}"
            else:
                rows.append(part)
    return "\n".join(rows)
