"""Libraries that write into the terminal."""

from __future__ import annotations

import os
import sys

import pytest

from pongrl.ui.quiet import quiet_libraries


def test_what_libraries_write_is_thrown_away_and_what_comes_later_is_not(
    capfd: pytest.CaptureFixture[str],
) -> None:
    with quiet_libraries():
        os.write(2, b"ALSA complains\n")
    os.write(2, b"later\n")
    assert capfd.readouterr().err == "later\n"


def test_a_standard_error_that_takes_nothing_more_does_no_harm(
    capfd: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    class Full:
        def flush(self) -> None:
            raise OSError(28, "No space left on device")

    monkeypatch.setattr(sys, "stderr", Full())
    with quiet_libraries():
        os.write(2, b"ALSA complains\n")
    assert capfd.readouterr().err == ""


def test_without_a_standard_error_its_number_is_left_alone(
    capfd: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sys, "stderr", None)
    with quiet_libraries():
        os.write(2, b"of another file\n")
    assert capfd.readouterr().err == "of another file\n"
