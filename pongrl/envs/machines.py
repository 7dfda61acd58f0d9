"""One environment of any kind, as the server plays it: a picture, discrete actions, an end, and lives.

What cannot be served is said in one sentence: no picture, or actions of another kind.
"""

from __future__ import annotations

import contextlib
import importlib
import math
import random
from dataclasses import dataclass
from typing import Any, Protocol

import numpy as np

from pongrl.envs.catalogue import Entry, cannot_be_made, register_ale
from pongrl.errors import PongError
from pongrl.wire.arrays import UInt8Array

MOST_NOOPS = 30  # frames without a move, at random, before a match of a game without any other chance
SWITCHES = ("SELECT", "RESET", "START")  # of a console: no part of a game
WAYS = ("UP", "DOWN", "LEFT", "RIGHT")


@dataclass(frozen=True)
class Facts:
    """What an environment says of itself."""

    meanings: tuple[str, ...]  # names of the actions; () if they have none
    actions: int
    picture: tuple[int, int]  # rows and columns
    ticks_per_second: float  # steps in real time; frames where frames are skipped
    first: int = 0  # number of the first action, where they have numbers


class Environment(Protocol):
    """One environment."""

    facts: Facts

    def reset(self, seed: int | None) -> None:
        """Begin again."""

    def step(self, action: int) -> tuple[float, bool, int]:
        """Make an action; return the reward, whether the episode ended, and lives left."""

    def picture(self) -> UInt8Array:
        """Return the picture as it is now."""

    def close(self) -> None:
        """Give back what the environment needs."""


def open_environment(entry: Entry) -> Environment:
    """Open one environment. Its libraries are loaded here, in a process that plays nothing else.

    Raises:
        PongError: it cannot be made, has no picture, or other actions than discrete ones.
    """
    if entry.kind == "retro":
        return _Retro(entry)
    if entry.module:
        importlib.import_module(entry.module)
    else:
        register_ale()
    return _Gymnasium(entry)


class _Gymnasium:
    """An environment of Gymnasium."""

    def __init__(self, entry: Entry) -> None:
        import gymnasium

        name = entry.name.rpartition(":")[2]
        self._env, is_drawing = _opened(entry.name, name)
        self._is_drawn = not _is_picture(self._env.observation_space)
        if self._is_drawn and not is_drawing:
            modes, space = self._env.metadata.get("render_modes", ()), self._env.observation_space
            with contextlib.suppress(Exception):  # its own, before a first reset
                self._env.close()
            if "rgb_array" not in modes:
                raise PongError(
                    f"{entry.name} has no picture: its observations are {space}, and it has no render_mode "
                    "rgb_array; choose an environment that shows one"
                )
            self._env = _made(entry.name, name, render_mode="rgb_array")
        space = self._env.action_space
        if not isinstance(space, gymnasium.spaces.Discrete):
            self.close()
            raise PongError(
                f"{entry.name} has actions of another kind ({space}): only environments with discrete "
                "actions (Discrete) can be served, since a move crosses as a number"
            )
        self._name, self._start = entry.name, int(space.start)
        has_chance = entry.kind != "ale" or entry.settings.get("repeat_action_probability", 0.25) > 0
        self._random = None if has_chance else random.Random()
        try:
            self.facts = self._begin(entry, int(space.n))
        except BaseException:
            with contextlib.suppress(Exception):  # its own
                self.close()
            raise

    def _begin(self, entry: Entry, actions: int) -> Facts:
        """Begin for the first time; return what the environment says of itself."""
        meanings = _meanings(self._env.unwrapped, actions)
        rate = float(self._env.metadata.get("render_fps") or 60)
        if entry.kind == "ale":  # its metadata says something else
            rate = 60 / _frames(entry.settings.get("frameskip", 4))
        self.reset(None)
        height, width = self.picture().shape[:2]
        return Facts(meanings, actions, (height, width), rate if math.isfinite(rate) else 60.0, self._start)

    def reset(self, seed: int | None) -> None:
        self.begin_match(seed)
        if self._random is not None:
            _idle(self, self._random, seed)

    def begin_match(self, seed: int | None) -> None:
        self._observation, _ = self._env.reset(seed=seed)

    def step(self, action: int) -> tuple[float, bool, int]:
        self._observation, reward, terminated, truncated, info = self._env.step(self._start + action)
        return float(reward), bool(terminated or truncated), _lives(info)

    def picture(self) -> UInt8Array:
        return _checked(self._name, self._env.render() if self._is_drawn else self._observation)

    def close(self) -> None:
        self._env.close()


def _idle(game: _Gymnasium | _Retro, chance: random.Random, seed: int | None) -> None:
    """Make no move for some frames at the beginning of a match that has no chance of its own.

    The likeliest moves would play the same match again and again.
    """
    if seed is not None:
        chance.seed(seed)
    for _ in range(chance.randint(0, MOST_NOOPS)):
        _, has_ended, _ = game.step(0)
        if has_ended:
            game.begin_match(None)


def _opened(shown: str, name: str) -> tuple[Any, bool]:
    """Make an environment; return whether it draws already, since some cannot be made without."""
    try:
        return _made(shown, name), False
    except PongError as problem:
        with contextlib.suppress(PongError):
            return _made(shown, name, render_mode="rgb_array"), True
        raise problem from problem.__cause__


def _meanings(env: Any, actions: int) -> tuple[str, ...]:
    """Return the names of the actions; () if there are none, or those of another number of actions.

    A wrapper may offer other actions than the environment that has the names.
    """
    names = tuple(map(str, getattr(env, "get_action_meanings", tuple)()))
    return names if len(names) == actions else ()


def _lives(info: Any) -> int:
    """Return how many lives are left; 0 where they are not counted."""
    try:
        return int(info.get("lives", 0))
    except (TypeError, ValueError, OverflowError):
        return 0


def _made(shown: str, name: str, **settings: Any) -> Any:
    import gymnasium

    try:
        return gymnasium.make(name, disable_env_checker=True, **settings)
    except Exception as error:  # whatever its own code raises
        raise cannot_be_made(shown, error) from error


def _is_picture(space: Any) -> bool:
    import gymnasium

    return (
        isinstance(space, gymnasium.spaces.Box)
        and space.dtype == np.uint8
        and (len(space.shape) == 2 or (len(space.shape) == 3 and space.shape[2] in (1, 3)))
    )


def _checked(name: str, shown: Any) -> UInt8Array:
    """Return what an environment shows as a picture: (rows, columns) or (rows, columns, 1 or 3).

    Raises:
        PongError: it is none.
    """
    picture = np.asarray(shown)
    is_picture = picture.ndim == 2 or (picture.ndim == 3 and picture.shape[2] in (1, 3, 4))
    if not is_picture or not picture.size or picture.dtype.kind not in "ui":
        raise PongError(
            f"{name} shows no picture but {picture.dtype} of shape {picture.shape}: only whole numbers from "
            "0 to 255, as (rows, columns) or (rows, columns, colours), can be served"
        )
    if picture.dtype != np.uint8:
        picture = np.clip(picture, 0, 255).astype(np.uint8)
    return picture if picture.ndim == 2 else picture[:, :, :3]  # without what is transparent


def _frames(frameskip: Any) -> float:
    """Return the frames in one step, on average where they are drawn at random."""
    return float(frameskip) if isinstance(frameskip, int) else (frameskip[0] + frameskip[1] - 1) / 2


class _Retro:
    """A game of stable-retro: one frame a step, and an action is the buttons that are held."""

    def __init__(self, entry: Entry) -> None:
        import stable_retro

        try:
            self._env = stable_retro.make(
                entry.game, render_mode="rgb_array", use_restricted_actions=stable_retro.Actions.ALL,
                inttype=stable_retro.data.Integrations.ALL,
            )  # fmt: skip
        except Exception as error:  # whatever the emulator raises
            raise cannot_be_made(entry.name, error) from error
        buttons: list[str | None] = self._env.buttons
        self._held: list[UInt8Array] = [np.zeros(len(buttons), np.uint8)]
        names = ["NOOP"]
        for name, held in _combinations(buttons):
            names.append(name)
            self._held.append(np.isin(np.arange(len(buttons)), held).astype(np.uint8))
        self._random = random.Random()
        self.reset(None)
        self.facts = Facts(tuple(names), len(names), self.picture().shape[:2], 60.0)

    def reset(self, seed: int | None) -> None:
        self.begin_match(seed)
        _idle(self, self._random, seed)

    def begin_match(self, seed: int | None) -> None:
        self._picture: UInt8Array = self._env.reset(seed=seed)[0]

    def step(self, action: int) -> tuple[float, bool, int]:
        self._picture, reward, terminated, truncated, info = self._env.step(self._held[action])
        return float(reward), bool(terminated or truncated), _lives(info)

    def picture(self) -> UInt8Array:
        return self._picture

    def close(self) -> None:
        self._env.close()


def _combinations(buttons: list[str | None]) -> list[tuple[str, list[int]]]:
    """Return the buttons one by one, and each direction with each other button: UP, UP+BUTTON."""
    known = [(name, [number]) for number, name in enumerate(buttons) if name and name not in SWITCHES]
    ways = [(name, number) for name, [number] in known if name in WAYS]
    others = [(name, number) for name, [number] in known if name not in WAYS]
    return known + [(f"{way}+{other}", [a, b]) for way, a in ways for other, b in others]
