"""The learners that stand beside ours on Atari's Pong: their mathematics, their curves, and short runs."""

from __future__ import annotations

import importlib.util
import math
from pathlib import Path
from typing import Any

import numpy as np
import pytest

pytest.importorskip("gymnasium", reason="Gymnasium is not installed: pip install gymnasium")

from pongrl.agent.progress import Progress, ProgressFile
from tests.support import run_program
from tools.atari_peers import plain
from tools.atari_peers.__main__ import main
from tools.atari_peers.curve import Curve, Row, draw_curves, read
from tools.atari_peers.matches import Matches, Result, make_game
from tools.atari_peers.ours import Ours, OursInProcess, Seen, rows_of

ALE = pytest.mark.skipif(not importlib.util.find_spec("ale_py"), reason="ale-py: pip install ale-py")
SB3 = pytest.mark.skipif(
    not importlib.util.find_spec("stable_baselines3"), reason="pip install stable-baselines3"
)
MATPLOTLIB = pytest.mark.skipif(not importlib.util.find_spec("matplotlib"), reason="pip install matplotlib")


class Short(Matches):
    """Matches that are broken off after a few decisions."""

    left = 12

    def is_over(self) -> bool:
        return self.left <= 0

    def step(self, actions: Any) -> None:
        self.left -= 1
        super().step(actions)


def log_likelihood(weights: plain.Weights, xs: plain.Doubles, up: Any, advantage: plain.Doubles) -> float:
    chances = [plain.forward(weights, x)[1] for x in xs]
    return sum(a * math.log(p if y else 1 - p) for a, p, y in zip(advantage, chances, up, strict=True))


def test_the_plain_gradient_is_that_of_finite_differences() -> None:
    rng = np.random.default_rng(3)
    weights = plain.random_weights(rng, units=5, cells=7)
    xs, advantage = rng.standard_normal((6, 7)), rng.standard_normal(6)
    up = rng.random(6) < 0.5
    seen = [plain.forward(weights, x) for x in xs]
    h, p = np.stack([h for h, _ in seen]), np.array([p for _, p in seen])
    found = plain.gradient(weights, xs, h, (up - p) * advantage)
    for name, weight in weights.items():
        for place in np.ndindex(weight.shape):
            ends = []
            for nudge in (1e-6, -1e-6):
                weight[place] += nudge
                ends.append(log_likelihood(weights, xs, up, advantage))
                weight[place] -= nudge
            assert found[name][place] == pytest.approx((ends[0] - ends[1]) / 2e-6, rel=1e-4, abs=1e-7)


def test_returns_are_discounted_within_a_point_and_standardised_within_a_match() -> None:
    rewards = np.array([0, 0, -1, 0, 1, 0, 0, 0, -1], float)
    expected = []
    for t in range(len(rewards)):
        end = next(i for i in range(t, len(rewards)) if rewards[i])
        expected.append(rewards[end] * 0.99 ** (end - t))
    returns = plain.discounted(rewards)
    np.testing.assert_allclose(returns, expected)
    mean = sum(expected) / len(expected)
    deviation = math.sqrt(sum((each - mean) ** 2 for each in expected) / len(expected))
    np.testing.assert_allclose(plain.standardised(returns), [(each - mean) / deviation for each in expected])


def test_a_step_of_rmsprop_is_along_the_gradient_and_of_one_length_at_first() -> None:
    weights, cache = {"w2": np.zeros(2)}, {"w2": np.zeros(2)}
    plain.ascend(weights, cache, {"w2": np.array([3.0, -300.0])})
    np.testing.assert_allclose(cache["w2"], [0.09, 900.0])
    np.testing.assert_allclose(weights["w2"], [1e-3, -1e-3], rtol=1e-4)  # rate / √(1 − decay)


def test_a_curve_has_a_row_when_one_is_due_and_a_last_one(tmp_path: Path) -> None:
    curve = Curve(tmp_path, minutes=0.0)
    curve.finish_match(-21)
    curve.finish_match(-18)
    assert not curve.count(3)
    (row,) = read(tmp_path)
    assert (row.decisions, row.frames, row.score, row.updates) == (3, 12, -19.5, 0)
    curve = Curve(tmp_path, minutes=60.0, every=0.0)
    assert curve.count(3)
    assert curve.count(3)
    assert [row.decisions for row in read(tmp_path)] == [3, 6]
    assert math.isnan(curve.last.score)  # no match has ended
    curve = Curve(tmp_path, minutes=60.0, every=60.0)
    assert curve.count(3)
    assert read(tmp_path) == []


@MATPLOTLIB
def test_curves_are_drawn(tmp_path: Path) -> None:
    Curve(tmp_path, 1.0).write([Row(0.5, 10, 40, math.nan, 0), Row(1.0, 20, 80, -20.5, 3)])
    draw_curves([tmp_path], tmp_path / "curves.png")
    assert (tmp_path / "curves.png").read_bytes().startswith(b"\x89PNG")


def test_a_result_tells_the_mean_score_its_error_and_the_matches_won() -> None:
    assert str(Result((-21.0, -19.0, 1.0, 3.0))) == "-9.0 ± 12.5 (2 of 4 matches won)"
    assert str(Result((5.0,))) == "+5.0 ± 0.0 (1 of 1 matches won)"


def test_a_command_line_that_asks_for_nothing_is_refused() -> None:
    code, program = run_program("-m", "tools.atari_peers")
    assert code == 2
    assert "say what learns, with --learner, or which runs to draw, with --plot" in program.output


@ALE
def test_the_plain_learner_sees_paddles_and_ball_alone() -> None:
    game = make_game()
    picture, _ = game.reset(seed=1)
    for _ in range(40):
        picture, *_ = game.step(0)
    cells = plain.cells_of(picture)
    assert (cells.shape, cells.dtype, set(cells)) == ((6400,), np.float64, {0, 1})
    assert 8 < cells.sum() < 60
    game.close()


@ALE
def test_our_camera_sees_the_same_in_colour_as_in_the_grey_that_it_was_trained_with() -> None:
    from pongrl.envs.presets import PONG_LENS

    matches = Short(1, seed=1)
    for _ in range(60):
        matches.step([0])
        seen = Seen(matches, PONG_LENS)
        seen.begin(None)
        coloured = seen.frames.copy()
        matches.pictures[0] = matches.games[0].unwrapped.ale.getScreenGrayscale()
        seen.begin(None)
        np.testing.assert_array_equal(seen.frames, coloured)
    matches.close()


@ALE
def test_the_plain_learner_trains_and_plays(tmp_path: Path) -> None:
    learner, curve = plain.Plain(1), Curve(tmp_path, minutes=0.005)
    learner.train(curve)
    assert curve.last.decisions > 0
    for rng in (None, np.random.default_rng(1)):
        matches = Short(2, seed=1)
        learner.play(matches, rng)
        matches.close()


@ALE
def test_a_batch_of_matches_changes_the_plain_weights(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(plain, "BATCH", 1)
    learner, curve = plain.Plain(1), Curve(tmp_path, minutes=60.0)
    before = {name: weight.copy() for name, weight in learner.weights.items()}
    monkeypatch.setattr(curve, "count", lambda decisions: not curve.updates)
    learner.train(curve)
    assert curve.updates == 1
    assert not any(np.array_equal(before[name], weight) for name, weight in learner.weights.items())


@ALE
def test_ours_trains_in_one_process_and_plays(tmp_path: Path) -> None:
    learner, curve = OursInProcess(1, tmp_path), Curve(tmp_path, minutes=0.03)
    learner.train(curve)
    assert (tmp_path / "interrupt.p").exists()
    for rng in (None, np.random.default_rng(1)):
        matches = Short(2, seed=1)
        learner.play(matches, rng)
        matches.close()


@ALE
def test_ours_trains_over_the_wire(tmp_path: Path) -> None:
    learner, curve = Ours(1, tmp_path), Curve(tmp_path, minutes=0.05)
    learner.train(curve)
    assert len(read(tmp_path)) == len(rows_of(tmp_path))
    assert (tmp_path / "interrupt.p").exists()


def test_the_rows_of_ours_become_a_curve(tmp_path: Path) -> None:
    file, progress = ProgressFile(tmp_path / "progress.csv"), Progress()
    progress.seconds, progress.decisions, progress.frames, progress.updates = 90.0, 10, 40, 2
    for points, scores in ((100, []), (200, [-21, -18])):
        progress.points = points
        progress.count_matches(scores)
        file.write(progress)
    file.close()
    first, second = rows_of(tmp_path)
    assert math.isnan(first.score)  # no match has ended
    assert second == Row(1.5, 10, 40, -19.5, 2)


@ALE
def test_a_run_prints_a_line_and_keeps_it(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    directory = tmp_path / "plain"
    main(["--learner", "plain", "--minutes", "0.005", "--matches", "0", "--directory", str(directory)])
    line = capsys.readouterr().out
    assert line.startswith("plain, seed 1: 0.0 minutes, ")
    assert (directory / "result.txt").read_text("utf-8") == line


@ALE
@SB3
@pytest.mark.filterwarnings("ignore")  # of libraries
def test_ppo_trains_and_plays_with_the_frames_of_its_wrapper(tmp_path: Path) -> None:
    from stable_baselines3.common.atari_wrappers import WarpFrame

    from tools.atari_peers.ppo import Ppo, falling, small

    learner, curve = Ppo(1), Curve(tmp_path, minutes=0.005)
    learner.train(curve)
    assert curve.last.decisions % 8 == 0
    assert curve.last.decisions > 0
    for rng in (None, np.random.default_rng(1)):
        matches = Short(2, seed=1)
        learner.play(matches, rng)
        frame = WarpFrame(make_game()).observation(matches.pictures[0])
        np.testing.assert_array_equal(small(matches)[0], frame[:, :, 0])
        matches.close()
    assert [falling(2.0)(left) for left in (1.0, 0.5, 0.0)] == [2.0, 1.0, 0.0]
