"""Our Pong for code that was written for Atari's: RemotePongNoFrameskip-v0 in place of PongNoFrameskip-v4.

    env = gymnasium.make("pongrl.envs:RemotePongNoFrameskip-v0")
    env = FrameStackObservation(AtariPreprocessing(env), 4)  # (4, 84, 84)

| | |
|---|---|
| observation | Box(0, 255, (50, 70, 3), uint8): the frame of `RemotePong`, grey, in three equal colours |
| action | Discrete(6), as Atari's Pong has them: NOOP, FIRE, RIGHT (up), LEFT (down), RIGHTFIRE, LEFTFIRE |
| a decision | one tick of 1/60 s: wrappers for Atari skip frames themselves |
| reward, episode | those of `RemotePong`: −1, 0 or 1, and a match of 21 points |

FIRE does nothing: the ball serves itself. Code for Atari asks the environment without its wrappers for more
than Gymnasium knows: the names of the actions, the frames that it skips, and `ale`. They are here too.
"""

from __future__ import annotations

from typing import Any, Unpack

import numpy as np
from gymnasium import spaces
from gymnasium.error import InvalidAction

from pongrl.envs.gymnasium_env import KEYS, RemotePong
from pongrl.envs.holding import Holding
from pongrl.envs.spaces import frame_space
from pongrl.envs.where import NETWORK, WhereOptions
from pongrl.errors import UsageError
from pongrl.game.camera import FRAME_HEIGHT, FRAME_WIDTH
from pongrl.game.moves import DOWN, STAY, UP
from pongrl.wire.arrays import UInt8Array

MOVES = {"NOOP": STAY, "FIRE": STAY, "RIGHT": UP, "LEFT": DOWN, "RIGHTFIRE": UP, "LEFTFIRE": DOWN}
MEANINGS = tuple(MOVES)
COLOURS = 3


class LikeALE:
    """What wrappers ask of the emulator: its lives and its screen. There is no emulator, and so no RAM."""

    def __init__(self, holding: Holding) -> None:
        self._holding = holding  # and not the environment: it could not be collected

    def lives(self) -> int:
        """Return 0, as the emulator does for Pong: it has no lives."""
        return 0

    def getScreenGrayscale(self, screen_data: UInt8Array | None = None) -> UInt8Array | None:
        """Draw the last frame into an array (50, 70), or return it in a new one.

        Raises:
            ResetNeeded: the games have not begun.
        """
        if screen_data is None:
            return self._frame().copy()
        screen_data[:] = self._frame()
        return None

    def getScreenRGB(self, screen_data: UInt8Array | None = None) -> UInt8Array | None:
        """Draw the last frame into an array (50, 70, 3), or return it in a new one.

        Raises:
            ResetNeeded: the games have not begun.
        """
        if screen_data is None:
            return np.repeat(self._frame()[:, :, None], COLOURS, axis=2)
        screen_data[:] = self._frame()[:, :, None]
        return None

    def _frame(self) -> UInt8Array:
        self._holding.check()
        frame: UInt8Array = self._holding.games.step.frames[0]
        return frame


class PongAsAtariEnv(RemotePong):
    """One game of Pong that looks like ale-py's AtariEnv; the module says how.

    The RL Zoo takes an environment for Atari's by "AtariEnv" in its class's name.

    Args:
        points_per_episode: points of an episode; None means a match.
        render_mode: "rgb_array" for pictures (500, 700, 3), "human" for a window.
        where: as for `RemotePong`, but without an option of the network it starts a server of its own, as
            with local=True. `frameskip` is 1 unless it is given; a server on the network must have the same.

    Raises:
        PongError: `reset` and `step` raise it; its sentence says what happened and what to do.
        UsageError: `frame_stack` or `screen_size` was given: Gymnasium's wrappers for Atari do that here.
    """

    def __init__(
        self,
        *,
        points_per_episode: int | None = None,
        render_mode: str | None = None,
        **where: Unpack[WhereOptions],
    ) -> None:
        for name in ("frame_stack", "screen_size"):
            if name in where:
                raise UsageError(f"{name} is RemotePong's: here the wrappers that Atari's games have do it")
        arguments = {"points_per_episode": points_per_episode, "render_mode": render_mode} | where
        given = where.pop("frameskip", None)
        self._frameskip = 1 if given is None else given  # AtariPreprocessing reads it by this name
        if where.setdefault("local", not where.keys() & NETWORK):
            where["frameskip"] = self._frameskip
        super().__init__(points_per_episode=points_per_episode, render_mode=render_mode, **where)
        self._arguments = arguments
        self.observation_space = frame_space((FRAME_HEIGHT, FRAME_WIDTH, COLOURS))
        self.action_space = spaces.Discrete(len(MEANINGS))
        self.ale = LikeALE(self._holding)

    def get_action_meanings(self) -> list[str]:
        """Return the names of the actions."""
        return list(MEANINGS)

    def get_keys_to_action(self) -> dict[tuple[str | int, ...], int]:
        """Return the keys for `gymnasium.utils.play`: W and S, or the arrows."""
        actions = {UP: MEANINGS.index("RIGHT"), DOWN: MEANINGS.index("LEFT")}
        return {keys: actions[move] for keys, move in KEYS.items()}

    def reset(
        self, *, seed: int | None = None, options: dict[str, Any] | None = None
    ) -> tuple[UInt8Array, dict[str, Any]]:
        """Begin an episode, as `RemotePong` does.

        Returns:
            The first observation, and info.

        Raises:
            UsageError: the server's decisions have another number of ticks.
        """
        frame, info = super().reset(seed=seed, options=options)
        session = self._games.session
        assert session is not None, "`reset` connects"
        if session.frameskip != self._frameskip:
            raise UsageError(
                f"the server's decisions have {session.frameskip} ticks and the environment's "
                f"{self._frameskip}: start it with --frameskip {self._frameskip}, or give "
                f"frameskip={session.frameskip}"
            )
        return coloured(frame), info

    def step(self, action: Any) -> tuple[UInt8Array, float, bool, bool, dict[str, Any]]:
        """Make the move of an action.

        Returns:
            Observation, reward, terminated, truncated and info.

        Raises:
            InvalidAction: the action is not from 0 to 5.
            ResetNeeded: `reset` was not called yet.
        """
        if not self.action_space.contains(action):
            raise InvalidAction(f"there must be one action from 0 to {len(MEANINGS) - 1}, not {action}")
        frame, reward, terminated, truncated, info = super().step(MOVES[MEANINGS[int(action)]])
        return coloured(frame), reward, terminated, truncated, info


def coloured(frame: UInt8Array) -> UInt8Array:
    """Return a grey frame (50, 70) in three equal colours: (50, 70, 3)."""
    return np.repeat(frame[:, :, None], COLOURS, axis=2)
