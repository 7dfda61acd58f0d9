"""Environments: Pong for Gymnasium and PettingZoo. Importing this registers RemotePong-v0.

env = gymnasium.make("pongrl.envs:RemotePong-v0", local=True, level=1)
"""

from __future__ import annotations

try:
    import gymnasium
except ImportError as error:
    raise ImportError("RemotePong-v0 needs Gymnasium: pip install gymnasium") from error

gymnasium.register(
    "RemotePong-v0",
    entry_point="pongrl.envs.gymnasium_env:RemotePong",
    vector_entry_point="pongrl.envs.gymnasium_env:RemotePongVector",
)
