"""Several games of Pong on one server, side by side. `gymnasium_env` explains observations and infos."""

from __future__ import annotations

import weakref
from typing import Any, Unpack

import numpy as np
import numpy.typing as npt
from gymnasium.error import ResetNeeded
from gymnasium.vector import AutoresetMode, VectorEnv
from gymnasium.vector.utils import batch_space

from pongrl.checks import whole
from pongrl.envs.games import BoolArray, draw_seed
from pongrl.envs.holding import USUAL_FPS, Holding
from pongrl.envs.remade import Remade
from pongrl.envs.screen import RENDER_MODES
from pongrl.envs.spaces import frame_space, move_space, moves_of
from pongrl.envs.stack import ScreenSize, Stack
from pongrl.envs.where import Where, WhereOptions
from pongrl.errors import UsageError
from pongrl.game.moves import STAY
from pongrl.wire.arrays import UInt8Array
from pongrl.wire.messages import MAX_GAMES


class RemotePongVector(Remade, VectorEnv[UInt8Array, Any, npt.NDArray[Any]]):
    """`num_envs` games of Pong on one server. They share every round trip.

    Gymnasium defines three ways to begin the next episode of a game. The games of one server play every
    decision together, so here they mean:
        NEXT_STEP: the next step begins the episode. The other games go on meanwhile, so this game plays that
            decision too, standing still. If all games begin at once, no decision is played.
        SAME_STEP: the step that ends an episode begins the next one, with the same frame. The last
            observation and info are `info["final_obs"]` and `info["final_info"]`. No decision is lost.
        DISABLED: `reset(options={"reset_mask": …})` begins the next episodes. No decision is lost.

    Args:
        num_envs: games; the server must play as many (`--games`).
        autoreset_mode: one of these, or its name in Gymnasium ("NextStep", "SameStep", "Disabled").
        points_per_episode: points of an episode; None means a match.
        render_mode: "rgb_array" for pictures (500, 700, 3), "human" for a window with the first game.
        frame_stack, screen_size: frames in an observation and their size, as for `RemotePong`.
        max_episode_steps: decisions after which an episode is truncated. The game itself goes on, and the
            next episode begins where it is.
        where: as for `RemotePong`.

    Raises:
        PongError: `reset` and `step` raise it; its sentence says what happened and what to do.
    """

    metadata: dict[str, Any] = {  # noqa: RUF012  # as in Gymnasium
        "render_modes": RENDER_MODES,
        "render_fps": USUAL_FPS,
        "autoreset_mode": AutoresetMode.NEXT_STEP,
    }

    def __init__(
        self,
        num_envs: int = 1,
        *,
        autoreset_mode: AutoresetMode | str = AutoresetMode.NEXT_STEP,
        points_per_episode: int | None = None,
        render_mode: str | None = None,
        frame_stack: int = 1,
        screen_size: ScreenSize = None,
        max_episode_steps: int | None = None,
        **where: Unpack[WhereOptions],
    ) -> None:
        whole("num_envs", num_envs, 1, MAX_GAMES)
        if max_episode_steps is not None:
            whole("max_episode_steps", max_episode_steps, 1, 1_000_000_000)
        self._arguments = {
            "num_envs": num_envs, "autoreset_mode": autoreset_mode, "points_per_episode": points_per_episode,
            "render_mode": render_mode, "frame_stack": frame_stack, "screen_size": screen_size,
            "max_episode_steps": max_episode_steps,
        } | where  # fmt: skip
        self.num_envs, self._longest = num_envs, max_episode_steps
        self._stack = Stack(num_envs, frame_stack, screen_size)
        self.single_observation_space = frame_space(self._stack.shape)
        self.single_action_space = move_space()
        self.observation_space = batch_space(self.single_observation_space, num_envs)
        self.action_space = batch_space(self.single_action_space, num_envs)
        self.render_mode = render_mode
        self._mode = _mode_of(autoreset_mode)
        self._holding = Holding(Where(**where), num_envs, points_per_episode, render_mode)
        self._games = self._holding.games
        self.metadata = self.metadata | {
            "autoreset_mode": self._mode, "render_fps": self._holding.render_fps,
        }  # fmt: skip
        self._ended = np.zeros(num_envs, bool)  # games whose next episode has not begun yet
        self._steps = np.zeros(num_envs, np.int64)  # decisions in each episode
        self._actions: Any = None  # of `step_async`
        self._finalizer = weakref.finalize(self, self._holding.let_go)

    @property
    def autoreset_mode(self) -> AutoresetMode:
        """How the next episode of a game begins."""
        return self._mode

    def reset(
        self, *, seed: int | None = None, options: dict[str, Any] | None = None
    ) -> tuple[UInt8Array, dict[str, Any]]:
        """Begin an episode of each game, or of those in `options["reset_mask"]`: (num_envs,) of bool.

        Returns:
            The observations of all games (num_envs, …), and the infos of those that begin.

        Raises:
            UsageError: the mask has another shape or type or is all False, or comes with a seed.
        """
        super().reset(seed=seed)
        self._holding.check(begun=False)
        if options is not None and "reset_mask" in options:
            # The mask stays in the options: wrappers around this environment read it too.
            return self._reset_some(options["reset_mask"], seed)
        games = self._games
        games.catch_up(self._draw_seed)
        if seed is not None or games.session is None or (games.in_lockstep and games.running.any()):
            games.begin(self._draw_seed() if seed is None else seed)
        self._begin(np.ones(self.num_envs, bool))
        self.metadata = self.metadata | {"render_fps": self._holding.render_fps}
        self._holding.show()
        return self._stack.observations(), self._infos()

    def _reset_some(self, mask: Any, seed: int | None) -> tuple[UInt8Array, dict[str, Any]]:
        shape = (self.num_envs,)
        if not isinstance(mask, np.ndarray) or mask.dtype != bool or mask.shape != shape or not mask.any():
            raise UsageError(f"reset_mask must be an array of {self.num_envs} bools, not all of them False")
        if seed is not None:
            raise UsageError("a seed is for all games of a server: leave out seed, or reset_mask")
        self._holding.check()
        self._begin(mask)
        infos: dict[str, Any] = {}
        for game in np.flatnonzero(mask).tolist():
            infos = self._add_info(infos, self._games.info(game), game)
        return self._stack.observations(), infos

    def step_async(self, actions: Any) -> None:
        """Keep the actions (num_envs,) for `step_wait`: the interface of older vector environments."""
        self._actions = actions

    def step_wait(
        self,
    ) -> tuple[UInt8Array, npt.NDArray[np.float64], BoolArray, BoolArray, dict[str, Any]]:
        """Make the moves that `step_async` was given, as `step` does.

        Raises:
            ResetNeeded: it was not called before.
        """
        actions, self._actions = self._actions, None
        if actions is None:
            raise ResetNeeded("step_wait without a step_async before it")
        return self.step(actions)

    def step(
        self, actions: Any
    ) -> tuple[UInt8Array, npt.NDArray[np.float64], BoolArray, BoolArray, dict[str, Any]]:
        """Make a move in each game: (num_envs,).

        Returns:
            Observations (num_envs, …); rewards, terminated and truncated, (num_envs,) each; and infos.

        Raises:
            InvalidAction: an action is not 0, 1 or 2.
            ResetNeeded: `reset` was not called yet, or not for a game that is over.
        """
        self._holding.check()
        moves, begins = moves_of(actions, (self.num_envs,)), self._ended
        if begins.any() and self._mode is AutoresetMode.DISABLED:
            raise ResetNeeded(f"games {np.flatnonzero(begins).tolist()} are over: begin them by reset_mask")
        games, lost = self._games, ""
        if not begins.all():
            lost = games.play([np.where(begins, STAY, moves)], self._draw_seed)
            if not lost:  # else the last picture of an episode stays: a learner wants the value of that
                self._stack.add(games.step.frames)
            self._steps += 1
        if begins.any():
            self._begin(begins)
        self._holding.show()
        terminated = games.over.copy()
        truncated = ~begins if lost else self._are_too_long() & ~terminated
        rewards = games.step.rewards.astype(np.float64)
        self._ended = terminated | truncated
        if self._mode is AutoresetMode.SAME_STEP and self._ended.any():
            infos = self._begin_at_once(lost)
        else:
            infos = self._add_lost(self._infos(), truncated, lost) if lost else self._infos()
        return self._stack.observations(), rewards, terminated, truncated, infos

    def _are_too_long(self) -> BoolArray:
        """Return which episodes have as many decisions as they may: (num_envs,)."""
        if self._longest is None:
            return np.zeros(self.num_envs, bool)
        are_long: BoolArray = self._steps >= self._longest
        return are_long

    def _begin_at_once(self, lost: str) -> dict[str, Any]:
        """Begin the next episodes in the step that ended the last ones, and return its infos."""
        infos: dict[str, Any] = {}
        observations = self._stack.observations()
        for game in np.flatnonzero(self._ended).tolist():
            last = self._games.info(game)
            if lost:
                last["lost"] = lost
            infos = self._add_info(infos, {"final_obs": observations[game], "final_info": last}, game)
        self._begin(self._ended)
        return infos | self._infos()

    def _add_lost(self, infos: dict[str, Any], truncated: BoolArray, lost: str) -> dict[str, Any]:
        for game in np.flatnonzero(truncated).tolist():
            infos = self._add_info(infos, {"lost": lost}, game)
        return infos

    def _begin(self, which: BoolArray) -> None:
        self._games.start_episodes(which)
        self._stack.begin(which, self._games.step.frames)
        self._steps[which] = 0
        self._ended = self._ended & ~which

    def _infos(self) -> dict[str, Any]:
        infos = self._games.infos()
        return infos | {f"_{key}": np.ones(self.num_envs, bool) for key in infos}

    def _draw_seed(self) -> int:
        return draw_seed(self.np_random)

    def render(self) -> tuple[UInt8Array, ...] | None:
        """Draw all courts as people see them: (500, 700, 3) each."""
        return self._holding.render()

    def close_extras(self, **kwargs: Any) -> None:
        """Leave the server, and end it if it is our own."""
        self._finalizer.detach()
        self._holding.close()

    def __del__(self) -> None:
        """Leave closing to the finalizer; older versions of Gymnasium close here too."""


def _mode_of(autoreset: AutoresetMode | str) -> AutoresetMode:
    try:
        return AutoresetMode(autoreset)
    except ValueError as error:
        names = ", ".join(mode.value for mode in AutoresetMode)
        raise UsageError(f"autoreset_mode must be one of {names}, not {autoreset}") from error
