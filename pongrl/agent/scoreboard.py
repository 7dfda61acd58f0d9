"""What is counted while a run goes on, and the status line that is made of it. No files, no clock."""

from __future__ import annotations

from collections import deque

from pongrl.agent.progress import Progress

REPORT_POINTS = 100  # from one report to the next
TREND_REPORTS = 10  # that the status line's arrow compares
BAR = 10  # characters of the progress bar


class Scoreboard:
    """Counts points and decisions towards the length that was asked for.

    Args:
        progress: what was achieved before, and is added to.
        points: how many more points the run should have, if that was said.
        minutes: how many more minutes of training, likewise.
    """

    def __init__(self, progress: Progress, points: int | None, minutes: float | None) -> None:
        self.progress = progress
        self._points, self._seconds = points, None if minutes is None else 60 * minutes
        self._points_before, self._seconds_before = progress.points, progress.seconds
        self._shares: deque[float] = deque(maxlen=TREND_REPORTS)  # of points won, at the last reports
        self._scores: deque[float] = deque(maxlen=TREND_REPORTS)  # of matches, in games where they count

    def count_decisions(self, decisions: int, frames: int) -> None:
        """Add decisions, and the frames that they took."""
        self.progress.decisions += decisions
        self.progress.frames += frames

    def count_points(self, won: int, lost: int) -> bool:
        """Add points; return True if a report is due."""
        reports = self.progress.points // REPORT_POINTS
        self.progress.count_point(True, won)
        self.progress.count_point(False, lost)
        return self.progress.points // REPORT_POINTS > reports

    def note_report(self) -> None:
        """Remember how well it goes at a report, for the trend."""
        if self.progress.match_score is None:
            self._shares.append(self.progress.win_rate)
        else:
            self._scores.append(self.progress.match_score)

    def share_done(self) -> float | None:
        """Return how much of the length is over, from 0 to 1; None if none was asked for."""
        shares = []
        if self._points is not None:
            shares.append((self.progress.points - self._points_before) / self._points)
        if self._seconds is not None:
            shares.append(self._seconds_done() / self._seconds)
        return min(max(shares), 1.0) if shares else None

    def is_complete(self) -> bool:
        """Whether the length that was asked for is over."""
        return self.share_done() == 1.0

    def status(self) -> str:
        """Return one line that says how it goes. Any thread may call it."""
        return f"{self._trend()}{self._bar()}{self.progress}"

    def _seconds_done(self) -> float:
        return self.progress.seconds - self._seconds_before

    def _trend(self) -> str:
        """Return an arrow that shows where the share of points won, or the score, has gone lately."""
        marks = list(self._scores or self._shares)
        if len(marks) < 2:
            return ""
        change = (marks[-1] - marks[0]) / max(abs(marks[0]), 1.0)
        return "↑ " if change > 0.01 else "↓ " if change < -0.01 else "→ "

    def _bar(self) -> str:
        """Return how much of the length is over, and how long the rest may take."""
        share = self.share_done()
        if share is None:
            return ""
        done = round(BAR * share)
        bar = f"[{'#' * done}{'.' * (BAR - done)}] {100 * share:.0f} %"
        if share > 0.01:
            minutes, seconds = divmod(int(self._seconds_done() * (1 / share - 1)), 60)
            bar += f", {minutes}:{seconds:02d} left"
        return bar + "   "
