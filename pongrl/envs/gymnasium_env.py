"""Pong for every library that speaks Gymnasium: RemotePong-v0, one game or several side by side.

    import gymnasium

    env = gymnasium.make("pongrl.envs:RemotePong-v0", host="raspberrypi.local")
    env = gymnasium.make("pongrl.envs:RemotePong-v0", local=True, level=1)  # starts a server of its own
    envs = gymnasium.make_vec("pongrl.envs:RemotePong-v0", num_envs=8, local=True)

| | |
|---|---|
| observation | Box(0, 255, (50, 70), uint8): the court without the score; the left paddle is in column 0.
|             | With frame_stack=N the last N frames, the newest last: (N, 50, 70)
|             | With screen_size=84 frames of (84, 84) |
| action | Discrete(3): 0 stays, 1 goes up, 2 goes down |
| reward | points won minus points lost |
| terminated | the match is over, or `points_per_episode` points were played |
| truncated | the connection was lost, and is there again |

The end of an episode. The state that reports a point already shows the next serve, and nothing has moved yet.
So in lockstep the last observation of an episode is also the first one of the next episode. In real time
`reset` plays one decision, standing still, so that the episode begins with the game as it is now. The server
does not send the ball behind a paddle. A learner does not use the value of this last observation, as with any
terminal state.

A lost connection. `step` connects again, however long it takes. Then it returns the last observation once
more, with reward 0 and truncated; `info["lost"]` says why. Rewards of the time between are not reported.

Seeds. With `local=True` the same seed and the same actions give the same observations and rewards; game i of
several has the seed + i. For another seed, `reset` starts the server again, which takes a third of a second.
A server on the network takes no seeds. If it runs in lockstep and was started with --seed, it begins the same
games at every `reset(seed=…)`, whatever the seed. In real time it plays on.

`reset()` in the middle of an episode. A single game in lockstep is played to the end of its episode while our
paddle does not move. Several games all begin again: on a server with --seed the same ones each time, so leave
--seed out to train. In real time, and with `options={"reset_mask": …}`, the new episode begins where the game
is. Rewards between two episodes are not reported.

`info` has the scores (left and right, of the match that goes on: 0 and 0 where one has just ended), matches
(finished) and dropped (states that were not sent because the agent was late). Since the last state, it has:
move (made for most of the time), mover (`netproto.Mover`: 0 the agent, 1 nobody in time, 2 a person at the
server's keyboard, 3 the built-in AI), points, ticks (of 1/60 s) and hits. A server in real time does not wait
for the agent: a step takes until the next state is due.
"""

from __future__ import annotations

import weakref
from typing import Any, Unpack

import gymnasium
import numpy as np

from pongrl.envs.games import draw_seed
from pongrl.envs.holding import USUAL_FPS, Holding
from pongrl.envs.remade import Remade
from pongrl.envs.screen import RENDER_MODES
from pongrl.envs.spaces import frame_space, move_space, moves_of
from pongrl.envs.stack import ScreenSize, Stack
from pongrl.envs.where import Where, WhereOptions
from pongrl.game.moves import DOWN, UP
from pongrl.wire.arrays import UInt8Array

ALL = np.ones(1, bool)  # games of one
ARROW_UP, ARROW_DOWN = 1073741906, 1073741905  # as pygame counts keys; nothing else here needs pygame
KEYS: dict[tuple[str | int, ...], int] = {("w",): UP, (ARROW_UP,): UP, ("s",): DOWN, (ARROW_DOWN,): DOWN}


class RemotePong(Remade, gymnasium.Env[UInt8Array, Any]):
    """One game of Pong on a server; we play the left paddle. The module says what its parts mean.

    The first `reset` connects, and starts the server if it is our own. A server has one place for the left
    paddle, so it refuses a second environment.

    Args:
        points_per_episode: points of an episode; None means a match. With 1, each point is an episode, as
            is usual for learning Pong from pixels.
        render_mode: "rgb_array" for pictures (500, 700, 3), "human" for a window.
        frame_stack: frames in an observation, the newest last; with more than 1 it is (frame_stack, 50, 70).
        screen_size: size that frames are brought to, as by Gymnasium's AtariPreprocessing: a number of
            pixels, or (width, height). None leaves them 70 wide and 50 high.
        where: host, port, token, token_file and ca of a server, or local=True with level, frameskip and
            points_to_win; see `Where`. The environment's spec keeps a token that is given here, and is easily
            printed: prefer PONG_TOKEN or token_file.

    Raises:
        PongError: `reset` and `step` raise it; its sentence says what happened and what to do.
    """

    metadata: dict[str, Any] = {"render_modes": RENDER_MODES, "render_fps": USUAL_FPS}  # noqa: RUF012

    def __init__(
        self,
        *,
        points_per_episode: int | None = None,
        render_mode: str | None = None,
        frame_stack: int = 1,
        screen_size: ScreenSize = None,
        **where: Unpack[WhereOptions],
    ) -> None:
        self._arguments = {
            "points_per_episode": points_per_episode, "render_mode": render_mode, "frame_stack": frame_stack,
            "screen_size": screen_size,
        } | where  # fmt: skip
        self._stack = Stack(1, frame_stack, screen_size)
        self.observation_space = frame_space(self._stack.shape)
        self.action_space = move_space()
        self.render_mode = render_mode
        self._holding = Holding(Where(**where), 1, points_per_episode, render_mode)
        self._games = self._holding.games
        self.metadata = self.metadata | {"render_fps": self._holding.render_fps}
        self._finalizer = weakref.finalize(self, self._holding.let_go)

    def reset(
        self, *, seed: int | None = None, options: dict[str, Any] | None = None
    ) -> tuple[UInt8Array, dict[str, Any]]:
        """Begin an episode. There are no `options`.

        Returns:
            The first observation, and info.
        """
        super().reset(seed=seed)
        self._holding.check(begun=False)
        self._games.begin_single(seed, self._draw_seed)
        self.metadata = self.metadata | {"render_fps": self._holding.render_fps}
        self._holding.show()
        self._stack.begin(ALL, self._games.step.frames)
        return self._stack.observations()[0], self._games.info(0)

    def _draw_seed(self) -> int:
        return draw_seed(self.np_random)

    def step(self, action: Any) -> tuple[UInt8Array, float, bool, bool, dict[str, Any]]:
        """Make a move.

        Returns:
            Observation, reward, terminated, truncated and info.

        Raises:
            InvalidAction: the action is not 0, 1 or 2.
            ResetNeeded: `reset` was not called yet.
        """
        self._holding.check()
        games = self._games
        lost = games.play([moves_of(action, ())[None]], self._draw_seed)
        self._holding.show()
        info = games.info(0)
        if lost:
            info["lost"] = lost
        if not lost:  # else the last picture of the episode stays: a learner wants the value of that
            self._stack.add(games.step.frames)
        reward = float(games.step.rewards[0])
        return self._stack.observations()[0], reward, bool(games.over[0]), bool(lost), info

    def get_keys_to_action(self) -> dict[tuple[str | int, ...], int]:
        """Return the keys for `gymnasium.utils.play`: W and S, or the arrows."""
        return dict(KEYS)

    def render(self) -> UInt8Array | None:
        """Draw the court as people see it: (500, 700, 3). `step` and `reset` draw the window."""
        pictures = self._holding.render()
        return None if pictures is None else pictures[0]

    def close(self) -> None:
        """Leave the server, and end it if it is our own. A second call does nothing."""
        self._finalizer.detach()
        self._holding.close()
