"""Pong for everything that speaks PettingZoo: both paddles of one game, as a ParallelEnv.

    from pongrl.envs.pettingzoo_env import RemotePongParallel

    env = RemotePongParallel(host="raspberrypi.local")
    env = RemotePongParallel(local=True, points_per_episode=1)  # a server of its own

| | |
|---|---|
| agents | "left" and "right" |
| observation | Box(0, 255, (50, 70), uint8): the court without score; the agent's own paddle in column 0 |
| action | Discrete(3): 0 stays, 1 goes up, 2 goes down |
| reward | points won less points lost: one agent's are the other's, negated |
| terminated | the match is over; with `points_per_episode=N` so many points were played; for both at once |
| truncated | a connection was lost, and both are there again; for both at once |

The right agent sees the court in a mirror, so one policy plays on either side. What `gymnasium_env` says of
`info`, episodes, lost connections, seeds and `reset` holds here too, for each agent; `scores` are
its own and the other's. A server on the network must have both paddles free.

On a server in real time the two may be sent states a decision apart: observations and infos are what each was
sent last, rewards and the end of the episode what the left one was.
"""

from __future__ import annotations

import weakref
from typing import Any, TypeAlias

import numpy as np
from gymnasium import spaces
from gymnasium.error import InvalidAction, ResetNeeded
from gymnasium.utils.seeding import np_random

from pongrl.envs.gymnasium_env import (
    FRAMES_PER_SECOND,
    LARGEST_DRAWN_SEED,
    RENDER_MODES,
    Holding,
    moves_of,
    wants_pictures,
)
from pongrl.envs.remote import DOWN, HEIGHT, WIDTH, Both, Where, told
from pongrl.errors import UsageError
from pongrl.wire.arrays import UInt8Array

try:
    from pettingzoo import ParallelEnv
except ImportError as error:
    raise ImportError("RemotePongParallel needs PettingZoo: pip install pettingzoo") from error


AGENTS = ["left", "right"]
Infos: TypeAlias = dict[str, dict[str, Any]]


class RemotePongParallel(ParallelEnv[str, UInt8Array, Any]):
    """One game of Pong on a server, with us at both paddles. See the module for what it means.

    Nothing is connected or started before the first `reset`.

    Args:
        points_per_episode: an episode's points; None is a match, 1 what many learn Pong from pixels with.
        render_mode: "rgb_array" for pictures (500, 700, 3), "human" for a window.
        where: host, port, token, token_file and ca of a server, or local=True with frameskip and
            points_to_win (see `Where`).

    Raises:
        PongError: from `reset` and `step`, a sentence that says what to do: no server there, wrong token, ….
    """

    metadata: dict[str, Any] = {  # noqa: RUF012  # PettingZoo's own way
        "name": "remote_pong_v0",
        "render_modes": RENDER_MODES,
        "render_fps": FRAMES_PER_SECOND,
        "is_parallelizable": True,
    }

    def __init__(
        self, *, points_per_episode: int | None = None, render_mode: str | None = None, **where: Any
    ) -> None:
        there = Where(**where)
        if there.level is not None:
            raise UsageError("level is the built-in AI's, which has neither paddle here: leave it out")
        self.possible_agents = AGENTS.copy()
        self.agents: list[str] = []
        self.observation_spaces = {agent: spaces.Box(0, 255, (HEIGHT, WIDTH), np.uint8) for agent in AGENTS}
        self.action_spaces = {agent: spaces.Discrete(DOWN + 1) for agent in AGENTS}
        self.render_mode = render_mode
        self._random = np_random()[0]
        self._games = Both(there, points_per_episode)
        self._holding = Holding(self._games, render_mode)
        self._let_go = weakref.finalize(self, self._holding.let_go)

    def observation_space(self, agent: str) -> spaces.Space[UInt8Array]:
        """Give an agent's observations: the same space every time."""
        return self.observation_spaces[agent]

    def action_space(self, agent: str) -> spaces.Space[Any]:
        """Give an agent's actions: the same space every time."""
        return self.action_spaces[agent]

    def reset(
        self, seed: int | None = None, options: dict[str, Any] | None = None
    ) -> tuple[dict[str, UInt8Array], Infos]:
        """Begin an episode: the first observations (50, 70), and infos. `options` has none."""
        if seed is not None:
            self._random = np_random(seed)[0]
        self._holding.check(begun=False)
        games = self._games
        if seed is not None or games.link.session is None:
            games.begin(self._draw_seed() if seed is None else seed)
        games.finish_episode(self._draw_seed)
        games.start_episodes(np.ones(1, bool))
        self.metadata = self.metadata | {"render_fps": self._holding.frames_per_second}
        self.agents = self.possible_agents.copy()
        self._holding.show()
        return self._observations(), self._infos()

    def _draw_seed(self) -> int:
        return int(self._random.integers(LARGEST_DRAWN_SEED))

    def step(
        self, actions: dict[str, Any]
    ) -> tuple[dict[str, UInt8Array], dict[str, float], dict[str, bool], dict[str, bool], Infos]:
        """Make both moves: observations (50, 70), rewards, terminations, truncations, infos.

        Raises:
            InvalidAction: they are not one of 0, 1 and 2 of each agent.
            ResetNeeded: nothing was begun yet, or the episode is over.
        """
        self._holding.check()
        if not self.agents:
            if actions:
                raise ResetNeeded("the episode is over: call reset()")
            return {}, {}, {}, {}, {}
        if actions.keys() != set(AGENTS):
            raise InvalidAction(f"there must be an action of each agent, left and right, not {actions}")
        moves = np.array([moves_of(actions[agent], ()) for agent in AGENTS])
        games = self._games
        lost = games.play(moves, self._draw_seed)
        self._holding.show()
        reward, terminated = float(games.step.rewards[0]), bool(games.over[0])
        if terminated or lost:
            self.agents = []
        infos = self._infos()
        for info in infos.values():
            info |= {"lost": lost} if lost else {}
        ends = dict.fromkeys(AGENTS, terminated), dict.fromkeys(AGENTS, bool(lost))
        return self._observations(), {"left": reward, "right": 0.0 - reward}, *ends, infos

    def _observations(self) -> dict[str, UInt8Array]:
        steps = self._games.step, self._games.right_step
        return {agent: step.frames[0].copy() for agent, step in zip(AGENTS, steps, strict=True)}

    def _infos(self) -> Infos:
        steps = self._games.step, self._games.right_step
        return {agent: told(step, 0) for agent, step in zip(AGENTS, steps, strict=True)}

    def render(self) -> UInt8Array | None:
        """Draw the court as people see it: (500, 700, 3). A window is drawn by `step` and `reset` instead."""
        return self._holding.pictures()[0] if wants_pictures(self.render_mode) else None

    def close(self) -> None:
        """Leave the server, and end it if it is our own; calling it again does nothing."""
        self._let_go()
