"""What a run starts with: nothing, a checkpoint, a policy to play with."""

from __future__ import annotations

import math
from pathlib import Path
from typing import Any

import pytest

from mainmodel import PolicyGradient
from pongrl import cli
from pongrl.agent.checkpoints import Checkpoint, load, save
from pongrl.agent.files import BEST, LATEST
from pongrl.agent.learning import Learner
from pongrl.agent.options import RunOptions
from pongrl.agent.player import Player
from pongrl.agent.progress import Progress
from pongrl.agent.start import Start, start
from pongrl.errors import CheckpointError, UsageError
from tests.support.agents import learner_of, options_of


def started(*line: str) -> Start:
    """What the command line starts with."""
    return start(RunOptions.of(cli.parse(PolicyGradient, line)))


def write_checkpoint(path: Path, points: int = 0, **given: Any) -> None:
    """Write the checkpoint of a run with these options, after so many points."""
    options, progress = options_of(**{"hiddenUnits": 2, "seed": 1} | given), Progress()
    progress.count_point(True, points)
    learner = learner_of(options)
    checkpoint = Checkpoint(options.kept, progress, learner.policy, learner.to_plain(), bytes(range(16)))
    save(path, checkpoint.to_plain())


def test_a_run_starts_from_nothing_unless_something_is_asked_for(tmp_path: Path) -> None:
    begin = started("--directory", str(tmp_path / "new"))
    assert begin.player is None
    assert begin.progress.points == 0
    assert begin.words == ""
    assert (tmp_path / "new").is_dir()


def test_each_run_has_a_secret_identity() -> None:
    assert started().identity != started().identity


def test_the_same_seed_draws_the_same() -> None:
    one, other = (started("--seed", "5").rng.random(3).tolist() for _ in range(2))
    assert one == other


def test_a_directory_that_cannot_be_written_into_is_told_before_anything_begins() -> None:
    Path("file").write_text("no directory")
    with pytest.raises(UsageError, match=r"cannot write into file.x .*: choose another --directory"):
        started("--directory", str(Path("file", "x")))


def test_a_checkpoint_of_an_older_version_goes_on_with_its_two_moves(tmp_path: Path) -> None:
    path = tmp_path / "old.p"
    write_checkpoint(path, moves=2)
    values = load(path)
    del values["options"]["moves"], values["learner"]["frames"], values["learner"]["deviation"]
    save(path, values)
    line = "--resume", str(path), "--directory", str(tmp_path)
    player, options = started(*line).player, started(*line).options
    assert isinstance(player, Learner)
    assert (player.policy.moves, player.frames, options.moves) == (2, 0, 2)
    with pytest.raises(UsageError, match=r"old.p has learned 2 moves: leave out --moves"):
        started(*line, "--moves", "3")


def test_play_starts_with_the_best_policy_or_the_one_named(tmp_path: Path) -> None:
    write_checkpoint(tmp_path / BEST)
    write_checkpoint(tmp_path / "other.p")
    for flags in (("--play",), ("--play", str(tmp_path / "other.p"))):
        begin = started("--directory", str(tmp_path), *flags)
        assert isinstance(begin.player, Player)
        assert begin.words.startswith("playing with ")


def test_resume_takes_the_checkpoint_that_has_learned_from_more_points(tmp_path: Path) -> None:
    write_checkpoint(tmp_path / BEST, points=20)
    write_checkpoint(tmp_path / LATEST, points=10)
    begin = started("--resume", "--directory", str(tmp_path))
    assert isinstance(begin.player, Learner)
    assert begin.progress.points == 20
    assert begin.words.startswith(f"resumed from {tmp_path / BEST}: 20 points")
    assert begin.identity == load(tmp_path / BEST)["identity"]


def test_of_two_checkpoints_with_as_many_points_resume_takes_the_latest(tmp_path: Path) -> None:
    for name in (BEST, LATEST):
        write_checkpoint(tmp_path / name, points=20)
    assert started("--resume", "--directory", str(tmp_path)).words.startswith(
        f"resumed from {tmp_path / LATEST}: "
    )


def test_without_a_checkpoint_there_is_nothing_to_resume_from() -> None:
    with pytest.raises(CheckpointError, match=r"\. has no save\.p or interrupt\.p to resume from"):
        started("--resume")


def test_resume_takes_the_options_from_the_checkpoint(tmp_path: Path) -> None:
    write_checkpoint(tmp_path / BEST, learningRate=0.01, gamma=0.9, games=4, level=3, local=True)
    options = started("--resume", "--directory", str(tmp_path)).options
    assert options.level == 3  # for a later run with servers of its own
    assert options.described["level"] is None  # for the server's own counts
    assert (options.hiddenUnits, options.learningRate, options.gamma) == (2, 0.01, 0.9)
    assert options.games is None  # of a server of its own, which this run has not
    assert started("--resume", "--local", "--directory", str(tmp_path)).options.games == 4


def test_options_that_are_given_win_even_if_they_are_the_default(tmp_path: Path) -> None:
    write_checkpoint(tmp_path / BEST, learningRate=0.01, gamma=0.9, games=4, local=True)
    where = ("--resume", "--directory", str(tmp_path))
    options = started(*where, "--learning-rate", "0.001", "--local", "--games", "2").options
    assert (options.learningRate, options.gamma, options.games) == (0.001, 0.9, 2)
    begin = started(*where, "--learning-rate", "0.001")
    assert isinstance(begin.player, Learner)
    assert begin.player.optimiser.rate == pytest.approx(0.001)


def test_a_policy_cannot_get_other_hidden_units(tmp_path: Path) -> None:
    write_checkpoint(tmp_path / BEST)
    where = ("--resume", "--directory", str(tmp_path))
    assert started(*where, "--hidden-units", "2").options.hiddenUnits == 2
    with pytest.raises(UsageError, match="has 2 hidden units: leave out --hidden-units"):
        started(*where, "--hidden-units", "250")


FOREIGN = [
    ("identity", 1 << 36), ("identity", b"short"), ("identity", "text"), ("options.batch_size", "ten"),
    ("options.batch_size", 0), ("options.gamma", math.nan), ("options.learningRate", math.inf),
    ("options.hiddenUnits", 10**12), ("options.hiddenUnits", -2), ("policy.height", 10**7),
    ("policy.height", 10**30), ("policy.width", 0), ("policy.height", "50"), ("learner.updates", "x"),
    ("learner.cache", None), ("learner.generator", {}), ("progress.sum", math.nan), ("progress.points", -1e9),
    ("policy.weights.c", ("<f4", (1,), b"\0\0\xc0\x7f")), ("learner.next", 5),
]  # fmt: skip


@pytest.mark.parametrize(("name", "value"), FOREIGN, ids=str)
def test_a_checkpoint_with_a_foreign_value_is_refused_in_a_sentence(
    tmp_path: Path, name: str, value: object
) -> None:
    path = tmp_path / "x.p"
    write_checkpoint(path)
    values = inside = load(path)
    *parts, last = name.split(".")
    for part in parts:
        inside = inside[part]
    inside[last] = value
    save(path, values)
    with pytest.raises(CheckpointError, match=r"x\.p has not what a checkpoint needs"):
        started("--resume", str(path))


def test_a_checkpoint_without_an_identity_gets_one(tmp_path: Path) -> None:
    path = tmp_path / "x.p"
    write_checkpoint(path)
    values = load(path)
    del values["identity"]
    save(path, values)
    assert len(started("--resume", str(path)).identity) == 16
