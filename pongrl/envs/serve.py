"""Serve another game than ours on the same wire: python -m pongrl.envs.serve --env ALE/Pong-v5.

Here are the user's options, and the program's start and end. Read next:

    catalogue    what an --env means: ale-py, stable-retro, or another environment of Gymnasium
    presets      what is known of Pong on emulators: camera, moves, matches
    lens         the camera: a picture becomes a frame
    machines     one environment: its pictures, actions and ends
    emulators    several side by side: ALE's vector, or one process for each
    arcade       what the server plays (pongrl/server/playing.py): decisions, rewards, scores, what people see

All else is pong.py's: engine, clocks, seats, listener, gallery, page, window.
"""

from __future__ import annotations

import contextlib
import re
import sys
from dataclasses import KW_ONLY, dataclass, field, replace
from typing import TYPE_CHECKING, Annotated

from pongrl import cli, outlets
from pongrl.checks import LARGEST_FRAMESKIP, LARGEST_MATCH, LARGEST_SEED, settle_types, whole, within
from pongrl.envs.arcade import Arcade, ArcadeOptions, Buttons
from pongrl.envs.catalogue import Entry, find
from pongrl.envs.emulators import Emulators, EndedError, open_emulators
from pongrl.envs.lens import COLOURS, Lens, ranges_of, size_of
from pongrl.envs.machines import Facts
from pongrl.envs.presets import OTHER, PRESETS, RETRO, Preset, actions_of
from pongrl.errors import UsageError
from pongrl.game.moves import MOVE_NAMES
from pongrl.game.people import People
from pongrl.game.rules import LEFT
from pongrl.server.entrance import Entrance, clock_of, entrance_of, invitation
from pongrl.server.guests import Guests
from pongrl.server.options import check_door
from pongrl.server.run import ENDS_BY_ITSELF, Run, await_end, show, stop_at_eof
from pongrl.wire.messages import DEFAULT_PORT, MAX_GAMES
from pongrl.wire.session import MAX_STEP_CELLS, PONG_FRAME
from pongrl.wire.sockets import is_loopback

if TYPE_CHECKING:  # a run without them loads no view
    from pongrl.ui.game_window import GameWindow
    from pongrl.web.game_page import GamePage
    from pongrl.web.page import Page

PROGRAM = "python -m pongrl.envs.serve"
FIRE = ("FIRE", "BUTTON")  # the name of the button that begins a game; the second is stable-retro's
MOST_FPS = 1000  # ticks per second, as of our own game
MAX_MOVES = 256  # a move crosses as one byte


@cli.remembers
@dataclass(eq=False)
class Serve:
    """Serve Atari's Pong, or another environment with a picture, to the agents that play our Pong.

    `start` serves until `close` is called, or a signal comes. With `block=False` it returns as soon as the
    server listens (at `address`); a `with` block ends it too.

    Raises:
        UsageError: an option is out of its range.
    """

    env: Annotated[
        str, "ALE/Pong-v5 (ale-py), Pong-Atari2600-v0 (stable-retro), CartPole-v1, or module:Id"
    ] = "ALE/Pong-v5"
    _: KW_ONLY
    host: Annotated[str, "address to listen on; 0.0.0.0 is every network, the default this machine alone"] = (
        ""
    )
    port: Annotated[int, "port to listen on; 0 picks a free one"] = DEFAULT_PORT
    lockstep: Annotated[bool, "wait for the agent at every decision, then go on at once: for training"] = (
        False
    )
    games: Annotated[int, "games that the agent plays side by side; people see the first"] = 1
    frameskip: Annotated[int | None, "frames in one decision (default: the environment's own)"] = None
    seed: Annotated[int | None, "seed of the first game; the next ones have the numbers after it"] = None
    points_to_win: Annotated[int, "points that win a match: agents are told, the game decides"] = 21
    actions: Annotated[
        str | None, "what moves 0, 1, 2 … do, by the names of actions, or numbers without: NOOP,RIGHT,LEFT"
    ] = None
    size: Annotated[str | None, "rows and columns of a frame, in cells, as in 80x30"] = None
    crop: Annotated[str | None, "rows and columns of the court in the picture, as in 34:194,28:140"] = None
    paddles: Annotated[
        str | None,
        "columns of each paddle, which get a column of the frame each, as in 16:20,140:144; or none",
    ] = None
    colours: Annotated[
        str | None, "flat: white where it is not background; distance: how far from it; or grey"
    ] = None
    gain: Annotated[float | None, "how much brighter all but the paddles gets"] = None
    mirror: Annotated[str | None, "yes if the own paddle is at the right of the picture, or no"] = None
    render: Annotated[bool, "open a window with the game, and with what the agent is sent"] = False
    web: Annotated[bool | int, "serve a page for browsers too, on port N (8080)"] = False
    token_file: Annotated[str | None, "file with the token that agents must prove (or set PONG_TOKEN)"] = None
    open: Annotated[bool, "let agents in without a token, from other machines too"] = False
    certificate: Annotated[str | None, "encrypt with TLS, showing this certificate (a PEM file)"] = None
    key: Annotated[str | None, "file with the certificate's key, if it is not in the same"] = None
    headless: Annotated[bool, "open no window, as without it: pong.py has this option too"] = False
    until_eof: Annotated[bool, "end when standard input does: for a program that starts this one"] = False
    debug: Annotated[bool, "log each stage, and what comes in and goes out"] = False
    token: str | None = field(default=None, repr=False)

    def __post_init__(self) -> None:
        _check(self)
        self._run: Run | None = None
        self._open = contextlib.ExitStack()  # closes what is open
        self._ending = False

    def __enter__(self) -> Serve:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    @property
    def address(self) -> tuple[str, int]:
        """Host and port that the server listens on."""
        if self._run is None or self._run.address is None:
            raise RuntimeError("not listening: call start() first")
        return self._run.address

    def start(self, block: bool = True) -> None:
        """Serve. See the class.

        Raises:
            PongError: the environment cannot be served, or the port is in use.
        """
        if self._run is not None:
            raise RuntimeError("started already")
        self._ending = False
        if self.until_eof and not block:
            raise UsageError(ENDS_BY_ITSELF)
        if self.render:
            cli.need_main_thread("no render")
        outlets.start_log(self.debug)
        if not block:
            self._begin()
            return
        window = self._open_window() if self.render else None  # until then signals end us: a display may hang
        with cli.stop_signals(self._stop), contextlib.suppress(EndedError):
            try:
                self._serve_to_the_end(window)
            finally:
                self.close()

    def close(self) -> None:
        """End the server and its games; calling it again does nothing.

        Raises:
            BaseException: what ended the engine, if it was not us.
        """
        self._ending = True
        with contextlib.suppress(EndedError):
            self._open.close()
        self._run = None

    def _serve_to_the_end(self, window: GameWindow | None) -> None:
        run = self._begin(has_window=window is not None)
        if self.until_eof:  # on Windows no process of a game could start while a thread reads standard input
            stop_at_eof(self._stop)
        if window is None:
            await_end(run, lambda: self._ending)
        else:
            window.begin(self.env, People((LEFT,), serve=True))
            show(run, window, lambda: self._ending)

    def _open_window(self) -> GameWindow:
        from pongrl.ui.game_window import GameWindow

        window = GameWindow(self.env, inset=True, instead="leave out --render")
        self._open.callback(window.close)
        return window

    def _begin(self, has_window: bool = False) -> Run:
        """Open the games and start the server's threads, and say where it listens."""
        try:
            entrance = entrance_of(self)
            arcade = self._open_arcade()
            options = arcade.options
            guests = Guests()
            page = self._open_page(options, entrance, guests)
            run = Run(arcade, entrance, has_window, (), guests, () if page is None else (page,))
            self._run = run
            self._open.callback(run.close)
            run.start()
        except BaseException:
            self.close()
            raise
        played = f"{options.name}, {clock_of(options)}, games: {options.games}"
        for line in invitation(played, entrance, run.addresses):
            cli.say(line)
        if page is not None:
            page.greet(cli.say)
        if not is_loopback(entrance.host):
            self._announce(options, entrance, run, page)
        return run

    def _open_arcade(self) -> Arcade:
        entry = find(self.env, cli.say)
        preset = preset_of(entry)
        lens = _lens(self, preset)
        frameskip = self.frameskip or _frameskip(entry, preset)
        if self.games * lens.height * lens.width > MAX_STEP_CELLS:
            raise UsageError(
                f"--games {self.games} with frames of {lens.height}x{lens.width} are more than the "
                f"{MAX_STEP_CELLS:,} cells that one connection carries: give fewer games or a smaller --size"
            )
        emulators: Emulators = open_emulators(entry, self.games, frameskip, lens, lambda: self._ending)
        self._open.callback(emulators.close)
        wanted = _named(self.actions) if self.actions else preset.actions
        buttons, words = buttons_of(self.env, emulators.facts, wanted, preset)
        if words:
            cli.say(words)
        has_court = preset.is_pong and shows_court(lens)
        rate = min(max(round(emulators.facts.ticks_per_second), 1), MOST_FPS)
        options = ArcadeOptions(
            name=self.env, games=self.games, height=lens.height, width=lens.width, frameskip=frameskip,
            fps=rate, points_to_win=self.points_to_win, lockstep=self.lockstep, inset=self.render,
            has_court=has_court, seed=self.seed,
        )  # fmt: skip
        return Arcade(options, emulators, buttons)

    def _open_page(self, options: ArcadeOptions, entrance: Entrance, guests: Guests) -> GamePage | None:
        if self.web is False:
            return None
        from pongrl.web.game_page import open_game_page
        from pongrl.web.site import GameFacts

        facts = GameFacts(0, options.lockstep, False, right_is_window=False, right_is_game=True)
        page = open_game_page(self.web, facts, entrance, guests, cli.say, self.env)
        self._open.callback(page.close)
        return page

    def _announce(self, options: ArcadeOptions, entrance: Entrance, run: Run, page: GamePage | None) -> None:
        """Let others on the network find the server, if zeroconf is installed."""
        from pongrl.web.announcer import announce

        assert run.address is not None
        game = re.sub(r"[^\w-]", " ", self.env)
        announcer: Page | None = announce(options.session(), entrance, run.address[1], page, game)
        if announcer is not None:
            self._open.callback(announcer.close)

    def _stop(self) -> None:
        self._ending = True
        if self._run is not None:
            self._run.stop()


def preset_of(entry: Entry) -> Preset:
    """Return how a game is shown and played, unless options say otherwise."""
    return PRESETS.get(entry.game, RETRO if entry.kind == "retro" else OTHER)


def _named(actions: str) -> tuple[str, ...]:
    """Return the names in --actions."""
    return tuple(name.strip() for name in actions.split(","))


def shows_court(lens: Lens) -> bool:
    """Tell whether the frames of a game of Pong are dark but for paddles and ball, our paddle at the left."""
    return lens.paddles is not None and lens.colours != "grey" and lens.is_mirrored


def buttons_of(name: str, facts: Facts, wanted: tuple[str, ...], preset: Preset) -> tuple[Buttons, str]:
    """Return what the moves do, and a sentence for people if something does not fit; "" if all does.

    Raises:
        UsageError: an action that is wanted is not there.
    """

    def spelled(action: int) -> str:
        return facts.meanings[action] if facts.meanings else str(facts.first + action)

    try:
        actions = actions_of(facts.meanings, wanted) if facts.meanings else _numbered(facts, wanted)
    except KeyError as error:
        known = ", ".join(facts.meanings) or f"{facts.first} to {facts.first + facts.actions - 1}"
        raise UsageError(f"{name} has no action {error.args[0]} for --actions: it has {known}") from error
    fires = [facts.meanings.index(name) for name in FIRE if name in facts.meanings]
    fire = fires[0] if fires and not preset.is_pong else None
    if len(actions) == len(MOVE_NAMES):
        return Buttons(MOVE_NAMES, actions, fire), _about_fire(name, facts, actions, fire, wanted)
    actions = actions or tuple(range(min(facts.actions, MAX_MOVES)))
    names = tuple(map(spelled, actions))
    words = f"{name} has actions {names[0]} to {names[-1]} and no stay, up and down: "
    if len(actions) < len(MOVE_NAMES):
        actions = (actions[0], actions[0], actions[-1])
        words += f"stay and up do {names[0]} here, and down does {names[-1]}"
        return Buttons(MOVE_NAMES, actions, fire), words
    words += f"mainmodel.py does {', '.join(names[:3])} for them; --actions chooses what they do"
    return Buttons(names, actions, fire), words


def _numbered(facts: Facts, wanted: tuple[str, ...]) -> tuple[int, ...]:
    """Return the actions that are wanted by their numbers, for they have no names.

    Raises:
        KeyError: one is not there.
    """
    actions = []
    for text in wanted:
        try:
            action = int(text) - facts.first
        except ValueError:
            raise KeyError(text) from None
        if not 0 <= action < facts.actions:
            raise KeyError(text)
        actions.append(action)
    return tuple(actions)


def _about_fire(
    name: str, facts: Facts, actions: tuple[int, ...], fire: int | None, wanted: tuple[str, ...]
) -> str:
    """Say that no move holds FIRE, unless somebody has chosen the moves; "" if there is nothing to say."""
    if fire is None or wanted:
        return ""
    chosen = ", ".join(facts.meanings[action] for action in actions)
    return (
        f"{name}: stay, up and down do {chosen}, and {facts.meanings[fire]} only begins a game; --actions of "
        f"{PROGRAM} chooses others of {', '.join(facts.meanings)}"
    )


def _frameskip(entry: Entry, preset: Preset) -> int:
    """Return the ticks in one decision: those that ALE's vector skips by itself, or repeated steps."""
    return int(entry.settings.get("frameskip", 4)) if entry.has_vector else preset.frameskip


def _lens(user: Serve, preset: Preset) -> Lens:
    """Return the preset's camera with what the user has changed."""
    lens = preset.lens
    if user.crop is not None:
        rows, columns = ranges_of("--crop", user.crop)
        lens = replace(lens, rows=rows, columns=columns)
    if user.paddles is not None:
        lens = replace(lens, paddles=None if user.paddles == "none" else ranges_of("--paddles", user.paddles))
    if user.size is not None:
        height, width = size_of(user.size)
        if (height, width) == PONG_FRAME:
            raise UsageError(
                f"--size {user.size} is that of our own Pong, by which agents know it: give another"
            )
        lens = replace(lens, height=height, width=width)
    if user.mirror is not None:
        lens = replace(lens, is_mirrored=user.mirror == "yes")
    return replace(lens, colours=user.colours or lens.colours, gain=user.gain or lens.gain)


def _check(user: Serve) -> None:
    """Check the user's options.

    Raises:
        UsageError: an option is of another type, out of its range, or contradicts another.
    """
    settle_types(user)
    whole("--port", user.port, 0, 65535)
    whole("--games", user.games, 1, MAX_GAMES)
    whole("--points-to-win", user.points_to_win, 1, LARGEST_MATCH)
    if user.frameskip is not None:
        whole("--frameskip", user.frameskip, 1, LARGEST_FRAMESKIP)
    if user.seed is not None:
        whole("--seed", user.seed, 0, min(LARGEST_SEED, 2**31 - 1 - MAX_GAMES))
    if user.web is not False:
        whole("--web", int(user.web), 0, 65535)
    if user.gain is not None:
        within("--gain", user.gain, 0.1, 100.0)
    if user.actions is not None:
        names = _named(user.actions)
        if not all(names) or len(names) > MAX_MOVES:
            raise UsageError(
                f"--actions must be 1 to {MAX_MOVES} names with commas between them, such as "
                f"NOOP,RIGHT,LEFT, not {user.actions}"
            )
    if user.colours not in (None, *COLOURS):
        raise UsageError(f"--colours must be flat, distance or grey, not {user.colours}")
    if user.mirror not in (None, "yes", "no"):
        raise UsageError(f"--mirror must be yes or no, not {user.mirror}")
    if user.headless and user.render:
        raise UsageError("--headless opens no window and --render opens one: drop one")
    check_door(user)
    _lens(user, OTHER)


def main(argv: list[str] | None = None) -> int:
    """Run the program from its command line and return its exit code."""
    return cli.main(Serve, argv, PROGRAM)


if __name__ == "__main__":
    sys.exit(main())
