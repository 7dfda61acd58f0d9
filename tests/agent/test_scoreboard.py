"""The scoreboard: counting towards a length, and the status line."""

from __future__ import annotations

from pongrl.agent.progress import Progress
from pongrl.agent.scoreboard import REPORT_POINTS, TREND_REPORTS, Scoreboard


def report(score: Scoreboard, won: int, lost: int) -> None:
    score.count_points(won, lost)
    score.note_report()


def test_a_report_is_due_every_hundred_points() -> None:
    score = Scoreboard(Progress(), None, None)
    assert not score.count_points(REPORT_POINTS - 1, 0)
    assert score.count_points(1, 0)
    assert not score.count_points(0, 0)
    assert score.count_points(50, 250)  # several at once
    assert score.progress.points == 4 * REPORT_POINTS


def test_decisions_and_frames_are_added_up() -> None:
    score = Scoreboard(Progress(), None, None)
    score.count_decisions(2, 16)
    score.count_decisions(3, 8)
    assert (score.progress.decisions, score.progress.frames) == (5, 24)


def test_a_bar_shows_how_much_of_the_length_is_over_and_how_long_the_rest_may_take() -> None:
    progress = Progress()
    progress.count_point(True, 50)  # before this run
    score = Scoreboard(progress, 200, None)
    assert score.status().startswith("[..........] 0 %   50 points")
    score.count_points(100, 0)
    progress.seconds = 60.0
    assert score.status().startswith("[#####.....] 50 %, 1:00 left   150 points")
    assert not score.is_complete()
    score.count_points(500, 0)  # a step may end far beyond
    assert score.status().startswith("[##########] 100 %, 0:00 left")
    assert score.is_complete()


def test_minutes_are_a_length_too_and_the_nearer_end_counts() -> None:
    progress = Progress()
    progress.seconds = 30.0
    score = Scoreboard(progress, 1000, 1.0)
    progress.seconds = 75.0
    assert score.share_done() == 0.75
    score.count_points(900, 0)
    assert score.share_done() == 0.9
    progress.seconds = 90.0
    assert score.is_complete()


def test_an_arrow_shows_where_the_score_goes_in_games_that_have_one() -> None:
    score = Scoreboard(Progress(), None, None)
    for scores in ([], [], [-20], [-19]):  # the share that is won grows, but the first score is no share
        report(score, 80, 20)
        score.progress.count_matches(scores)
    assert score.status().startswith("400 points   score -19.5 ")
    report(score, 0, 100)
    assert score.status().startswith("↑ ")


def test_without_a_length_there_is_no_bar_and_no_end() -> None:
    score = Scoreboard(Progress(), None, None)
    score.count_points(10**6, 0)
    assert "[" not in score.status()
    assert score.status().startswith("1,000,000 points")
    assert not score.is_complete()


def test_an_arrow_shows_where_the_last_reports_went() -> None:
    score = Scoreboard(Progress(), None, None)
    for won, begin in ((200, "1,000 points"), (500, "↑ "), (0, "↓ "), (200, "→ ")):
        report(score, won, 1000 - won)
        assert score.status().startswith(begin)
    for _ in range(TREND_REPORTS):  # the first ones no longer count
        report(score, 100, 900)
    assert score.status().startswith("→ ")
