"""Pong for everything that speaks Gymnasium: RemotePong-v0, one game or several side by side.

    import gymnasium

    env = gymnasium.make("pongrl.envs:RemotePong-v0", host="raspberrypi.local")
    env = gymnasium.make("pongrl.envs:RemotePong-v0", local=True, level=1)  # a server of its own
    envs = gymnasium.make_vec("pongrl.envs:RemotePong-v0", num_envs=8, local=True)

| | |
|---|---|
| observation | Box(0, 255, (50, 70), uint8): the court without score; left paddle in column 0 |
| action | Discrete(3): 0 stays, 1 goes up, 2 goes down |
| reward | points won less points lost |
| terminated | the match is over; with `points_per_episode=N` so many points were played |
| truncated | the connection was lost, and is there again |

An episode's end. The state that tells of a point already shows the next serve, in which nothing has moved
yet. So an episode's last observation is the first one of the next episode, and not the ball behind a
paddle: the server does not send that. Its value is nobody's, as a terminal state's always is.

A lost connection. `step` connects again, however long it takes, and then gives the new connection's first
state with reward 0 and truncated; `info["lost"]` says why. What was played meanwhile is nobody's.

Seeds. With `local=True` the same seed and the same actions give the same observations and rewards; game i of
several has the seed + i. For another seed `reset` starts the server anew, which takes a third of a second.
A server on the network does not take seeds: `reset(seed=…)` is reproducible only if it is a lockstep server
that was started with --seed, which then begins the same games whatever the seed. In real time it plays on.

`reset()` in the middle of an episode. A single game in lockstep is played to the episode's end, standing
still. Several games are begun anew, all of them; with `options={"reset_mask": …}`, and in real time, the new
episode begins where the game is. Rewards between two episodes are nobody's.

`info`: scores (left and right, of the match), matches (finished), dropped (states, because the agent was
late), and since the last state: move (made for most of the time), mover (`netproto.Mover`: 0 the agent, 1
nobody in time, 2 a person at the server's keyboard, 3 the built-in AI), points, ticks (of 1/60 s) and hits.
A server in real time does not wait for an agent: a step takes until its next state is due.
"""

from __future__ import annotations

import os
import threading
import weakref
from typing import Any

import gymnasium
import numpy as np
import numpy.typing as npt
from gymnasium import spaces
from gymnasium.error import ClosedEnvironmentError, InvalidAction, ResetNeeded
from gymnasium.vector import AutoresetMode, VectorEnv
from gymnasium.vector.utils import batch_space

from pongrl.checks import whole
from pongrl.envs.remote import DOWN, HEIGHT, STAY, WIDTH, BoolArray, Games, Int64Array, Where
from pongrl.errors import UsageError
from pongrl.wire.arrays import UInt8Array
from pongrl.wire.messages import MAX_GAMES

RENDER_MODES = ["rgb_array", "human"]
FRAMES_PER_SECOND = 60 / 8  # decisions per second of game time, at the usual 8 ticks of 1/60 s
LARGEST_DRAWN_SEED = 1 << 62


class Holding:
    """What an environment holds and must give back: the games' connection, and a window."""

    def __init__(self, games: Games, render_mode: str | None) -> None:
        if render_mode is not None and render_mode not in RENDER_MODES:
            raise UsageError(f"render_mode must be one of {', '.join(RENDER_MODES)}, not {render_mode}")
        self.games = games
        self.render_mode = render_mode
        self._window: Any = None
        self._closed = False
        self._process = os.getpid()

    @property
    def frames_per_second(self) -> float:
        """Decisions per second of game time."""
        session = self.games.link.session
        return FRAMES_PER_SECOND if session is None else session.ticks_per_second / session.frameskip

    def pictures(self) -> tuple[UInt8Array, ...]:
        """All games as people see them: (500, 700, 3) each.

        Raises:
            ResetNeeded: nothing was begun yet.
        """
        from pongrl.ui.court_window import picture  # here: pygame is loaded only where something is drawn

        self.check()
        step = self.games.step
        return tuple(picture(frame, scores) for frame, scores in zip(step.frames, step.scores, strict=True))

    def show(self) -> None:
        """Show the first game in the window, if one is wanted, in lockstep at the pace of real time."""
        if self.render_mode != "human":
            return
        if self._window is None:
            from pongrl.ui.court_window import CourtWindow

            self._window = CourtWindow("Pong")
            self.games.link.wait = self._window.wait
        session, step = self.games.link.session, self.games.step
        if session is not None and session.lockstep:
            self._window.pace(1 / self.frames_per_second)
        self._window.show(step.frames[0], step.scores[0])

    def check(self, begun: bool = True) -> None:
        """Check that the environment is in use.

        Raises:
            ClosedEnvironmentError: it was closed.
            ResetNeeded: nothing was `begun` yet.
        """
        if self._closed:
            raise ClosedEnvironmentError("this environment was closed: make another one")
        if begun and self.games.link.step is None:
            raise ResetNeeded("nothing was begun yet: call reset() first")

    def close(self) -> None:
        """Give all back; calling it again does nothing."""
        self._closed = True
        self.games.link.close()
        if self._window is not None:
            self._window.close()

    def let_go(self) -> None:
        """`close` for an environment that was closed or collected, wherever that happens."""
        if os.getpid() != self._process:
            return  # a copy that a fork has made: what it holds is its parent's
        if threading.current_thread().name == "heartbeat":
            # The collector runs in any thread; that of a connection cannot wait for its own end.
            threading.Thread(target=self.close, name="close").start()
        else:
            self.close()


class RemotePong(gymnasium.Env[UInt8Array, Any]):
    """One game of Pong on a server, with us at the left paddle. See the module for what it means.

    Nothing is connected or started before the first `reset`. A server has one place: a second environment
    on it is refused.

    Args:
        points_per_episode: an episode's points; None is a match, 1 what many learn Pong from pixels with.
        render_mode: "rgb_array" for pictures (500, 700, 3), "human" for a window.
        where: host, port, token, token_file and ca of a server, or local=True with level, frameskip and
            points_to_win (see `Where`). A token given here is kept in the environment's spec, which is
            printed easily: PONG_TOKEN and token_file are not.

    Raises:
        PongError: from `reset` and `step`, a sentence that says what to do: no server there, wrong token, ….
    """

    metadata: dict[str, Any] = {"render_modes": RENDER_MODES, "render_fps": FRAMES_PER_SECOND}  # noqa: RUF012

    def __init__(
        self, *, points_per_episode: int | None = None, render_mode: str | None = None, **where: Any
    ) -> None:
        self.observation_space = spaces.Box(0, 255, (HEIGHT, WIDTH), np.uint8)
        self.action_space = spaces.Discrete(DOWN + 1)
        self.render_mode = render_mode
        self._games = Games(Where(**where), 1, points_per_episode)
        self._holding = Holding(self._games, render_mode)
        self._let_go = weakref.finalize(self, self._holding.let_go)

    def reset(
        self, *, seed: int | None = None, options: dict[str, Any] | None = None
    ) -> tuple[UInt8Array, dict[str, Any]]:
        """Begin an episode: its first observation (50, 70), and info. `options` has none."""
        super().reset(seed=seed)
        self._holding.check(begun=False)
        games = self._games
        if seed is not None or games.link.session is None:
            games.begin(self._draw_seed() if seed is None else seed)
        games.finish_episode(self._draw_seed)
        games.start_episodes(np.ones(1, bool))
        self.metadata = self.metadata | {"render_fps": self._holding.frames_per_second}
        self._holding.show()
        return games.step.frames[0].copy(), games.told(0)

    def _draw_seed(self) -> int:
        return int(self.np_random.integers(LARGEST_DRAWN_SEED))

    def step(self, action: Any) -> tuple[UInt8Array, float, bool, bool, dict[str, Any]]:
        """Make a move: observation (50, 70), reward, terminated, truncated, info.

        Raises:
            InvalidAction: it is none of 0, 1 and 2.
            ResetNeeded: nothing was begun yet.
        """
        games = self._games
        self._holding.check()
        lost = games.play(moves_of(action, ())[None], self._draw_seed)
        self._holding.show()
        step = games.step
        info = games.told(0) | ({"lost": lost} if lost else {})
        return step.frames[0].copy(), float(step.rewards[0]), bool(games.over[0]), bool(lost), info

    def render(self) -> UInt8Array | None:
        """Draw the court as people see it: (500, 700, 3). A window is drawn by `step` and `reset` instead."""
        return self._holding.pictures()[0] if wants_pictures(self.render_mode) else None

    def close(self) -> None:
        """Leave the server, and end it if it is our own; calling it again does nothing."""
        self._let_go()


class RemotePongVector(VectorEnv[UInt8Array, Any, npt.NDArray[Any]]):
    """`num_envs` games of Pong on one server, which share every round trip. See the module.

    Autoreset, as Gymnasium defines it; the server's games cannot wait for one another:
        NEXT_STEP: while a game begins its next episode the others go on, so it plays that one decision,
            standing still. If all begin at once, none is played.
        SAME_STEP: the last observation and info are `info["final_obs"]` and `info["final_info"]`, and the
            next episode begins with the same frame. No decision is lost.
        DISABLED: `reset(options={"reset_mask": …})` begins the next episodes; no decision is lost.

    Args:
        num_envs: games; the server must play as many (`--games`).
        autoreset_mode: one of these, or its name in Gymnasium ("NextStep", "SameStep", "Disabled").
        points_per_episode, render_mode, where: as `RemotePong` has them. A window shows the first game.

    Raises:
        PongError, InvalidAction, ResetNeeded: as `RemotePong` does.
    """

    metadata: dict[str, Any] = {  # noqa: RUF012  # Gymnasium's own way
        "render_modes": RENDER_MODES,
        "render_fps": FRAMES_PER_SECOND,
        "autoreset_mode": AutoresetMode.NEXT_STEP,
    }

    def __init__(
        self,
        num_envs: int = 1,
        *,
        autoreset_mode: AutoresetMode | str = AutoresetMode.NEXT_STEP,
        points_per_episode: int | None = None,
        render_mode: str | None = None,
        **where: Any,
    ) -> None:
        whole("num_envs", num_envs, 1, MAX_GAMES)
        self.num_envs = num_envs
        self.single_observation_space = spaces.Box(0, 255, (HEIGHT, WIDTH), np.uint8)
        self.single_action_space = spaces.Discrete(DOWN + 1)
        self.observation_space = batch_space(self.single_observation_space, num_envs)
        self.action_space = batch_space(self.single_action_space, num_envs)
        self.render_mode = render_mode
        self._mode = AutoresetMode(autoreset_mode)
        self.metadata = self.metadata | {"autoreset_mode": self._mode}
        self._games = Games(Where(**where), num_envs, points_per_episode)
        self._ended = np.zeros(num_envs, bool)  # games whose next episode has not begun yet
        self._holding = Holding(self._games, render_mode)
        self._let_go = weakref.finalize(self, self._holding.let_go)

    def reset(
        self, *, seed: int | None = None, options: dict[str, Any] | None = None
    ) -> tuple[UInt8Array, dict[str, Any]]:
        """Begin an episode of each game, or of those in `options["reset_mask"]`: (num_envs,) of bool.

        Returns:
            The observations of all games (num_envs, 50, 70), and the info of those that begin.

        Raises:
            UsageError: a mask that is none, or with a seed, which only all games can have.
        """
        super().reset(seed=seed)
        self._holding.check(begun=False)
        if options is not None and "reset_mask" in options:
            # The mask stays in the options: wrappers around this one want to read it too.
            return self._reset_some(options["reset_mask"], seed)
        games = self._games
        if seed is not None or games.link.session is None or (games.running.any() and self._is_lockstep):
            games.begin(self._draw_seed() if seed is None else seed)
        self._begin(np.ones(self.num_envs, bool))
        self.metadata = self.metadata | {"render_fps": self._holding.frames_per_second}
        self._holding.show()
        return games.step.frames.copy(), self._infos()

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
            infos = self._add_info(infos, self._games.told(game), game)
        return self._games.step.frames.copy(), infos

    def step(
        self, actions: Any
    ) -> tuple[UInt8Array, npt.NDArray[np.float64], BoolArray, BoolArray, dict[str, Any]]:
        """Make a move in each game (num_envs,): observations, rewards, terminated, truncated, infos.

        Raises:
            InvalidAction: one is none of 0, 1 and 2.
            ResetNeeded: nothing was begun yet, or a game is over and its next episode was not begun.
        """
        self._holding.check()
        games, begins = self._games, self._ended
        moves = np.where(begins, STAY, moves_of(actions, (self.num_envs,)))
        if begins.any() and self._mode is AutoresetMode.DISABLED:
            raise ResetNeeded(f"games {np.flatnonzero(begins).tolist()} are over: begin them by reset_mask")
        lost = "" if begins.all() else games.play(moves, self._draw_seed)
        if begins.any():
            self._begin(begins)
        self._holding.show()
        step, terminated = games.step, games.over.copy()
        truncated = ~begins if lost else np.zeros(self.num_envs, bool)
        frames, rewards, infos = step.frames.copy(), step.rewards.astype(np.float64), self._infos()
        self._ended = terminated | truncated
        if lost:
            for game in np.flatnonzero(truncated).tolist():
                infos = self._add_info(infos, {"lost": lost}, game)
        if self._mode is AutoresetMode.SAME_STEP and self._ended.any():
            infos = self._autoreset_now(frames, lost)
        return frames, rewards, terminated, truncated, infos

    def _autoreset_now(self, frames: UInt8Array, lost: str) -> dict[str, Any]:
        """Begin the next episodes in the very step that ended the last ones: its infos."""
        infos: dict[str, Any] = {}
        for game in np.flatnonzero(self._ended).tolist():
            last = self._games.told(game) | ({"lost": lost} if lost else {})
            infos = self._add_info(infos, {"final_obs": frames[game].copy(), "final_info": last}, game)
        self._begin(self._ended)
        return infos | self._infos()

    def _begin(self, which: BoolArray) -> None:
        self._games.start_episodes(which)
        self._ended = self._ended & ~which

    def _infos(self) -> dict[str, Any]:
        told = self._games.all_told()
        return told | {f"_{key}": np.ones(self.num_envs, bool) for key in told}

    @property
    def _is_lockstep(self) -> bool:
        session = self._games.link.session
        return session is not None and session.lockstep

    def _draw_seed(self) -> int:
        return int(self.np_random.integers(LARGEST_DRAWN_SEED))

    def render(self) -> tuple[UInt8Array, ...] | None:
        """Draw all courts as people see them: (500, 700, 3) each."""
        return self._holding.pictures() if wants_pictures(self.render_mode) else None

    def close_extras(self, **kwargs: Any) -> None:
        """Leave the server, and end it if it is our own."""
        self._let_go()


def moves_of(actions: Any, shape: tuple[int, ...]) -> Int64Array:
    """Read one action, or one of each game, as an array of this shape.

    Raises:
        InvalidAction: they are none.
    """
    moves = np.asarray(actions)
    if moves.shape != shape or moves.dtype.kind not in "iu" or not ((moves >= STAY) & (moves <= DOWN)).all():
        count = "one action" if shape == () else f"{shape[0]} actions"
        raise InvalidAction(f"there must be {count} of 0 (stay), 1 (up) and 2 (down), not {actions}")
    return moves.astype(np.int64)


def wants_pictures(render_mode: str | None) -> bool:
    """Whether `render` has something to give; without a render_mode it says so, as Gymnasium's own do."""
    if render_mode is None:
        gymnasium.logger.warn('nothing is rendered: make the environment with render_mode="rgb_array"')
    return render_mode == "rgb_array"
