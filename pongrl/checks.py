"""Check options and arguments: each function raises UsageError with a sentence that names the option."""

from __future__ import annotations

from pongrl.errors import UsageError

LARGEST_SEED = 2**63 - 1  # a signed 64-bit integer, so that any other program can store a seed too


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


def whole(name: str, value: int, low: int, high: int) -> None:
    """Check that a value is an integer in its range; True and 1.0 are not integers here.

    Args:
        name: the option, as the sentence is to name it.
        value: what was given.
        low: the least that is allowed.
        high: the most that is allowed.

    Raises:
        UsageError: the value is not an integer, or out of the range.
    """
    if type(value) is not int or not low <= value <= high:
        raise UsageError(f"{name} must be a whole number from {low:,} to {high:,}, not {value}")
