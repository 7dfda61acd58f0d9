"""Checkpoints of opponents, for tests: each makes one kind of move."""

from __future__ import annotations

import os
from pathlib import Path

import numpy as np

from pongrl.agent.checkpoints import Checkpoint, save
from pongrl.agent.policy import Policy
from pongrl.agent.progress import Progress
from pongrl.game.camera import FRAME_HEIGHT, FRAME_WIDTH


def policy_that(stays: bool, height: int = FRAME_HEIGHT, width: int = FRAME_WIDTH) -> Policy:
    """Make a policy that always stays, or never."""
    policy = Policy.random(height, width, 2, np.random.default_rng(1))
    return Policy(height, width, policy.weights | {"d": np.array([1000 if stays else -1000], np.float32)})


def put(directory: Path, name: str, when: int = 0, policy: Policy | None = None) -> Path:
    """Write a checkpoint that is so many seconds old or young."""
    directory.mkdir(exist_ok=True)
    path = directory / f"{name}.p"
    policy = policy_that(stays=True) if policy is None else policy
    save(path, Checkpoint({"hiddenUnits": 2}, Progress(), policy, {}).to_plain())
    os.utime(path, (1_000_000 + when, 1_000_000 + when))
    return path
