"""Checks of options and arguments: each raises UsageError with a sentence that names the option."""

from __future__ import annotations

from pongrl.errors import UsageError

LARGEST_SEED = 2**63 - 1


def within(name: str, value: float, low: float, high: float) -> None:
    """Check an option's range.

    Raises:
        UsageError: it is outside.
    """
    if not low <= value <= high:
        raise UsageError(f"{name} must be from {low:g} to {high:g}, not {value:g}")


def whole(name: str, value: int, low: int, high: int) -> None:
    """Check an option's range, and that it is an integer, as the command line makes it.

    Raises:
        UsageError: it is outside, or no integer.
    """
    if type(value) is not int or not low <= value <= high:
        raise UsageError(f"{name} must be a whole number from {low:,} to {high:,}, not {value}")
