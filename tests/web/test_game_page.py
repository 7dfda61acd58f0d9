"""The game and its page, as a program: what people do there moves the game, and nothing there holds it up."""

from __future__ import annotations

import asyncio
import contextlib
import subprocess
import threading

import pytest
from yarl import URL

from pong import Pong
from pongrl.errors import PongError, RefusedError
from pongrl.wire.client import PongClient
from pongrl.wire.messages import Role
from tests.support import PATIENCE, connected, serving
from tests.support.web import talking, visiting

TOKEN = "a token for tests"

pytestmark = pytest.mark.usefixtures("no_thread_is_left")


def test_a_person_plays_the_right_paddle_against_an_agent() -> None:
    async def play(server: Pong) -> None:
        async with talking(server.links.steer) as talk:
            await talk.say(sit="right")
            await talk.hear("state", lambda state: state["people"] == [False, True])
            assert (
                "right paddle: a person on the page"
                in (await talk.hear("state", lambda state: "person" in state["status"]))["status"]
            )
            await talk.say(to=50)
            view = await talk.hear("view", lambda view: view[4] <= 10)  # the paddle's top
            await talk.say(hold="down")
            await talk.hear("view", lambda later: later[4] >= view[4] + 100)
            await talk.say(sit=None)  # the built-in AI has it again
            await talk.hear("state", lambda state: "right paddle: level 2" in state["status"])

    with serving(web=0, fps=120) as server, connected(server) as agent:
        stop = threading.Event()

        def stay() -> None:
            while not stop.is_set():
                agent.step([0])

        playing = threading.Thread(target=stay)
        playing.start()
        try:
            asyncio.run(play(server))
        finally:
            stop.set()
            playing.join()


def test_a_person_borrows_the_agents_paddle_and_the_agent_is_told() -> None:
    async def hold(server: Pong, move: str | None) -> None:
        async with talking(server.links.steer) as talk:
            await talk.say(sit="left")
            await talk.say(hold=move)
            await talk.hear("state", lambda state: "a person on the page has the left" in state["status"])
            held.set()
            async with asyncio.timeout(PATIENCE):
                while not seen.is_set():
                    await talk.hear("view")

    held, seen = threading.Event(), threading.Event()
    with serving(web=0, fps=120) as server, connected(server) as agent:
        person = threading.Thread(target=lambda: asyncio.run(hold(server, "up")))
        person.start()
        try:
            while person.is_alive() and not held.is_set():
                agent.step([2])
            step = agent.step([2])
            while person.is_alive() and step.moves[0] != 1:
                step = agent.step([2])
            assert step.moves[0] == 1
        finally:
            seen.set()
            person.join()


def test_two_people_play_without_an_agent() -> None:
    async def play(server: Pong) -> None:
        async with (
            visiting(server.links.steer) as browser,
            browser.talking() as left,
            browser.talking() as right,
        ):
            await left.hear("state", lambda state: "waiting for an agent" in state["notice"])
            await right.say(sit="right")
            await left.say(sit="left")
            await left.hear("state", lambda state: state["serve_in"] == 3)
            await left.hear("state", lambda state: sum(state["score"]) > 0)

    with serving(web=0, fps=1000) as server:
        asyncio.run(play(server))


def test_people_pause_the_game_and_choose_its_level() -> None:
    async def steer(server: Pong) -> None:
        async with talking(server.links.steer) as talk:
            await talk.say(pause=True)
            state = await talk.hear("state", lambda state: state["paused"])
            assert state["status"].startswith("paused at the server")
            await talk.say(pause=False)
            await talk.hear("state", lambda state: not state["paused"])
            await talk.say(level=3)
            await talk.hear("state", lambda state: state["level"] == 3)

    with serving(web=0) as server:
        asyncio.run(steer(server))
        with connected(server) as agent:
            assert agent.session.level == 3


@pytest.mark.parametrize("lockstep", [False, True])
def test_people_are_told_that_an_agent_pauses(lockstep: bool) -> None:
    async def look(server: Pong, agent: PongClient) -> None:
        async with talking(server.links.look) as talk:
            for _ in range(5):
                await talk.hear("state", lambda state: not state["paused"])
                agent.pause()
                state = await talk.hear("state", lambda state: state["paused"])
                assert "paused by the" in state["status"]
                agent.pause(False)
                agent.step([0])

    with serving(web=0, fps=240, lockstep=lockstep) as server, connected(server) as agent:
        agent.step([0])
        asyncio.run(look(server, agent))


def test_people_are_told_that_both_agents_pause() -> None:
    async def look(server: Pong, *agents: PongClient) -> None:
        async with talking(server.links.look) as talk:
            for _ in range(5):
                await talk.hear("state", lambda state: not state["paused"])
                for agent in agents:
                    agent.pause()
                await talk.hear("state", lambda state: state["status"].startswith("paused by both agents"))
                for agent in agents:
                    agent.pause(False)

    with (
        serving(web=0) as server,
        connected(server) as left,
        connected(server, role=Role.RIGHT) as right,
    ):
        asyncio.run(look(server, left, right))


def test_an_agent_cannot_take_the_right_paddle_from_a_person() -> None:
    async def play(server: Pong) -> None:
        async with talking(server.links.steer) as talk:
            await talk.say(sit="right")
            await talk.hear("state", lambda state: state["people"] == [False, True])
            with pytest.raises(RefusedError, match="a person has the right paddle"):
                await asyncio.to_thread(agent.connect)

    with serving(web=0) as server, PongClient(*server.address, role=Role.RIGHT) as agent:
        asyncio.run(play(server))


def test_the_pages_token_is_not_that_of_the_game_and_looking_needs_one_too() -> None:
    async def visit(server: Pong) -> None:
        assert TOKEN not in str(server.links)
        async with visiting(server.links.look.split("?")[0]) as browser:
            assert (await browser.get()).status == 403
        async with talking(server.links.look) as talk:
            assert not (await talk.hear("hello"))["steers"]

    with serving(web=0, token=TOKEN) as server:
        asyncio.run(visit(server))


def test_an_agent_keeps_its_game_while_many_look_on() -> None:
    async def look(server: Pong) -> None:
        async with contextlib.AsyncExitStack() as stack:
            browser = await stack.enter_async_context(visiting(server.links.look))
            talks = [await stack.enter_async_context(browser.talking()) for _ in range(30)]
            for talk in talks:
                await talk.hear("view")

    with serving(web=0, lockstep=True, games=4) as server, connected(server) as agent:
        crowd = threading.Thread(target=lambda: asyncio.run(look(server)))
        crowd.start()
        step = agent.first  # type: ignore[attr-defined]
        while crowd.is_alive():
            before, step = step, agent.step([1, 2, 0, 1])
            assert step.number == before.number + 1
        crowd.join()


def test_a_port_that_is_taken_is_told_in_a_sentence() -> None:
    with serving(web=0) as server:
        taken = URL(server.links.look).port
        assert taken is not None
        with (
            pytest.raises(PongError, match=r"cannot listen on .*choose another with --web"),
            serving(web=taken),
        ):
            pass


def test_the_game_goes_on_when_its_page_has_gone(
    processes: list[subprocess.Popen[bytes]], capsys: pytest.CaptureFixture[str]
) -> None:
    async def play(server: Pong) -> None:
        async with talking(server.links.steer) as talk:
            await talk.say(restart=True)
            await talk.say(level=3)
            await talk.hear("state", lambda state: sum(state["score"]) > 0)
            await talk.say(sit="right")
            await talk.say(pause=True)
            await talk.hear("state", lambda state: state["paused"])
            processes[0].kill()
            await talk.end()

    with serving(web=0, fps=240) as server, connected(server) as agent:
        asyncio.run(play(server))
        step = agent.first  # type: ignore[attr-defined]
        for _ in range(10):  # neither the pause nor the paddle is a guest's any more
            step = agent.step([0])
        with PongClient(*server.address, role=Role.RIGHT) as right:
            right.connect()
            assert right.session.level == 3
        assert step.number == 10
        assert step.scores.sum() > 0  # the match was not begun again
    assert "the page has gone" in capsys.readouterr().out


def test_the_page_ends_with_the_game_and_says_so() -> None:
    async def look(server: Pong) -> None:
        async with talking(server.links.look) as talk:
            await talk.hear("hello")
            closing = asyncio.to_thread(server.close)
            task = asyncio.ensure_future(closing)
            assert await talk.hear("bye") == "the game has ended"
            await asyncio.wait_for(task, PATIENCE)

    with serving(web=0) as server:
        asyncio.run(look(server))
