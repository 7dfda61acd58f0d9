"""Check options and arguments: each function raises UsageError with a sentence that names the option."""

from __future__ import annotations

import contextlib
import dataclasses
import numbers
import os
import reprlib
import types
import typing
from collections.abc import Callable
from typing import Any, NamedTuple

from pongrl.cli import flag_of
from pongrl.errors import UsageError

LARGEST_SEED = 2**63 - 1  # a signed 64-bit integer, so that any other program can store a seed too
LARGEST_FRAMESKIP = 60  # ticks: a decision of a second
LARGEST_MATCH = 10_000  # points that win it


def within(name: str, value: float, low: float, high: float) -> None:
    """Check that a number is in its range.

    Args:
        name: the option, as the sentence is to name it.
        value: what was given.
        low: the least that is allowed.
        high: the most that is allowed.

    Raises:
        UsageError: the number is out of the range.
    """
    if not low <= value <= high:
        raise UsageError(f"{name} must be from {low:g} to {high:g}, not {value:g}")


def is_whole(value: object) -> bool:
    """Return whether a value is an integer, of Python or of numpy; True and 1.0 are none here."""
    return isinstance(value, numbers.Integral) and not isinstance(value, bool)


def whole(name: str, value: int, low: int, high: int) -> None:
    """Check that a value is an integer in its range; see `is_whole`.

    Args:
        name: the option, as the sentence is to name it.
        value: what was given.
        low: the least that is allowed.
        high: the most that is allowed.

    Raises:
        UsageError: the value is not an integer, or out of the range.
    """
    if not is_whole(value) or not low <= value <= high:
        raise UsageError(f"{name} must be a whole number from {low:,} to {high:,}, not {value}")


# Types


class _Kind(NamedTuple):
    """A type that an option may be declared with."""

    words: str
    read: Callable[[Any], Any]  # returns the plain value; raises TypeError if the value is of another type


def _read_bool(value: Any) -> bool:
    if type(value) is not bool:
        raise TypeError
    return value


def _read_int(value: Any) -> int:
    if not is_whole(value):
        raise TypeError
    return int(value)


def _read_float(value: Any) -> float:
    if isinstance(value, bool) or not isinstance(value, numbers.Real):
        raise TypeError
    return value if isinstance(value, int) else float(value)


def _read_text(value: Any) -> str:
    text = os.fspath(value)  # a Path too
    if not isinstance(text, str):
        raise TypeError
    return str(text)


def _read_texts(value: Any) -> tuple[str, ...]:
    return tuple(map(_read_text, value if isinstance(value, list | tuple) else (value,)))


def _read_none(value: Any) -> None:
    if value is not None:
        raise TypeError


_KINDS: dict[Any, _Kind] = {
    bool: _Kind("True or False", _read_bool),
    int: _Kind("a whole number", _read_int),
    float: _Kind("a number", _read_float),
    str: _Kind("text", _read_text),
    tuple[str, ...]: _Kind("a tuple of texts", _read_texts),
    types.NoneType: _Kind("None", _read_none),
}


def settle_types(options: Any) -> None:
    """Make each option of a dataclass a plain value of a type that it is declared with.

    Numbers of numpy and paths become Python's own, so that a checkpoint can keep them.

    Raises:
        UsageError: an option is of another type, or an empty name.
    """
    hints = typing.get_type_hints(type(options), include_extras=True)
    for field in dataclasses.fields(options):
        hint = hints[field.name]
        has_flag = typing.get_origin(hint) is typing.Annotated
        if has_flag:
            hint = hint.__origin__
        is_union = typing.get_origin(hint) is types.UnionType
        kinds = typing.get_args(hint) if is_union else (hint,)
        if all(kind in _KINDS for kind in kinds):
            value = _settled(field.name, getattr(options, field.name), [_KINDS[kind] for kind in kinds])
            setattr(options, field.name, value)
            if has_flag and field.default != "":
                _refuse_empty(flag_of(field.name), value, bool in kinds)


def _refuse_empty(flag: str, value: Any, may_be_alone: bool) -> None:
    """Refuse an empty name: it would count as if nothing had been asked for."""
    if value == "" or (isinstance(value, tuple) and "" in value):
        way_out = f"a file, or give {flag} alone" if may_be_alone else f"one, or leave {flag} out"
        raise UsageError(f"{flag} was given an empty name: name {way_out}")


def _settled(name: str, value: Any, kinds: list[_Kind]) -> Any:
    for kind in kinds:
        with contextlib.suppress(TypeError):
            return kind.read(value)
    words = " or ".join(kind.words for kind in kinds)
    raise UsageError(f"{name} must be {words}, not {reprlib.repr(value)}")
