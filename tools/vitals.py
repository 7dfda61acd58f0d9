"""What the fuzzer and the soak check while the programs run.

Ledger                   checks that the rewards of a session are the changes of its score
memory, threads, files   of a process, read from /proc if HAS_PROC
children, command_of     which processes it has started, and what one of them runs
"""

from __future__ import annotations

import contextlib
import os
from collections.abc import Container
from pathlib import Path

from pongrl.wire.messages import Session, Step

HAS_PROC = Path("/proc/self/statm").exists()
MEGABYTE = 1 << 20


class Ledger:
    """Checks the rewards of one session: each must be the change of the score, and each change a reward.

    Attributes:
        session: the session.
        states, points, rewards: totals so far, of all games.
    """

    def __init__(self, session: Session) -> None:
        self.session = session
        self.states = self.points = self.rewards = 0
        self._last: Step | None = None

    def enter(self, step: Step) -> None:
        """Add the next state.

        Raises:
            AssertionError: its rewards or points do not agree with the score.
        """
        last, self._last = self._last, step
        for game in range(self.session.games):
            reward, points = int(step.rewards[game]), int(step.points[game])
            changes = {0} if last is None else self._changes(last, step, game)
            assert reward in changes, (
                f"game {game} of STEP {step.number}: the reward is {reward:+d}, the score says {changes}"
            )
            assert last is not None or points == 0, f"game {game}: {points} points in the first state"
            self.points += points
            self.rewards += reward
        self.states += 1

    def _changes(self, last: Step, step: Step, game: int) -> Container[int]:
        """Return the rewards that scores, matches and points allow, for the left side."""
        before, after = last.scores[game].tolist(), step.scores[game].tolist()
        finished, points = int(step.matches[game] - last.matches[game]), int(step.points[game])
        if finished and not self.session.level:  # in an arena and in other games matches end at any score
            lead, before_end = after[0] - after[1], points - sum(after)
            return range(lead - before_end, lead + before_end + 1)
        if finished == 0:
            gained = after[0] - before[0], after[1] - before[1]
            return {gained[0] - gained[1]} if min(gained) >= 0 and sum(gained) == points else set()
        assert finished == 1, f"game {game} of STEP {step.number}: {finished} matches since the last state"
        changes = set()
        for winner, sign in ((0, 1), (1, -1)):  # nothing says who won the match
            missing = self.session.points_to_win - before[winner]
            loser = points - missing - sum(after)
            if 0 <= loser < self.session.points_to_win - before[1 - winner]:
                changes.add(sign * (missing - loser) + after[0] - after[1])
        return changes


def memory(pid: int) -> int:
    """Return the bytes of memory that a process uses."""
    return int(Path(f"/proc/{pid}/statm").read_text().split()[1]) * os.sysconf("SC_PAGE_SIZE")


def threads(pid: int) -> int:
    """Return how many threads a process has."""
    return len(os.listdir(f"/proc/{pid}/task"))


def files(pid: int) -> int:
    """Return how many files and sockets a process has open."""
    return len(os.listdir(f"/proc/{pid}/fd"))


def children(pid: int) -> list[int]:
    """Return the running processes that a process has started."""
    lists = []
    for path in Path(f"/proc/{pid}/task").glob("*/children"):
        with contextlib.suppress(OSError):  # a thread that has ended meanwhile
            lists.append(path.read_text())
    return [int(number) for text in lists for number in text.split()]


def command_of(pid: int) -> str:
    """Return the command line of a process; "" if it has ended."""
    with contextlib.suppress(OSError):
        return Path(f"/proc/{pid}/cmdline").read_bytes().replace(b"\0", b" ").decode("utf-8", "replace")
    return ""
