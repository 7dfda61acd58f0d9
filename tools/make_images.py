"""Take the screenshots images/game.png and agent.png: `python -m tools.make_images CHECKPOINT`.

Needs Xvfb, a screen in memory, and ImageMagick: the Debian packages xvfb and imagemagick.
"""

from __future__ import annotations

import argparse
import shutil
import subprocess
import tempfile
from pathlib import Path

from tools.processes import ROOT, Program

SCREEN = (1200, 1000)
WINDOW = (700, 728)
AGENT_WINDOW = (1120, 700)
DECISIONS = 90  # made in real time before the picture is taken


def picture(name: str, size: tuple[int, int], display: str) -> None:
    """Take a picture of a window that SDL has placed in the middle of the screen."""
    x, y = ((whole - part) // 2 for whole, part in zip(SCREEN, size, strict=True))
    crop = f"{size[0]}x{size[1]}+{x}+{y}"
    command = ["import", "-display", display, "-window", "root", "-crop", crop, "+repage"]
    subprocess.run([*command, str(ROOT / "images" / name)], check=True)


def main() -> None:
    """Let a trained agent play in the game's window, then let it train with its own window."""
    parser = argparse.ArgumentParser(prog="python -m tools.make_images", description=__doc__)
    parser.add_argument("checkpoint", type=Path, help="of an agent that has learned well")
    checkpoint = str(parser.parse_args().checkpoint.resolve())
    screen = subprocess.Popen(
        ["Xvfb", "-displayfd", "1", "-screen", "0", f"{SCREEN[0]}x{SCREEN[1]}x24"],
        stdout=subprocess.PIPE,
        text=True,
    )
    assert screen.stdout is not None
    display = ":" + screen.stdout.readline().strip()
    try:
        with (
            tempfile.TemporaryDirectory() as directory,
            Program("pong.py", "--render", "--port", "0", "--seed", "4", stdin=None, DISPLAY=display) as game,
        ):
            port = str(game.wait_for_port())
            agent = ("mainmodel.py", "--resume", checkpoint, "--port", port, "--directory", directory)
            with Program(*agent, "--points", "4") as player:
                assert player.ended() == 0, player.output  # so that there is a score to see
            with Program(
                *agent, "--render", "--debug", stdin=None, DISPLAY=display, SDL_VIDEO_WINDOW_POS="2000,0"
            ) as player:
                player.wait_for("connected to")
                game.wait_for("agent connected")
                for _ in range(DECISIONS):
                    player.wait_for("probabilities")  # logged at each decision
                picture("game.png", WINDOW, display)
        with tempfile.TemporaryDirectory() as directory:
            resumed = shutil.copy(checkpoint, directory)
            if (rows := Path(checkpoint).with_name("progress.csv")).exists():
                shutil.copy(rows, directory)  # the learning curve shows them
            agent = ("mainmodel.py", "--resume", resumed, "--local", "--render", "--directory", directory)
            with Program(*agent, stdin=None, DISPLAY=display) as player:
                for _ in range(25):  # reports: by then everything is shown
                    player.wait_for("decisions/s")
                picture("agent.png", AGENT_WINDOW, display)
    finally:
        screen.terminate()
        screen.wait()


if __name__ == "__main__":
    main()
