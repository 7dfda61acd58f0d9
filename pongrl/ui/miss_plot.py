"""A picture of the balls that an evaluated agent has missed: where on the court, and how fast they were."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from pongrl.agent.misses import SPEEDS, Misses
from pongrl.game.rules import BALL, COURT_HEIGHT, PADDLE_HEIGHT
from pongrl.ui.plots import new_figure, write_picture

REACH = (PADDLE_HEIGHT + BALL) / 2  # from the paddle's middle to that of a ball that it just hits
KINDS = ((True, "serves", "o", "tab:orange"), (False, "returns", "x", "tab:blue"))


def draw_misses(misses: Misses, output: Path) -> None:
    """Draw where balls were missed, and which share of each speed.

    Raises:
        PongError: matplotlib is not installed, or the picture cannot be written.
    """
    figure = new_figure(11, 5)
    court, shares = figure.subplots(1, 2, width_ratios=(3, 2))
    _draw_court(court, misses)
    _draw_shares(shares, misses)
    write_picture(figure, output)


def _draw_court(axes: Any, misses: Misses) -> None:
    """Draw each miss at the height where the ball went out, as far from the paddle as it was."""
    axes.axvspan(-REACH, REACH, color="0.9")
    axes.text(0, COURT_HEIGHT / 2, "the paddle\nreaches\nthis far", ha="center", va="center", color="0.4")
    for is_serve, name, marker, colour in KINDS:
        of_kind = [miss for miss in misses.places if miss.is_serve == is_serve]
        axes.scatter(
            [miss.ball - miss.paddle for miss in of_kind], [miss.ball for miss in of_kind],
            s=[4 * miss.speed for miss in of_kind], marker=marker, color=colour, alpha=0.6,
            label=f"{name}: {len(of_kind)}",
        )  # fmt: skip
    farthest = max([2 * PADDLE_HEIGHT, *(1.1 * abs(miss.ball - miss.paddle) for miss in misses.places)])
    axes.set(
        xlim=(-farthest, farthest), ylim=(COURT_HEIGHT, 0), title="Where balls were missed",
        xlabel="pixels from the paddle's middle (negative: the ball is above it)",
        ylabel="height of the ball on the court, in pixels from the top",
    )  # fmt: skip
    axes.legend(loc="lower left")  # balls that are low are missed below the paddle


def _draw_shares(axes: Any, misses: Misses) -> None:
    """Draw the share that was missed of the serves, and of the returns, at each speed."""
    for place, (is_serve, name, _, colour) in enumerate(KINDS):
        faced, missed = misses.faced[is_serve], misses.missed[is_serve]
        heights = [100 * missed[speed] / max(faced[speed], 1) for speed in SPEEDS]
        bars = axes.bar(
            [speed + 0.4 * place - 0.2 for speed in SPEEDS], heights, 0.4, color=colour, label=name
        )
        axes.bar_label(bars, [f"{missed[speed]}" for speed in SPEEDS], fontsize=8)
    axes.set(title="Share missed; above each bar, how many", xlabel="speed of the ball, pixels a tick",
             ylabel="% of the balls that came", xticks=list(SPEEDS))  # fmt: skip
    axes.legend()
