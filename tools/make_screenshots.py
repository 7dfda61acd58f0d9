"""Make the pictures of the pages, images/page-*.png: `python -m tools.make_screenshots CHECKPOINT`.

A trained agent plays against a person on the game's page, another one trains on the agent's page for a few
minutes, and an arena's page shows a match again. It needs Playwright (pip install playwright) and Chromium.
Look at the pictures before you keep them.
"""

from __future__ import annotations

import argparse
import contextlib
import shutil
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

from tools.processes import ROOT, Program

IMAGES = ROOT / "images"
CHROMIUM = ("chromium", "chromium-browser", "google-chrome")
LAPTOP = {"width": 1440, "height": 900}
TRAINING_POINTS = 8000  # until the picture of the agent's page is taken; the curve has risen by then
RALLY = 2  # hits, the agent's and the person's
OTHERS, ARENA_SECONDS = ("Bob", "Chen", "Dana", "Émile"), 60  # agents beside Ada; until the picture

# A person who is good at it holds the mouse down, and follows the ball as the page shows it.
FOLLOW = """() => {
    const court = document.getElementById("court");
    const canvas = document.getElementById("picture");
    const box = court.getBoundingClientRect();
    const send = (kind, y) => court.dispatchEvent(new PointerEvent(kind, {
        pointerId: 1, button: 0, clientX: box.right - 50, clientY: box.top + y, bubbles: true,
    }));
    court.setPointerCapture = () => {};
    send("pointerdown", box.height / 2);
    setInterval(() => {
        const pixels = canvas.getContext("2d").getImageData(0, 0, canvas.width, canvas.height).data;
        for (let place = 0; place < pixels.length; place += 4) {
            if (pixels[place] === 255 && pixels[place + 2] < 100) { // the ball's colour
                const y = Math.floor(place / 4 / canvas.width) / canvas.height;
                return send("pointermove", y * box.height);
            }
        }
    }, 50);
}"""


def link_of(program: Program, words: str) -> str:
    """Return the link that a program has printed behind these words."""
    return program.find(words).text.split()[-1]


def wait_in(page: Any, condition: str) -> None:
    """Wait until a condition in JavaScript holds in a page."""
    loop = f"while (!({condition})) await new Promise(requestAnimationFrame);"
    page.evaluate(f"async () => {{ {loop} }}")


def take_game(browser: Any, checkpoint: Path, output: Path) -> None:
    """Take the game's page while a person plays an agent."""
    with Program("pong.py", "--headless", "--web", "0", "--port", "0", stdin=None) as server:
        port = str(server.wait_for_port())
        link = link_of(server, "play there")
        with Program("mainmodel.py", "--play", str(checkpoint), "--port", port, stdin=None) as agent:
            agent.wait_for("connected to")
            page = opened(browser, link)
            rally = "Number(/rally (\\d+)/.exec(document.getElementById('figures').textContent)?.[1])"
            page.evaluate(FOLLOW)
            wait_in(page, f"{rally} >= {RALLY}")
            shoot(page, "Pong on raspberrypi", output)


def take_agent(browser: Any, output: Path) -> None:
    """Take the agent's page while it trains."""
    with tempfile.TemporaryDirectory() as directory:
        flags = ("--local", "--level", "2", "--seed", "1", "--directory", directory, "--web", "0")
        with Program("mainmodel.py", *flags, stdin=None) as agent:
            page = opened(browser, link_of(agent, "steer there"))
            points = "Number(document.getElementById('points').textContent.replaceAll(',', ''))"
            wait_in(page, f"{points} > {TRAINING_POINTS}")
            page.get_by_role("button", name="Evaluate now").click()
            page.get_by_text("evaluation: won").wait_for(timeout=60_000)
            wait_in(page, f"{points} > {TRAINING_POINTS + 500}")
            shoot(page, "Pong agent on laptop", output)


def take_arena(browser: Any, checkpoint: Path, output: Path) -> None:
    """Take the arena's page after some matches, one of which is shown again."""
    with tempfile.TemporaryDirectory() as directory, contextlib.ExitStack() as stack:
        file = str(Path(directory, "arena.db"))
        flags = ["--lockstep", "--web", "0", "--port", "0", "--points-to-win", "5", "--seed", "1"]
        server = stack.enter_context(Program("pong.py", "--arena", file, *flags, stdin=None))
        port = str(server.wait_for_port())
        page = opened(browser, link_of(server, "see the arena"))
        ada = ("--play", str(checkpoint), "--port", port, "--name", "Ada", "--directory", directory)
        stack.enter_context(Program("mainmodel.py", *ada, stdin=None))
        for name in OTHERS:
            where = ("--name", name, "--port", port)
            other = Program("examples/arena_agent.py", *where, cwd=Path(directory), PYTHONPATH=str(ROOT))
            stack.enter_context(other)
        page.wait_for_timeout(1000 * ARENA_SECONDS)
        page.evaluate("document.querySelector('#last button').click()")  # the list changes all the time
        page.get_by_text("4×", exact=True).click()
        page.wait_for_timeout(3000)
        shoot(page, "Pong arena on raspberrypi", output)


def shoot(page: Any, title: str, output: Path) -> None:
    """Take a picture of a page, with another title than this machine's name."""
    page.locator("#title").evaluate("(element, title) => { element.textContent = title; }", title)
    page.screenshot(path=output)


def opened(browser: Any, link: str) -> Any:
    """Open a page in a window of a laptop's size."""
    page = browser.new_context(viewport=LAPTOP, color_scheme="dark").new_page()
    page.set_default_timeout(600_000)
    page.goto(link)
    return page


def main() -> None:
    """Make the pictures."""
    parser = argparse.ArgumentParser(prog="python -m tools.make_screenshots", description=__doc__)
    parser.add_argument("checkpoint", type=Path, help="a trained agent's, such as save.p")
    parser.add_argument("--only", help="make this picture alone, such as page-arena")
    options = parser.parse_args()
    from playwright.sync_api import sync_playwright

    chromium = next(filter(None, map(shutil.which, CHROMIUM)), None)
    pictures: dict[str, Callable[[Any, Path], None]] = {
        "page-game": lambda browser, path: take_game(browser, options.checkpoint.resolve(), path),
        "page-agent": take_agent,
        "page-arena": lambda browser, path: take_arena(browser, options.checkpoint.resolve(), path),
    }
    with sync_playwright() as tool:
        browser = tool.chromium.launch(executable_path=chromium, args=["--no-sandbox"])
        for name, take in pictures.items():
            if options.only not in (None, name):
                continue
            take(browser, IMAGES / f"{name}.png")
            print(f"made images/{name}.png: look at it", flush=True)
        browser.close()


if __name__ == "__main__":
    main()
