"""Learning curves from progress.csv, and what the network looks at. Needs matplotlib, which is optional."""

from __future__ import annotations

import errno
import os
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from pongrl.agent.policy import Policy
from pongrl.agent.progress import read_progress
from pongrl.agent.units import largest_effect, strongest_units
from pongrl.agent.work import finish
from pongrl.errors import PongError
from pongrl.files import check_replaceable, replacing


def new_figure(width: float, height: float) -> Any:
    """Make a figure of this size in inches, to be written into a file, without screen or notebook.

    Raises:
        PongError: matplotlib is not installed.
    """
    foreign = os.environ.pop("MPLBACKEND", None)  # a notebook's, which may not be there, stops the import
    try:
        from matplotlib.figure import Figure
    except ImportError as error:
        raise PongError("pictures need matplotlib, which is not installed: pip install matplotlib") from error
    finally:
        if foreign is not None:
            os.environ["MPLBACKEND"] = foreign
    return Figure(figsize=(width, height), layout="constrained")


def check_picture(output: Path) -> None:
    """Check that a picture can be written into a file, before what it is to show takes long.

    Raises:
        PongError: matplotlib is not installed, or the picture could not be written.
    """
    kinds = new_figure(1, 1).canvas.get_supported_filetypes()
    try:
        if (kind := _kind(output)) not in kinds:
            raise ValueError(f"a picture is no .{kind}")
        if not output.absolute().parent.is_dir():
            raise FileNotFoundError(errno.ENOENT, os.strerror(errno.ENOENT))
        check_replaceable(output)
    except (OSError, ValueError) as error:
        raise _unwritten(output, error) from error


def name_of(path: Path) -> str:
    """Return what a run is called in a picture: the folder of its progress.csv, or the file's own name."""
    own = path.stem != "progress"
    return path.stem if own else path.resolve().parent.name


def draw_curves(paths: Sequence[Path], output: Path) -> None:
    """Draw how well several runs have gone, against frames and against minutes.

    That is the share won and the running mean of the reward; in other games than ours, the score of matches.

    Args:
        paths: a progress.csv of each run.
        output: the picture to write; its ending says of which kind.

    Raises:
        PongError: a file is no progress.csv, or the picture cannot be written.
    """
    runs = {name_of(path): read_progress(path) for path in paths}
    if len(runs) < len(paths):  # two folders of one name
        runs = {str(path): read_progress(path) for path in paths}
    have_scores = [bool(np.isfinite(run[SCORE.column]).any()) for run in runs.values()]
    measures = ([] if all(have_scores) else [SHARE, MEAN]) + ([SCORE] if any(have_scores) else [])
    figure = new_figure(11, 3.5 * max(len(measures), 1.5))
    axes = figure.subplots(len(measures), 2, sharex="col", sharey="row", squeeze=False)
    for measure, (left, right) in zip(measures, axes, strict=True):
        for name, run in runs.items():
            marker = "o" if len(run["points"]) == 1 else ""  # a single point makes no line
            left.plot(np.array(run["frames"]) / 1e6, run[measure.column], marker=marker, label=name)
            right.plot(np.array(run["seconds"]) / 60, run[measure.column], marker=marker)
        measure.label(left, right)
    axes[-1, 0].set_xlabel("million frames")
    axes[-1, 1].set_xlabel("minutes")
    axes[0, 0].legend(loc="lower right")
    write_picture(figure, output)


@dataclass(frozen=True)
class Measure:
    """A column of progress.csv that says how well a run goes."""

    column: str
    words: str
    limits: tuple[float, float] | None = None  # of the axis; where both sides are equals is halfway

    def label(self, *axes: Any) -> None:
        """Say what plots side by side show, and mark where both sides are equals."""
        axes[0].set_ylabel(self.words)
        for axis in axes:
            axis.grid(alpha=0.3)
            if self.limits is not None:
                axis.set_ylim(*self.limits)
                axis.axhline(sum(self.limits) / 2, color="0.7", linewidth=1, zorder=0)


SHARE = Measure("win_rate", "share won of the last 1,000 points", (0, 1))
MEAN = Measure("running_mean", "running mean of the reward per point", (-1, 1))
SCORE = Measure("match_score", "mean score of the last 100 matches")


def draw_units(policy: Policy, output: Path, units: int = 12) -> None:
    """Draw what the strongest hidden units look at, as pictures of the court.

    Each picture is what one lit cell there, blocks included, does to the unit: red excites it, blue
    inhibits it. The upper half shows where things are, the lower half how they move.

    Args:
        policy: whose units to draw.
        output: the picture to write; its ending says of which kind.
        units: how many.

    Raises:
        PongError: the picture cannot be written.
    """
    strongest = finish(strongest_units(policy, units))
    columns = min(4, len(strongest))
    rows = 2 * -(-len(strongest) // columns)
    figure = new_figure(3 * columns, 1.9 * rows)
    axes = figure.subplots(rows, columns, squeeze=False)
    for axis in axes.flat:
        axis.axis("off")
    for place, unit in enumerate(strongest):
        images = policy.court_images(slice(unit, unit + 1))[0]  # (2, height, width)
        pair = axes[2 * (place // columns) :, place % columns]
        for image, axis in zip(images, pair, strict=False):
            limit = largest_effect(image)
            axis.imshow(image, cmap="RdBu_r", vmin=-limit, vmax=limit)
        pair[0].set_title(f"unit {unit}: {policy.weights['w'][unit]:+.2f} for up", fontsize=9)
    write_picture(figure, output)


def write_picture(figure: Any, output: Path) -> None:
    """Write a figure into a file, by the file's ending.

    Raises:
        PongError: it cannot be written.
    """
    try:
        with replacing(output) as file:
            figure.savefig(file, dpi=100, format=_kind(output))
    except (OSError, ValueError) as error:
        raise _unwritten(output, error) from error


def _kind(output: Path) -> str:
    """Return the format of a picture, by the file's ending.

    Raises:
        ValueError: it needs more than matplotlib.
    """
    kind = output.suffix[1:].lower() or "png"
    if kind == "pgf":
        raise ValueError("a .pgf needs LaTeX")
    return kind


def _unwritten(output: Path, error: Exception) -> PongError:
    reason = getattr(error, "strerror", None) or str(error).split("(")[0].strip()
    return PongError(f"{output} cannot be written ({reason}): choose a .png in a folder of yours")
