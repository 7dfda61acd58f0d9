"""Modes: what a program is asked to do. An option that would do nothing in the mode asked for is refused.

Each program has a table of the modes in which each of its options serves: the agent's is in
pongrl/agent/options.py, the server's in pongrl/server/options.py.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass

from pongrl.errors import UsageError


@dataclass(frozen=True)
class Mode:
    """What a program is asked to do.

    Args:
        task: the flag that asks for it, or a word.
        where: how it differs from other modes of the same task, and what to do for those.
    """

    task: str
    where: str = ""

    def __str__(self) -> str:
        return f"with {self.task}" if self.task.startswith("-") else f"in {self.task}"


def refuse_idle(serves: Mapping[str, Collection[Mode]], mode: Mode, asked: Mapping[str, str]) -> None:
    """Refuse an option that does nothing in a mode.

    Args:
        serves: the modes of each option.
        mode: the one asked for.
        asked: the flags of the options asked for, by their names.

    Raises:
        UsageError: there is such an option.
    """
    for name, flag in asked.items():
        if mode not in serves.get(name, (mode,)):
            raise UsageError(f"{flag} {_reason(flag, serves[name], mode)}")


def _reason(flag: str, serving: Collection[Mode], mode: Mode) -> str:
    tasks = list(dict.fromkeys(other.task for other in serving))
    if flag in tasks:
        return f"does not go {mode}: choose one"
    if mode.task in tasks:
        return f"does nothing {mode.where}"
    *others, last = tasks
    is_for = f"{', '.join(others)} and {last}" if others else last
    return f"does nothing {mode}, it is for {is_for}: leave it out"
