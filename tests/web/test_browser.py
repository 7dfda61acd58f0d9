"""All pages in a real browser, Chromium, as people use them."""

from __future__ import annotations

import contextlib
import os
import re
import shutil
import threading
import time
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest

from pong import Pong
from pongrl.arena.standings import Bout, News, People
from pongrl.arena.visitors import Act, Leave
from pongrl.server.guests import Paddle
from pongrl.wire.client import PongWatcher
from tests.support import PATIENCE, Program, connected, serving
from tests.support.arena_page import NAMES, Hall, bout, fill, live

playwright = pytest.importorskip("playwright.sync_api", reason="needs pip install playwright")
CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
pytestmark = pytest.mark.skipif(CHROMIUM is None, reason="needs Chromium: apt install chromium")

POINTS = "[...document.querySelectorAll('#score strong')].some((one) => one.textContent !== '0')"
SIZES = [(390, 844), (844, 390), (820, 1180), (1440, 900)]
expect = playwright.expect


@pytest.fixture(scope="module")
def chromium() -> Iterator[Any]:
    """A browser for all tests of this module."""
    os.environ.pop("DISPLAY", None)
    expect.set_options(timeout=1000 * PATIENCE)
    with playwright.sync_playwright() as tool:
        browser = tool.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox"])
        yield browser
        browser.close()


class Visit:
    """A page in a window of the browser, and what its console was told."""

    def __init__(self, context: Any) -> None:
        self.page = context.new_page()
        self.complaints: list[str] = []
        self.page.on("console", self._hear)
        self.page.on("pageerror", lambda error: self.complaints.append(str(error)))

    def _hear(self, message: Any) -> None:
        if message.type == "error":
            self.complaints.append(message.text)

    def open(self, link: str) -> Any:
        self.page.goto(link)
        return self.page

    @property
    def overflow(self) -> int:
        """Pixels that the page is wider than its window."""
        width: int = self.page.evaluate("document.documentElement.scrollWidth - window.innerWidth")
        return width


@contextlib.contextmanager
def visiting(chromium: Any, size: tuple[int, int] = (1440, 900), **options: Any) -> Iterator[Visit]:
    context = chromium.new_context(viewport={"width": size[0], "height": size[1]}, **options)
    try:
        yield Visit(context)
    finally:
        context.close()


@contextlib.contextmanager
def played(server: Pong) -> Iterator[None]:
    """Let an agent play that goes up and down."""
    stop = threading.Event()

    def play() -> None:
        with connected(server) as agent:
            move = 1
            while not stop.is_set():
                step = agent.step([move])
                move = 3 - move if step.number % 20 == 0 else move

    playing = threading.Thread(target=play)
    playing.start()
    try:
        yield
    finally:
        stop.set()
        playing.join()


def wait_in(page: Any, condition: str, argument: object = None) -> None:
    """Wait until a condition, JavaScript of `argument`, holds in the page; each picture is looked at."""
    script = f"""async (argument) => {{
        const until = performance.now() + {1000 * PATIENCE};
        while (!({condition})) {{
            if (performance.now() > until) throw new Error("the condition never became true");
            // A page that is hidden draws no pictures.
            const second = new Promise((done) => setTimeout(done, 1000));
            await Promise.race([new Promise(requestAnimationFrame), second]);
        }}
    }}"""
    page.evaluate(script, argument)


def wait_for_paddle(page: Any, condition: str) -> None:
    """Wait until the right paddle's top, y as the canvas shows it, is there."""
    top = """
        const canvas = document.getElementById("picture");
        const pixels = canvas.getContext("2d").getImageData(canvas.width - 3, 0, 1, canvas.height).data;
        const row = pixels.findIndex((light, place) => place % 4 === 0 && light > 200) / 4;
        const y = (row * 500) / canvas.height;
    """
    wait_in(page, f"(() => {{ {top} return row >= 0 && {condition}; }})()")


def score_of(page: Any) -> tuple[int, ...]:
    """The score that a page shows."""
    return tuple(int(page.locator(f"#{side}-score").inner_text()) for side in ("left", "right"))


def served_score(server: Pong) -> tuple[int, int]:
    """The score of a game that is paused, as a watcher is told it."""
    with PongWatcher(*server.address) as watcher:
        watcher.connect()
        while (view := watcher.watch(time.monotonic() + PATIENCE)) is None:
            pass
        return view.score


def test_the_court_moves_and_the_score_is_the_servers(chromium: Any) -> None:
    with serving(web=0, fps=240) as server, played(server), visiting(chromium) as visit:
        page = visit.open(server.links.look)
        expect(page.locator("#connection")).to_have_text("live")
        expect(page.locator("#left-name")).to_have_text("agent")
        shown = "document.getElementById('picture').toDataURL()"
        wait_in(page, f"{shown} !== argument", page.evaluate(shown))
        wait_in(page, POINTS)
        expect(page.locator("#steering")).to_be_hidden()
        assert visit.complaints == []


def test_who_opens_the_link_for_playing_has_the_right_paddle_and_moves_it(chromium: Any) -> None:
    with serving(web=0) as server, played(server), visiting(chromium) as visit:
        page = visit.open(server.links.steer)
        assert "token" not in page.url
        expect(page.locator("#seat")).to_contain_text("You have the right paddle")
        expect(page.locator("#right-name")).to_have_text("a person")
        court = page.locator("#court").bounding_box()
        page.mouse.move(court["x"] + court["width"] / 2, court["y"] + 0.2 * court["height"])
        page.mouse.down()
        wait_for_paddle(page, "y < 70")
        page.mouse.up()
        page.keyboard.down("s")
        wait_for_paddle(page, "y > 300")
        page.keyboard.up("s")
        assert visit.complaints == []


def test_a_finger_moves_the_paddle_on_a_phone(chromium: Any) -> None:
    phone = {"has_touch": True, "is_mobile": True}
    with serving(web=0) as server, played(server), visiting(chromium, (390, 844), **phone) as visit:
        page = visit.open(server.links.steer)
        expect(page.locator("#seat")).to_contain_text("You have the right paddle")
        pad = page.locator("#pad")
        expect(pad).to_be_visible()
        box = pad.bounding_box()
        touch = page.context.new_cdp_session(page)
        point = {"x": box["x"] + 50, "y": box["y"] + 0.95 * box["height"]}
        touch.send("Input.dispatchTouchEvent", {"type": "touchStart", "touchPoints": [point]})
        wait_for_paddle(page, "y > 330")
        touch.send("Input.dispatchTouchEvent", {"type": "touchEnd", "touchPoints": []})
        assert visit.complaints == []


def test_buttons_pause_the_game_and_choose_the_level(chromium: Any) -> None:
    with serving(web=0, fps=240) as server, played(server), visiting(chromium) as visit:
        page = visit.open(server.links.steer)
        wait_in(page, POINTS)
        page.get_by_role("button", name="Pause").click()
        expect(page.locator("#headline")).to_have_text("paused")
        assert score_of(page) == served_score(server)
        page.keyboard.press("p")
        expect(page.locator("#notice")).to_be_hidden()
        page.get_by_role("button", name="Level 3").click()
        expect(page.get_by_role("button", name="Level 3")).to_have_attribute("aria-pressed", "true")
        page.get_by_role("button", name="Just look").click()
        expect(page.locator("#right-name")).to_have_text("level 3")


KEEP_SOCKETS = """
    window.sockets = [];
    WebSocket = class extends WebSocket {
        constructor(...values) { super(...values); sockets.push(this); }
    };
"""


@pytest.mark.parametrize("choice", ["Just look", "Left paddle"])
def test_a_connection_that_comes_back_puts_nobody_where_they_do_not_want_to_be(
    chromium: Any, choice: str
) -> None:
    with serving(web=0) as server, visiting(chromium) as visit:
        visit.page.add_init_script(KEEP_SOCKETS)
        page = visit.open(server.links.steer)
        expect(page.locator("#seat")).to_contain_text("You have the right paddle")
        page.get_by_role("button", name=choice).click()
        expect(page.locator("#right-name")).to_have_text("level 2")
        page.evaluate("sockets.at(-1).close()")
        expect(page.locator("#connection")).to_contain_text("trying again")
        expect(page.locator("#connection")).to_have_text("live")
        page.get_by_role("button", name="Pause").click()
        expect(page.locator("#headline")).to_have_text("paused")  # by now it would have asked for a paddle
        expect(page.locator("#seat")).to_be_empty()
        assert visit.complaints == []


def test_a_server_that_falls_silent_is_left_and_found_again(chromium: Any) -> None:
    with serving(web=0) as server, visiting(chromium) as visit:
        visit.page.clock.install()
        page = visit.open(server.links.look)
        expect(page.locator("#connection")).to_have_text("live")
        page.evaluate("WebSocket.prototype.close = () => {}")  # as of a server that is gone: nobody answers
        page.clock.fast_forward(20_000)  # nothing was heard meanwhile
        expect(page.locator("#connection")).to_contain_text("trying again")
        page.clock.run_for(1000)
        expect(page.locator("#connection")).to_have_text("live")
        assert visit.complaints == []


def test_a_page_whose_link_was_taken_back_says_so_by_itself(chromium: Any) -> None:
    with visiting(chromium) as visit:
        with serving(web=0, token="a token") as server:
            page = visit.open(server.links.look)
            expect(page.locator("#connection")).to_have_text("live")
            port = page.evaluate("Number(location.port)")
        expect(page.locator("#connection")).to_contain_text("trying again")
        with serving(web=port, token="another token"):
            expect(page.locator("main")).to_contain_text("needs the link")


def test_with_an_agents_pause_the_page_does_not_say_that_it_can_end_it(chromium: Any) -> None:
    with serving(web=0) as server, visiting(chromium) as visit, connected(server) as agent:
        page = visit.open(server.links.steer)
        agent.pause()
        expect(page.locator("#headline")).to_have_text("paused")
        expect(page.locator("#below")).to_be_empty()
        page.get_by_role("button", name="Pause").click()
        expect(page.locator("#below")).to_contain_text("goes on")
        agent.pause(False)
        page.get_by_role("button", name="Go on").click()
        expect(page.locator("#notice")).to_be_hidden()


def test_a_wrong_token_and_none_are_refused_with_a_sentence(chromium: Any) -> None:
    with serving(web=0, token="a token") as server, visiting(chromium) as visit:
        page = visit.open(server.links.look.split("?")[0] + "?token=wrong")
        expect(page.locator("main")).to_contain_text("wrong or an old one")
        page.goto(server.links.look.split("?")[0])
        expect(page.locator("main")).to_contain_text("needs the link")


class Foreign(BaseHTTPRequestHandler):
    """Another page."""

    def do_GET(self) -> None:
        self.send_response(200)
        self.send_header("Content-Type", "text/html")
        self.end_headers()
        self.wfile.write(b"<title>foreign</title>")

    def log_message(self, *_: object) -> None:
        """Say nothing."""


def test_a_foreign_page_reaches_nothing_though_the_cookie_is_there(chromium: Any) -> None:
    foreign = ThreadingHTTPServer(("127.0.0.1", 0), Foreign)
    thread = threading.Thread(target=foreign.serve_forever, kwargs={"poll_interval": 0.05})
    thread.start()
    try:
        with serving(web=0, token="a token") as server, visiting(chromium) as visit:
            page = visit.open(server.links.steer)
            expect(page.locator("#connection")).to_have_text("live")
            page.goto(f"http://127.0.0.1:{foreign.server_port}/")
            host = re.sub("http://(.*)/.*", r"\1", server.links.look.split("?")[0])
            outcome = page.evaluate(
                """(host) => Promise.all([
                    new Promise((done) => {
                        const socket = new WebSocket(`ws://${host}/live`);
                        socket.onopen = () => done("open");
                        socket.onerror = () => done("refused");
                    }),
                    fetch(`http://${host}/`, { credentials: "include" }).then(() => "read", () => "refused"),
                    new Promise((done) => {
                        const frame = document.createElement("iframe");
                        frame.src = `http://${host}/`;
                        frame.onload = () => {
                            done("loaded"); // an error page, which cannot be told from another
                        };
                        document.body.append(frame);
                    }),
                ])""",
                host,
            )
            assert outcome[:2] == ["refused", "refused"]
            assert any("frame" in complaint for complaint in visit.complaints)  # frame-ancestors 'none'
    finally:
        foreign.shutdown()
        thread.join()
        foreign.server_close()


@pytest.mark.parametrize("size", SIZES, ids=str)
def test_the_games_page_fits_any_screen(chromium: Any, size: tuple[int, int]) -> None:
    with serving(web=0) as server, visiting(chromium, size) as visit:
        page = visit.open(server.links.steer)
        expect(page.locator("#seat")).to_contain_text("You have the right paddle")
        assert visit.overflow <= 0
        court = page.locator("#court").bounding_box()
        assert court["y"] + court["height"] <= size[1]  # the whole court is seen without scrolling


@pytest.fixture
def agent_link(tmp_path: Path) -> Iterator[str]:
    flags = ("--local", "--games", "4", "--seed", "1", "--directory", ".", "--web", "0")
    with Program("mainmodel.py", *flags, stdin=None, cwd=tmp_path) as program:
        program.wait_for("steer there: ")
        found = re.search("steer there: (http.*)", program.output)
        assert found is not None
        yield found[1]


def test_the_agents_page_shows_what_it_sees_and_steers_it(chromium: Any, agent_link: str) -> None:
    with visiting(chromium) as visit:
        page = visit.open(agent_link)
        column = "document.getElementById('frame').getContext('2d').getImageData(0, 0, 1, 50).data"
        wait_in(page, f"{column}.filter((light) => light === 255).length > 50")  # beside those of opacity
        expect(page.locator("#units li")).to_have_count(12)
        expect(page.locator("#files")).to_contain_text("progress.csv")
        page.get_by_role("button", name="Pause").click()
        expect(page.locator("#notice-headline")).to_have_text("paused")
        expect(page.locator("#log")).to_contain_text("paused, the game too; p goes on")
        with page.expect_download() as download:
            page.get_by_role("link", name="progress.csv").click()
        assert download.value.path().read_text().startswith("seconds,frames")
        assert visit.complaints == []


@pytest.mark.parametrize("size", SIZES, ids=str)
def test_the_agents_page_fits_any_screen(chromium: Any, agent_link: str, size: tuple[int, int]) -> None:
    with visiting(chromium, size) as visit:
        page = visit.open(agent_link)
        expect(page.locator("#units li")).to_have_count(12)
        assert visit.overflow <= 0


@pytest.fixture(scope="module")
def ledger(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return fill(tmp_path_factory.mktemp("arena") / "arena.db")


@pytest.fixture(scope="module")
def crowded(tmp_path_factory: pytest.TempPathFactory) -> Path:
    names = tuple(f"{'漢' * 22}{number:02}" for number in range(40))
    return fill(tmp_path_factory.mktemp("crowded") / "arena.db", names, 60)


BALL = """
    (() => {
        const canvas = document.getElementById("picture");
        const pixels = canvas.getContext("2d").getImageData(0, 0, canvas.width, canvas.height).data;
        for (let place = 0; place < pixels.length; place += 4)
            if (pixels[place] === 255 && pixels[place + 2] === 60) return true;
        return false;
    })()
"""  # its colour is somewhere on the court


def test_the_arenas_page_shows_names_as_they_are_and_who_beat_whom(chromium: Any, ledger: Path) -> None:
    with Hall(ledger) as hall, visiting(chromium) as visit:
        page = visit.open(hall.page.links.look)
        expect(page.locator("#connection")).to_have_text("live")
        names = page.locator("#ladder tbody th bdi")
        expect(names).to_have_count(len(NAMES))
        assert set(names.all_inner_texts()) == set(NAMES)
        assert page.locator("table b").count() == 0  # a name is no HTML
        expect(page.locator("#ladder .house")).to_have_text("★")
        expect(page.locator("#season")).to_contain_text("5 players, 3 here")
        expect(page.locator("#entry")).to_be_hidden()
        page.locator("#matrix tbody td[tabindex='0']").focus()
        expect(page.locator("#pair")).to_contain_text("nobody plays against itself")
        page.keyboard.press("ArrowRight")
        expect(page.locator("#pair")).to_contain_text("against")
        with page.expect_download() as download:
            page.get_by_role("link", name="all matches").click()
        assert download.value.path().read_text("utf-8-sig").startswith("match,begun")
        assert visit.complaints == []


def test_a_match_is_watched_live_and_again_when_it_is_over(chromium: Any, ledger: Path) -> None:
    with Hall(ledger) as hall, visiting(chromium) as visit:
        page = visit.open(hall.page.links.look)
        last = bout(ledger).last
        watched = last[1]  # the newest that has a recording
        hall.bout = Bout((live(1, watched.left, watched.right, is_real_time=False),), last[2:])
        expect(page.locator("#last li")).to_have_count(len(last) - 2)
        page.locator("#live button").click()
        wait_in(page, BALL)
        expect(page.locator("#stage-words")).to_contain_text("as fast as both answer")
        assert score_of(page) == (2, 1)
        hall.bout = Bout((live(1),), last)  # it is over, and others play at its table
        page.get_by_role("button", name="Watch it again").click()
        expect(page.locator("#replay")).to_be_visible()  # it is loaded
        expect(page.locator("#run")).to_have_text("Pause")
        wait_in(page, BALL)
        page.keyboard.press("p")
        expect(page.locator("#run")).to_have_text("Play")
        page.locator("#slider").focus()
        page.keyboard.press("End")
        expect(page.locator("#run")).to_have_text("Again")
        assert score_of(page) == watched.score
        page.get_by_role("button", name="16 times as fast").click()
        page.get_by_role("button", name="Again", exact=True).click()
        expect(page.locator("#run")).to_have_text("Again")  # it is soon over
        page.keyboard.press("Escape")
        expect(page.locator("#stage-title")).to_have_text("Watch a match")
        assert visit.complaints == []


def test_a_person_enters_the_arena_plays_and_leaves(chromium: Any, ledger: Path) -> None:
    with Hall(ledger) as hall, visiting(chromium) as visit:
        page = visit.open(hall.page.links.steer)
        page.get_by_label("Your name").fill("<i>Eve</i>")
        page.keyboard.press("Enter")
        expect(page.locator("#news")).to_contain_text("You are let in")
        hall.news = People({1: News("you play Ada", 20, 1, "Ada", serve_in=3)})
        expect(page.locator("#headline")).to_have_text("3")
        expect(page.locator("#right-name")).to_have_text("<i>Eve</i>")
        hall.news = People({1: News("you play Ada", 20, 1, "Ada")})
        wait_in(page, BALL)
        page.keyboard.down("s")
        hall.wait(Act(1, Paddle(2)))
        page.keyboard.up("s")
        hall.wait(Act(1, Paddle()))
        page.get_by_role("button", name="Leave").click()
        hall.wait(Leave(1))
        expect(page.locator("#entry")).to_be_visible()
        page.reload()
        expect(page.get_by_label("Your name")).to_have_value("<i>Eve</i>")
        page.get_by_role("button", name="Play").click()
        expect(page.locator("#news")).to_contain_text("You are let in")
        hall.news = People({2: News("the name belongs to another", is_out=True)})
        expect(page.locator("#news")).to_have_text("You do not play: the name belongs to another.")
        page.get_by_label("Your name").fill("Another")
        page.keyboard.press("Enter")
        first, second, another = hall.comes(3)
        assert first.identity == second.identity != another.identity  # each name has its own
        assert visit.complaints == []


def test_an_arena_in_which_nobody_has_played_says_how_to_enter(chromium: Any, tmp_path: Path) -> None:
    with Hall(fill(tmp_path / "arena.db", (), 0)) as hall, visiting(chromium) as visit:
        hall.bout = Bout((), ())
        page = visit.open(hall.page.links.look)
        expect(page.locator("#nobody")).to_be_visible()
        expect(page.locator("#no-last")).to_be_visible()
        command = 'python mainmodel.py --play save.p --host 127.0.0.1 --name "Ada"'
        expect(page.locator("#command")).to_have_text(command)
        assert visit.complaints == []


def test_for_who_wants_less_motion_a_recording_waits(chromium: Any, ledger: Path) -> None:
    with Hall(ledger) as hall, visiting(chromium, reduced_motion="reduce") as visit:
        page = visit.open(hall.page.links.look)
        page.locator("#last button:enabled").first.click()
        expect(page.locator("#run")).to_have_text("Play")
        expect(page.get_by_role("button", name="Show it moving")).to_be_visible()


@pytest.mark.parametrize("size", [*SIZES, (1920, 1080)], ids=str)
def test_the_arenas_page_fits_any_screen_with_forty_players(
    chromium: Any, crowded: Path, size: tuple[int, int]
) -> None:
    with Hall(crowded) as hall, visiting(chromium, size) as visit:
        page = visit.open(hall.page.links.steer)
        expect(page.locator("#ladder tbody tr")).to_have_count(40)
        expect(page.locator("#matrix tbody tr")).to_have_count(40)
        page.locator("#live button").first.click()
        wait_in(page, BALL)
        assert visit.overflow <= 0
        height = page.evaluate("parseFloat(getComputedStyle(document.getElementById('ladder')).fontSize)")
        assert height >= (24 if size[0] == 1920 else 15)  # a projector's is read from afar
