"""The parts of the ARM tool that need no emulator."""

from __future__ import annotations

import platform
from pathlib import Path

import numpy as np
import pytest

from tools.arm import difference, games_of, last_words
from tools.debian import Root

WEIGHTS = np.array([0.5, -0.25, 0.125], np.float32)


def policy(weights: np.ndarray) -> dict[str, object]:
    return {"height": 50, "weights": {"W1": (weights.dtype.str, weights.shape, weights.tobytes())}}


def test_equal_weights_are_said_to_be_equal() -> None:
    assert difference(policy(WEIGHTS), policy(WEIGHTS)) == "all 3 weights are equal, bit by bit"


def test_the_difference_of_weights_is_measured() -> None:
    other = WEIGHTS + np.array([0, 0.25, 0], np.float32)
    words = difference(policy(WEIGHTS), policy(other))
    assert words.startswith("of 3 weights up to 0.5, half are within 0,")
    assert words.endswith("all within 0.2")


def test_rows_that_differ_in_time_alone_are_the_same_games(tmp_path: Path) -> None:
    for name, seconds in (("a", "1.5"), ("b", "2.5")):
        (tmp_path / name).mkdir()
        text = f"seconds,points,decisions_per_second\n{seconds},100,{seconds}\n"
        (tmp_path / name / "progress.csv").write_text(text)
    assert games_of(tmp_path / "a") == games_of(tmp_path / "b") == [{"points": "100"}]


def test_the_last_words_have_no_speed() -> None:
    said = "saved interrupt.p: 300 points   won 13.3 %   mean -0.732   10,501 decisions/s   0:00\n"
    assert last_words(said) == "300 points, won 13.3 %"


def test_a_program_inside_gets_the_proxies_of_this_environment_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("https_proxy", "http://proxy:1")
    monkeypatch.setenv("PONG_TOKEN", "secret")
    within = Root(Path("root"), "bookworm", "arm64", "max").within
    assert within[:2] == ("env", "-i")
    assert within[-1] == "root"
    assert "https_proxy=http://proxy:1" in within
    assert not any("secret" in word for word in within)


def test_qemu_plays_the_processor_only_where_it_is_needed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(platform, "machine", lambda: "x86_64")
    arm, amd = (Root(Path("root"), "bookworm", name, "max") for name in ("arm64", "amd64"))
    assert "QEMU_CPU=max" in arm.within
    assert "QEMU_CPU=max" not in amd.within
