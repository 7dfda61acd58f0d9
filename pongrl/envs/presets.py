"""What is known of games of Pong on emulators: their cameras, moves and matches. Everything else gets OTHER.

The court of Atari's Pong is in rows 34 to 193. The paddles, four pixels wide, begin at columns 16 and 140,
the own one at the right. Of the frames that were tried, those of 80 rows and 30 columns taught best, with
each paddle alone in its column and the ball twice as bright. FIRE held while the own paddle hits makes the
ball faster; without it the other paddle hardly misses.
"""

from __future__ import annotations

from dataclasses import dataclass

from pongrl.envs.lens import Lens

PONG_LENS = Lens(
    height=80, width=30, rows=(34, 194), columns=(28, 140), paddles=((16, 20), (140, 144)),
    colours="flat", gain=2.0, is_mirrored=True,
)  # fmt: skip


@dataclass(frozen=True)
class Preset:
    """How a game is shown and played, unless options say otherwise."""

    lens: Lens
    actions: tuple[str, ...] = ()  # for moves 0, 1, 2 …, by their names; () to choose by names that are there
    is_pong: bool = False  # it has a court of two paddles to show, and serves by itself
    points_to_win: int = 21
    frameskip: int = 1  # steps of the environment in one decision, where it does not skip frames itself


OTHER = Preset(Lens(height=84, width=84))
PRESETS = {
    "pong": Preset(PONG_LENS, ("NOOP", "RIGHTFIRE", "LEFTFIRE"), is_pong=True),  # ale-py's name of the game
    "Pong-Atari2600-v0": Preset(  # stable-retro's; it plays one frame a step
        PONG_LENS, ("NOOP", "UP+BUTTON", "DOWN+BUTTON"), is_pong=True, frameskip=4
    ),
}
RETRO = Preset(Lens(height=84, width=84), frameskip=4)  # other games of stable-retro
UP_AND_DOWN = (("UP", "DOWN"), ("RIGHT", "LEFT"))  # actions that may be moves 1 and 2, the best first


def actions_of(meanings: tuple[str, ...], wanted: tuple[str, ...]) -> tuple[int, ...]:
    """Return the actions of moves 0, 1, 2 …

    Args:
        meanings: the names of the actions; () if they have none.
        wanted: the names of the moves' actions; () to choose stay, up and down where there are such actions.

    Returns:
        Their numbers; () if there is no stay, up and down.

    Raises:
        KeyError: a name that is wanted is not there.
    """
    numbers = {name: number for number, name in enumerate(meanings)}
    if wanted:
        return tuple(numbers[name] for name in wanted)
    for up, down in UP_AND_DOWN:
        if {"NOOP", up, down} <= numbers.keys():
            return numbers["NOOP"], numbers[up], numbers[down]
    return ()
