"""The agent and its page, as a program: what is seen there, what is obeyed, and what can be taken away."""

from __future__ import annotations

import asyncio
import base64
import re
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest

from tests.support import Program, run_program
from tests.support.web import talking, visiting

TRAIN = ("mainmodel.py", "--local", "--games", "4", "--seed", "1", "--directory", ".", "--web", "0")


class Agent:
    """An agent that trains, and the links of its page."""

    def __init__(self, program: Program) -> None:
        self.program = program
        self.look = self._link("see the agent in a browser: ")
        self.steer = self._link("steer there: ")

    def _link(self, words: str) -> str:
        self.program.wait_for(words)
        found = re.search(f"{words}(http.*)", self.program.output)
        assert found is not None
        return found[1]


@pytest.fixture
def agent(tmp_path: Path) -> Iterator[Agent]:
    with Program(*TRAIN, stdin=None, cwd=tmp_path) as program:
        yield Agent(program)


def cells(text: str) -> np.ndarray:
    return np.frombuffer(base64.b64decode(text), np.uint8)


def test_what_the_agent_sees_and_thinks_is_shown(agent: Agent) -> None:
    async def look() -> None:
        async with talking(agent.look) as talk:
            assert not (await talk.hear("hello"))["steers"]
            seen = await talk.hear("look")
            assert seen["shape"] == [50, 70]
            assert cells(seen["frame"]).size == cells(seen["change"]).size == 3500
            assert cells(seen["frame"]).max() == 255
            assert seen["moves"] == ["up", "down", "stay"]
            assert sum(seen["chances"]) == pytest.approx(1, abs=0.01)
            later = await talk.hear("look", lambda look: not look["live"])  # it is faster than the page
            assert later["number"] > seen["number"]
            units = await talk.hear("units")
            assert len(units["weights"]) == len(units["effects"]) == len(seen["active"] or units["weights"])
            state = await talk.hear("state", lambda state: state["points"] > 100)
            assert state["connected"]

    asyncio.run(look())


def test_it_is_steered_and_its_answers_are_shown(agent: Agent) -> None:
    async def steer() -> None:
        async with talking(agent.steer) as talk:
            hello = await talk.hear("hello")
            assert {"p", "ping", "save", "evaluate", "stats", "q"} <= hello["commands"].keys()
            await talk.hear("state", lambda state: state["points"] > 0)
            await talk.say(say="p")
            await talk.hear("said", lambda line: line.startswith("paused"))
            await talk.hear("state", lambda state: state["paused"])
            await talk.say(say="p")
            await talk.hear("said", lambda line: line == "going on")
            await talk.say(say="evaluate")
            assert "of 200 points" in await talk.hear("said", lambda line: line.startswith("evaluation"))
            await talk.say(say="save")
            await talk.hear("said", lambda line: line == "saved interrupt.p")
            await talk.say(say="rm")  # no command
            await talk.say(say="q")
            assert await talk.hear("bye") == "the agent has ended"

    asyncio.run(steer())
    assert agent.program.ended() == 0, agent.program.output


def test_the_curve_and_the_files_can_be_taken(agent: Agent, tmp_path: Path) -> None:
    async def take() -> None:
        async with visiting(agent.steer) as browser, browser.talking() as talk:
            await talk.hear("state", lambda state: state["points"] > 300)
            run = (await browser.get("/run.json")).json
            assert [row[0] for row in run["rows"][:2]] == [100, 200]
            later = (await browser.get("/run.json?after=2")).json
            assert later["first"] == 2
            assert later["rows"][0][0] == 300
            await talk.say(say="save")
            await talk.hear("said", lambda line: line == "saved interrupt.p")
            files = {file["name"] for file in (await browser.get("/run.json")).json["files"]}
            assert {"interrupt.p", "progress.csv"} <= files
            await talk.say(say="p")
            await talk.hear("state", lambda state: state["paused"])
            taken = await browser.get("/files/interrupt.p")
            assert taken.body == (tmp_path / "interrupt.p").read_bytes()
            assert taken.headers["Content-Disposition"] == "attachment"

    asyncio.run(take())


def test_who_only_looks_is_told_the_curve_and_no_files(agent: Agent) -> None:
    async def look() -> None:
        async with visiting(agent.look) as browser, browser.talking() as talk:
            await talk.hear("state", lambda state: state["points"] > 300)
            run = (await browser.get("/run.json")).json
            assert len(run["rows"]) >= 3
            assert run["files"] == []

    asyncio.run(look())


def test_many_commands_at_once_do_not_stop_training(agent: Agent) -> None:
    async def flood() -> None:
        async with talking(agent.steer) as talk:
            await talk.hear("state", lambda state: state["points"] > 0)
            for _ in range(100):
                await talk.say(say="stats")
            await talk.say(say="p")  # one more that is left out
            state = await talk.hear("state", lambda state: state["points"] > 300)
            assert not state["paused"]

    asyncio.run(flood())


@pytest.mark.parametrize("name", ["secret.txt", "../secret.txt", "%2e%2e%2fsecret.txt", ".", "previous-1"])
def test_no_other_file_can_be_taken(agent: Agent, tmp_path: Path, name: str) -> None:
    (tmp_path / "secret.txt").write_text("precious")

    async def take() -> None:
        async with visiting(agent.steer) as browser:
            assert (await browser.get(f"/files/{name}")).status == 404

    asyncio.run(take())


def test_who_may_only_look_takes_no_checkpoint_which_has_the_agents_identity(agent: Agent) -> None:
    async def take() -> None:
        async with visiting(agent.look) as browser, browser.talking() as talk:
            await talk.hear("state", lambda state: state["points"] > 100)
            assert (await browser.get("/files/progress.csv")).status == 403
            await talk.say(say="q")
            await talk.hear("state", lambda state: state["points"] > 300)
            assert not talk.has_heard("said")  # the terminal's lines name the servers

    asyncio.run(take())


@pytest.mark.parametrize(
    ("flags", "sentence"),
    [
        (("--web-host", "0.0.0.0"), "--web-host and --certificate are for the page: add --web"),
        (("--web", "70000"), "--web must be a whole number from 0 to 65,535, not 70000"),
        (("--web", "0", "--key", "k.pem"), "--key belongs to a --certificate"),
        (("--web", "0", "--certificate", "none.pem"), "the certificate none.pem cannot be used"),
        (("--web", "--evaluate"), "--web does nothing with --evaluate"),
    ],
)
def test_a_mistake_is_told_in_a_sentence(flags: tuple[str, ...], sentence: str) -> None:
    code, program = run_program("mainmodel.py", "--local", *flags)
    assert code == 2
    assert sentence in program.output
