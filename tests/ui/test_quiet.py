"""Libraries that write into the terminal."""

from __future__ import annotations

import os

import pytest

from pongrl.ui.quiet import quiet_libraries


def test_what_libraries_write_is_thrown_away_and_what_comes_later_is_not(
    capfd: pytest.CaptureFixture[str],
) -> None:
    with quiet_libraries():
        os.write(2, b"ALSA complains\n")
    os.write(2, b"later\n")
    assert capfd.readouterr().err == "later\n"
