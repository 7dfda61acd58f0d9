"""Pong as an environment for other libraries. Importing this package registers RemotePong-v0, and for code
that was written for Atari RemotePongNoFrameskip-v0.

    import gymnasium

    env = gymnasium.make("pongrl.envs:RemotePong-v0", local=True, level=1)

gymnasium_env    RemotePong: one game, for Gymnasium. Its docstring explains episodes, seeds and info.
atarilike        PongAsAtariEnv: one game that looks like Atari's Pong, for code written for that
vector_env       RemotePongVector: several games side by side, for Gymnasium
pettingzoo_env   RemotePongParallel: both paddles of one game, for PettingZoo
blocks           BlockObservation: a wrapper that gives small networks something to learn from
sb3              SB3VecEnv: several games, for Stable-Baselines3; HiddenLayer: what its networks share

All of them are built from the same parts: where (the server) < link (its connection) < games (episodes);
screen (what people see); holding (games and screen, given back at the end); spaces; stack (the last frames);
remade (copies).

The other way round, `serve` is a server for other games on the wire of ours:

catalogue   what a name means      presets     what is known of games of Pong
machines    one environment        emulators   several, in processes or in ALE's own vector
lens        its picture, small     arcade      its games, as the server's engine plays them
"""

from __future__ import annotations

import sys

try:
    import gymnasium
except ImportError as error:
    if sys.argv[:1] == ["-m"] and "pongrl.envs.serve" in sys.orig_argv:  # a person has started that program
        sentence = 'pip install "pongrl[atari]", or pip install ale-py gymnasium in a checkout'
        print(f"error: other games need Gymnasium: {sentence}", file=sys.stderr)
        sys.exit(2)
    raise ImportError(
        'RemotePong-v0 needs Gymnasium: pip install "pongrl[envs]", or pip install gymnasium in a checkout'
    ) from error

gymnasium.register(
    "RemotePong-v0",
    entry_point="pongrl.envs.gymnasium_env:RemotePong",
    vector_entry_point="pongrl.envs.vector_env:RemotePongVector",
)
gymnasium.register("RemotePongNoFrameskip-v0", entry_point="pongrl.envs.atarilike:PongAsAtariEnv")
