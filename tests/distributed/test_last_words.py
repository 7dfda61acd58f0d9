"""What is said when Ray ends the driver at once; and whether Ray's token is shown."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests.support import PATIENCE, ROOT

SCRIPT = """
import os, sys
from pongrl.distributed.last_words import last_words
with last_words("it has died"):
    if sys.argv[1] == "dies":
        os._exit(1)
    if sys.argv[1] == "fails":
        raise SystemExit(3)
"""


@pytest.mark.parametrize(
    ("end", "code", "said"), [("dies", 1, "it has died\n"), ("ends", 0, ""), ("fails", 3, "")]
)
def test_a_process_that_ends_without_a_word_has_last_words(end: str, code: int, said: str) -> None:
    command = [sys.executable, "-c", SCRIPT, end]
    done = subprocess.run(command, cwd=ROOT, stderr=subprocess.PIPE, text=True, timeout=PATIENCE)
    assert (done.returncode, done.stderr) == (code, said)


@pytest.mark.parametrize(
    ("given", "has_file", "mode"),
    [
        ({}, False, "None"), ({}, True, "token"), ({"RAY_AUTH_TOKEN": "x"}, False, "token"),
        ({"RAY_AUTH_MODE": "disabled"}, True, "disabled"),
    ],
)  # fmt: skip
def test_ray_shows_a_token_where_there_is_one(
    tmp_path: Path, given: dict[str, str], has_file: bool, mode: str
) -> None:
    if has_file:
        (tmp_path / ".ray").mkdir()
        (tmp_path / ".ray" / "auth_token").write_text("secret")
    script = "import os, pongrl.distributed.authentication; print(os.environ.get('RAY_AUTH_MODE'))"
    others = {name: value for name, value in os.environ.items() if not name.startswith("RAY_")}
    home = {"HOME": str(tmp_path), "USERPROFILE": str(tmp_path)}
    done = subprocess.run(
        [sys.executable, "-c", script], env=others | home | given, cwd=ROOT, stdout=subprocess.PIPE,
        text=True, timeout=PATIENCE,
    )  # fmt: skip
    assert done.stdout == f"{mode}\n"
