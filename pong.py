"""Pong in a window, and a server that lets an agent play it over the network: the program.

Here are the user's options, and the program's start and end. Read next:

    pongrl/server/run.py       puts the server's parts together, in one picture
    pongrl/server/engine.py    the thread that plays, and its two clocks
    pongrl/server/match.py     the games, and everything that moves a paddle
    pongrl/game/rules.py       Pong's rules
    netproto.py                what crosses the network
    pongrl/ui/game_window.py   the window

Threads. The main thread has the window, since pygame wants it there. The engine's thread has the games and
the agents' connections. The listener's shakes hands with strangers, the gallery's shows the game to those who
watch, the film's encodes, and one sends heartbeats. They share four things: the keys that people hold (main
thread to engine), what guests on the page ask for (page to engine), the latest snapshot of the game (engine
to main thread and gallery), and new connections (listener to engine).

Two clocks. In real time the game ticks 60 times a second and never waits for an agent: one that answers late
misses states. In lockstep, for training, it plays only when the agent has answered, as fast as both can. A
tick is 1/60 s of game time on both, so an agent plays the same game on either.

Without a server (`--no-server`) people play alone: they choose on a start screen, unless the command line
says already what is played.
"""

from __future__ import annotations

import logging
import sys
from dataclasses import KW_ONLY, dataclass, field, replace
from typing import TYPE_CHECKING, Annotated

from pongrl import cli, outlets
from pongrl.errors import UsageError
from pongrl.game.rules import TICKS_PER_SECOND
from pongrl.server.benchmark import measure
from pongrl.server.entrance import Entrance, entrance_of, greeting
from pongrl.server.guests import Guests
from pongrl.server.match import Match
from pongrl.server.options import GameOptions, check
from pongrl.server.run import ENDS_BY_ITSELF, Run, await_end, show, stop_at_eof
from pongrl.server.status import title
from pongrl.wire.messages import DEFAULT_PORT, Session
from pongrl.wire.sockets import is_loopback

if TYPE_CHECKING:  # a headless run loads no view
    from pongrl.arena.run import ArenaRun
    from pongrl.ui.film import Recorder
    from pongrl.ui.game_window import GameWindow
    from pongrl.web.arena_page import ArenaPage
    from pongrl.web.game_page import GamePage
    from pongrl.web.links import Links
    from pongrl.web.page import Page

log = logging.getLogger("pong")


@cli.remembers
@dataclass(eq=False)
class Pong:
    """Pong in a window, served to a reinforcement-learning agent over the network.

    `start` plays until the window is closed or `close` is called. With `block=False`, headless only, it
    returns as soon as the server listens (at `address`), and `close` ends it; so does a `with` block.

    Raises:
        UsageError: an option is out of its range.
    """

    levelodiff: Annotated[int, "level of the built-in AI, 1 to 3; 4 plays both sides", "--level"] = 2
    debug: Annotated[bool, "log each stage, and what comes in and goes out"] = False
    render: Annotated[bool, "show in the window what the agent is sent"] = False
    server: Annotated[bool, "just play: W/S or the arrow keys against the built-in AI"] = True
    host: Annotated[str, "address to listen on; 0.0.0.0 is every network, the default this machine alone"] = (
        ""
    )
    port: Annotated[int, "port to listen on; 0 picks a free one"] = DEFAULT_PORT
    _: KW_ONLY
    opponent: Annotated[str, "who has the right paddle: ai, or human, at this keyboard"] = "ai"
    headless: Annotated[bool, "no window, no sound: for a machine without a screen"] = False
    lockstep: Annotated[bool, "wait for the agent at every decision, then go on at once: for training"] = (
        False
    )
    fps: Annotated[int, "ticks per second in real time; the game is made for 60"] = TICKS_PER_SECOND
    frameskip: Annotated[int, "ticks in one decision of the agent"] = 8
    games: Annotated[int, "games that the agent plays side by side; the window shows the first"] = 1
    second_level: Annotated[int | None, "level of every second game, if it is to be another"] = None
    points_to_win: Annotated[int, "points that win a match"] = 21
    seed: Annotated[int | None, "seed of the games' random generators"] = None
    token_file: Annotated[str | None, "file with the token that agents must prove (or set PONG_TOKEN)"] = None
    open: Annotated[bool, "let agents in without a token, from other machines too"] = False
    certificate: Annotated[str | None, "encrypt with TLS, showing this certificate (a PEM file)"] = None
    key: Annotated[str | None, "file with the certificate's key, if it is not in the same"] = None
    web: Annotated[bool | int, "serve a page for browsers too, on port N (8080)"] = False
    arena: Annotated[bool | str, "let agents meet each other, ranked on a ladder that FILE keeps"] = False
    tables: Annotated[int | None, "matches at a time in the arena (default 16 for each core)"] = None
    move_seconds: Annotated[float, "time for an answer in an arena with --lockstep"] = 0.1
    agents_per_address: Annotated[int, "agents that may come to the arena from one address"] = 8
    ladder: Annotated[bool | str, "tell how the arena of FILE stands, and end"] = False
    csv: Annotated[str | None, "with --ladder: write all matches into this file"] = None
    free: Annotated[str | None, "with --ladder: let a name belong to nobody, for the next who comes"] = None
    final: Annotated[
        int | None, "with --ladder: close the season, each pair to play N matches; 0 opens it again"
    ] = None
    record: Annotated[str | None, "film the first game into FILE, .mp4 or .gif"] = None
    benchmark: Annotated[bool, "say how many decisions per second this machine can serve, and end"] = False
    until_eof: Annotated[bool, "end when standard input does: for a program that starts this one"] = False
    token: str | None = field(default=None, repr=False)
    given: frozenset[str] | None = field(default=None, repr=False)  # options that the command line named

    def __post_init__(self) -> None:
        check(self)
        self._run: Run | ArenaRun | None = None
        self._recorder: Recorder | None = None
        self._page: GamePage | ArenaPage | None = None
        self._announcer: Page | None = None
        self._ending = False

    def __enter__(self) -> Pong:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    @property
    def address(self) -> tuple[str, int]:
        """Host and port that the server listens on."""
        if self._run is None or self._run.address is None:
            raise RuntimeError("not listening: call start() first, with server=True")
        return self._run.address

    @property
    def links(self) -> Links:
        """The links of the page: `look`, and `steer`, for those who may play."""
        if self._page is None:
            raise RuntimeError("there is no page: call start() first, with web=True")
        return self._page.links

    def start(self, block: bool = True) -> None:
        """Play, and serve. See the class.

        Raises:
            UsageError: an option does not go with block=False.
            PongError: there is no display, the port is in use, the token cannot be read.
        """
        if self._run is not None:
            raise RuntimeError("started already")
        self._ending = False
        if self.until_eof and not block:
            raise UsageError(ENDS_BY_ITSELF)
        if not (self._is_headless or self.benchmark or self.ladder):
            if not block:
                raise UsageError("start(block=False) needs headless=True: a window needs the main thread")
            cli.need_main_thread("headless=True")
        outlets.start_log(self.debug)
        if self.benchmark:
            measure(_game_options(self))
        elif self.ladder is not False:
            self._tell_ladder()
        elif block:
            self._play_to_the_end()
        else:
            self._begin(_game_options(self))

    def close(self) -> None:
        """End the game, the server and the film; calling it again does nothing.

        Raises:
            BaseException: what ended the engine, if it was not us.
        """
        try:
            self._end_run()
        finally:
            page, self._page = self._page, None
            announcer, self._announcer = self._announcer, None
            recorder, self._recorder = self._recorder, None
            for one in (announcer, page):
                if one is not None:
                    one.close()
            if recorder is not None:
                recorder.close()

    @property
    def _is_headless(self) -> bool:
        return self.headless or self.arena is not False  # an arena is seen on its page

    # From start to end.

    def _play_to_the_end(self) -> None:
        window = self._open_window()
        try:
            with cli.stop_signals(self._stop):  # around `close` too: a second Ctrl-C must not spoil the film
                try:
                    if self.until_eof:
                        stop_at_eof(self._stop)
                    if window is not None and not self.server and not _is_chosen(self):
                        self._play_chosen(window)
                    else:
                        self._play(_game_options(self), window)
                finally:
                    self.close()
        finally:
            if window is not None:
                window.close()

    def _open_window(self) -> GameWindow | None:
        if self._is_headless:
            return None
        from pongrl.ui.game_window import GameWindow

        for_people = not self.server or self.opponent == "human"
        return GameWindow("Pong", self.render, "nobody can play" if for_people else "use --headless")

    def _play_chosen(self, window: GameWindow) -> None:
        """Let people choose what to play, again after each game, until they leave."""
        from pongrl.ui.start_screen import choose

        self._open_recorder()  # what cannot be recorded is told before anybody has chosen
        choice: tuple[int, str] | None = None
        while (choice := choose(window, lambda: self._ending, choice)) is not None:
            level, opponent = choice
            self._play(replace(_game_options(self), level=level, opponent=opponent), window)
            self._end_run()

    def _play(self, options: GameOptions, window: GameWindow | None) -> None:
        """Play one game until somebody ends it."""
        run = self._begin(options, has_window=window is not None)
        if window is not None and isinstance(run, Run):
            window.begin(title(options), options.people)
            show(run, window, lambda: self._ending)
        else:
            await_end(run, lambda: self._ending)

    def _begin(self, options: GameOptions, has_window: bool = False) -> Run | ArenaRun:
        """Start the game's threads, and say where the server listens."""
        if self.arena is not False:
            return self._begin_arena()
        try:
            self._open_recorder()
            entrance = entrance_of(self) if self.server else None
            guests = Guests()
            page = None if entrance is None else self._open_page(options, entrance, guests, has_window)
            audiences = () if page is None else (page,)
            match = Match(options, self._recorder)
            run = self._run = Run(match, entrance, has_window, (), guests, audiences)
            run.start()
        except BaseException:
            self.close()
            raise
        if entrance is not None:
            for line in greeting(options, entrance, run.addresses):
                cli.say(line)
        if page is not None:
            page.greet(cli.say)
        if entrance is not None and not is_loopback(entrance.host):
            self._announcer = _announced(options.session(), entrance, run, page)
        return run

    def _begin_arena(self) -> ArenaRun:
        """Open the arena, and say where it listens."""
        from pongrl.web.arena_opening import open_arena

        entrance = entrance_of(self)
        run, page = open_arena(self, entrance, self.web, cli.say)
        self._run, self._page = run, page
        if not is_loopback(entrance.host):
            self._announcer = _announced(run.session, entrance, run, page)
        return run

    def _tell_ladder(self) -> None:
        """Say how an arena stands, after what was asked to be changed."""
        from pongrl.arena.program import file_of, tell_ladder

        tell_ladder(file_of(self.ladder), self.free, self.final, self.csv, cli.say)

    def _open_page(
        self, options: GameOptions, entrance: Entrance, guests: Guests, has_window: bool
    ) -> GamePage | None:
        if self.web is False:
            return None
        from pongrl.web.game_page import facts_of, open_game_page

        facts = facts_of(options, has_window)
        page = self._page = open_game_page(self.web, facts, entrance, guests, cli.say)
        return page

    def _open_recorder(self) -> None:
        if self.record is None or self._recorder is not None:  # one film of all games
            return
        from pongrl.ui.film import Recorder

        self._recorder = Recorder(self.record, log.info, min(self.fps, TICKS_PER_SECOND))

    def _stop(self) -> None:
        self._ending = True
        if self._run is not None:
            self._run.stop()

    def _end_run(self) -> None:
        run, self._run = self._run, None
        if run is not None:
            run.close()


def _is_chosen(user: Pong) -> bool:
    """Return whether the user has said what to play, as a program that makes a Pong has."""
    return user.given is None or not user.given.isdisjoint(("levelodiff", "opponent"))


def _game_options(user: Pong) -> GameOptions:
    """Return what is to be played."""
    return GameOptions(
        level=user.levelodiff, second_level=user.second_level, opponent=user.opponent,
        games=user.games, frameskip=user.frameskip, fps=user.fps, lockstep=user.lockstep,
        points_to_win=user.points_to_win, seed=user.seed, serves=user.server, inset=user.render,
    )  # fmt: skip


def _announced(
    session: Session, entrance: Entrance, run: Run | ArenaRun, page: GamePage | ArenaPage | None
) -> Page | None:
    """Let others on the network find the server, if zeroconf is installed."""
    from pongrl.web.announcer import announce

    assert run.address is not None
    return announce(session, entrance, run.address[1], page)


def main(argv: list[str] | None = None) -> int:
    """Run the program from its command line and give its exit code."""
    return cli.main(Pong, argv)


if __name__ == "__main__":
    sys.exit(main())
