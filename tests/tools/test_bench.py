"""The benchmark runs, and writes its table; what it measures is not tested."""

from __future__ import annotations

import sys
from pathlib import Path

import numpy as np
import pytest

from pongrl.agent.progress import read_progress
from tests.support import run_program
from tools.bench.player import lateness, share_in_time
from tools.bench.table import Row, put_between, write_into

linux = pytest.mark.skipif(sys.platform != "linux", reason="the benchmark reads /proc")


@linux
def test_measurements_run_and_each_gives_its_rows() -> None:
    command = ("-m", "tools.bench", "--only", "bytes,camera", "--learning", "2")
    code, program = run_program(*command)
    assert code == 0, program.output
    rows = [line for line in program.seen["stdout"] if line.startswith("| ")][1:]
    assert [row.split("|")[1].split(",")[0].strip() for row in rows] == [
        "bytes on the wire per decision",
        "bytes on the wire per decision",
        "a frame by the camera",
    ]


def test_a_short_training_gives_a_table(tmp_path: Path) -> None:
    flags = ("--frames", "0.3", "0.1", "--points", "20", "--seeds", "7", "--keep", str(tmp_path))
    code, program = run_program("-m", "tools.bench.learning", *flags)
    assert code == 0, program.output
    head, _, row, _ = (line.strip().strip("|").split("|") for line in program.seen["stdout"])
    assert head[3:5] == [" 0.1 M ", " 0.3 M "]
    assert row[0] == " 7 "
    assert all(0 <= float(cell) <= 1 for cell in row[3:5])
    assert read_progress(tmp_path / "level 2, seed 7" / "progress.csv")["frames"][-1] >= 300_000


@linux
def test_every_measurement_is_listed_and_an_unknown_one_is_refused() -> None:
    code, program = run_program("-m", "tools.bench", "--list")
    assert code == 0, program.output
    assert len(program.seen["stdout"]) == 14
    code, program = run_program("-m", "tools.bench", "--only", "sead")
    assert code == 2
    assert "no measurement is called sead" in program.output


@linux
def test_another_version_is_measured_only_if_it_is_there(tmp_path: Path) -> None:
    code, program = run_program("-m", "tools.bench", "--against", str(tmp_path))
    assert code == 2
    assert f"there is no mainmodel.py in {tmp_path}" in program.output


def test_late_ticks_are_found_and_the_others_are_not_blamed() -> None:
    numbers = np.arange(6000)
    arrivals = 12.345 + numbers / 60 + np.random.default_rng(1).exponential(0.0002, 6000)
    assert share_in_time(lateness(arrivals, numbers)) > 0.999
    arrivals[1000:1600] += 0.003
    assert share_in_time(lateness(arrivals, numbers)) == pytest.approx(0.9, abs=0.001)


def test_a_ratio_is_at_least_one_where_the_bound_holds() -> None:
    assert Row("", 4400, "", at_least=4000).ratio == "1.10"
    assert Row("", 3999, "", at_least=4000).ratio == "0.99"  # never rounded up
    assert Row("", 8, "", at_most=4).ratio == "0.50"
    assert Row("", 1, "", at_most=0).ratio == "missed"
    assert Row("", -0.5, "", at_most=2).ratio == "ok"


def test_a_table_replaces_what_is_between_its_marks_and_nothing_else(tmp_path: Path) -> None:
    text = "before\n<!-- speed -->\nold\n<!-- end of speed -->\nafter\n"
    assert put_between(text, "speed", "new") == text.replace("old", "new")
    page = tmp_path / "speed.md"
    page.write_text(text, "utf-8")
    write_into(page, "speed", "new")
    assert page.read_text("utf-8") == text.replace("old", "new")
    with pytest.raises(ValueError, match="no marks <!-- learning 2 -->"):
        write_into(page, "learning 2", "new")
