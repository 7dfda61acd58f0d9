"""Pong for every library that speaks PettingZoo: both paddles of one game, as a ParallelEnv.

    from pongrl.envs.pettingzoo_env import RemotePongParallel

    env = RemotePongParallel(host="raspberrypi.local")
    env = RemotePongParallel(local=True, points_per_episode=1)  # starts a server of its own

    from pongrl.envs import pettingzoo_env

    env = pettingzoo_env.parallel_env(local=True)  # the same, by the names that PettingZoo's modules have
    env = pettingzoo_env.env(local=True)  # the agents move one after the other (AEC)

| | |
|---|---|
| agents | "left" and "right" |
| observation | Box(0, 255, (50, 70), uint8): the court without the score; its own paddle is in column 0 |
| action | Discrete(3): 0 stays, 1 goes up, 2 goes down |
| reward | points won minus points lost: the left agent's reward is the right one's, negated |
| terminated | the match is over, or `points_per_episode` points were played; for both at once |
| truncated | a connection was lost, and both are there again; for both at once |

The right agent sees the court in a mirror, so one policy can play either side. What `gymnasium_env` says of
`info`, episodes, lost connections, seeds and `reset` holds here too, for each agent; `scores` are its own and
the other's. A server on the network must have both paddles free.

A server in real time may send the two agents states that are a decision apart. Observations and infos are
what each agent was sent last. Rewards and the end of an episode are those of the left agent.
"""

from __future__ import annotations

import weakref
from typing import Any, TypeAlias, Unpack

from gymnasium import spaces
from gymnasium.error import InvalidAction, ResetNeeded
from gymnasium.utils.seeding import np_random

from pongrl.checks import whole
from pongrl.envs.games import draw_seed, info_of
from pongrl.envs.holding import USUAL_FPS, Holding
from pongrl.envs.remade import Remade
from pongrl.envs.screen import RENDER_MODES
from pongrl.envs.spaces import frame_space, move_space, moves_of
from pongrl.envs.where import Where, WhereOptions
from pongrl.errors import UsageError
from pongrl.wire.arrays import UInt8Array
from pongrl.wire.messages import Role

try:
    from pettingzoo import AECEnv, ParallelEnv
    from pettingzoo.utils import parallel_to_aec
except ImportError as error:
    raise ImportError(
        'RemotePongParallel needs PettingZoo: pip install "pongrl[envs]", '
        "or pip install pettingzoo in a checkout"
    ) from error

AGENTS = ["left", "right"]
Infos: TypeAlias = dict[str, dict[str, Any]]


class RemotePongParallel(Remade, ParallelEnv[str, UInt8Array, Any]):
    """One game of Pong on a server; we play both paddles. The module says what its parts mean.

    The first `reset` connects, and starts the server if it is our own.

    Args:
        points_per_episode: points of an episode; None means a match.
        render_mode: "rgb_array" for pictures (500, 700, 3), "human" for a window.
        max_cycles: decisions after which an episode is truncated. In lockstep `reset` then plays it to its
            end, both paddles standing still; give points_per_episode to make that short.
        where: host, port, token, token_file and ca of a server, or local=True with frameskip and
            points_to_win; see `Where`.

    Raises:
        PongError: `reset` and `step` raise it; its sentence says what happened and what to do.
    """

    metadata: dict[str, Any] = {  # noqa: RUF012  # as in PettingZoo
        "name": "remote_pong_v0",
        "render_modes": RENDER_MODES,
        "render_fps": USUAL_FPS,
        "is_parallelizable": True,
    }

    def __init__(
        self,
        *,
        points_per_episode: int | None = None,
        render_mode: str | None = None,
        max_cycles: int | None = None,
        **where: Unpack[WhereOptions],
    ) -> None:
        self._arguments = {
            "points_per_episode": points_per_episode, "render_mode": render_mode, "max_cycles": max_cycles,
        } | where  # fmt: skip
        if max_cycles is not None:
            whole("max_cycles", max_cycles, 1, 1_000_000_000)
        self._longest, self._cycles = max_cycles, 0
        server = Where(**where)
        if server.level is not None:
            raise UsageError("level is the built-in AI's, which has neither paddle here: leave it out")
        self.possible_agents = AGENTS.copy()
        self.agents: list[str] = []
        self.observation_spaces = {agent: frame_space() for agent in AGENTS}
        self.action_spaces = {agent: move_space() for agent in AGENTS}
        self.render_mode = render_mode
        self._random = np_random()[0]
        self._holding = Holding(server, 1, points_per_episode, render_mode, (Role.LEFT, Role.RIGHT))
        self._games = self._holding.games
        self.metadata = self.metadata | {"render_fps": self._holding.render_fps}
        self._finalizer = weakref.finalize(self, self._holding.let_go)

    def observation_space(self, agent: str) -> spaces.Space[UInt8Array]:
        """Return the space of an agent's observations: the same object every time."""
        return self.observation_spaces[agent]

    def action_space(self, agent: str) -> spaces.Space[Any]:
        """Return the space of an agent's actions: the same object every time."""
        return self.action_spaces[agent]

    def reset(
        self, seed: int | None = None, options: dict[str, Any] | None = None
    ) -> tuple[dict[str, UInt8Array], Infos]:
        """Begin an episode. There are no `options`.

        Returns:
            The first observations (50, 70), and infos.
        """
        if seed is not None:
            self._random = np_random(seed)[0]
        self._holding.check(begun=False)
        self._games.begin_single(seed, self._draw_seed)
        self.metadata = self.metadata | {"render_fps": self._holding.render_fps}
        self._cycles = 0
        self.agents = self.possible_agents.copy()
        self._holding.show()
        return self._observations(), self._infos()

    def _draw_seed(self) -> int:
        return draw_seed(self._random)

    def step(
        self, actions: dict[str, Any]
    ) -> tuple[dict[str, UInt8Array], dict[str, float], dict[str, bool], dict[str, bool], Infos]:
        """Make both moves.

        Returns:
            Observations (50, 70), rewards, terminations, truncations and infos, each by agent.

        Raises:
            InvalidAction: an agent's action is missing, or is not 0, 1 or 2.
            ResetNeeded: `reset` was not called yet, or the episode is over.
        """
        self._holding.check()
        if not self.agents:
            if actions:
                raise ResetNeeded("the episode is over: call reset()")
            return {}, {}, {}, {}, {}
        if actions.keys() != set(AGENTS):
            raise InvalidAction(f"there must be an action of each agent, left and right, not {actions}")
        moves = [moves_of(actions[agent], ())[None] for agent in AGENTS]
        games, last = self._games, self._observations()
        lost = games.play(moves, self._draw_seed)
        self._holding.show()
        self._cycles += 1
        reward, terminated = float(games.step.rewards[0]), bool(games.over[0])
        truncated = bool(lost) or (self._cycles == self._longest and not terminated)
        if terminated or truncated:
            self.agents = []
        infos = self._infos()
        if lost:
            for info in infos.values():
                info["lost"] = lost
        ends = dict.fromkeys(AGENTS, terminated), dict.fromkeys(AGENTS, truncated)
        seen = last if lost else self._observations()  # the episode's last picture has a value
        return seen, {"left": reward, "right": 0.0 - reward}, *ends, infos

    def _observations(self) -> dict[str, UInt8Array]:
        return {agent: step.frames[0].copy() for agent, step in zip(AGENTS, self._games.steps, strict=True)}

    def _infos(self) -> Infos:
        return {agent: info_of(step, 0) for agent, step in zip(AGENTS, self._games.steps, strict=True)}

    def render(self) -> UInt8Array | None:
        """Draw the court as people see it: (500, 700, 3). `step` and `reset` draw the window."""
        pictures = self._holding.render()
        return None if pictures is None else pictures[0]

    def close(self) -> None:
        """Leave the server, and end it if it is our own. A second call does nothing."""
        self._finalizer.detach()
        self._holding.close()


def parallel_env(**arguments: Any) -> RemotePongParallel:
    """Make the environment in which both agents move at once; the arguments are the class's."""
    return RemotePongParallel(**arguments)


def env(**arguments: Any) -> AECEnv[str, UInt8Array, Any]:
    """Make the environment in which the agents move one after the other; the arguments are the class's."""
    made: AECEnv[str, UInt8Array, Any] = parallel_to_aec(parallel_env(**arguments))
    return made
