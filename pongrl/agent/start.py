"""What a run starts with: nothing, a checkpoint to go on from, or a policy to play with."""

from __future__ import annotations

import secrets
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import numpy as np

from pongrl.agent.checkpoints import Checkpoint, damage_explained, load_policy, points_learned
from pongrl.agent.files import BEST, LATEST, prepare_directory
from pongrl.agent.options import RunOptions
from pongrl.agent.pilot import make_learner
from pongrl.agent.player import Decider, Player
from pongrl.agent.policy import RandomGenerator
from pongrl.agent.progress import Progress
from pongrl.errors import CheckpointError, UsageError
from pongrl.wire.identity import identity_for
from pongrl.wire.messages import IDENTITY_BYTES


@dataclass(frozen=True)
class Start:
    """What a run starts with."""

    options: RunOptions
    rng: RandomGenerator
    identity: bytes = field(repr=False)  # by which servers know the agent again
    progress: Progress
    player: Decider | None = None  # None to begin to learn from nothing
    words: str = ""  # for the console, if there is something to say
    level: int | None = None  # that the checkpoint was trained on, if it tells


def start(options: RunOptions) -> Start:
    """Make what these options ask to start with.

    Raises:
        CheckpointError: there is no checkpoint, or it cannot be read.
        UsageError: the checkpoint does not go with an option, or the directory cannot be written into.
    """
    rng = np.random.default_rng(options.seed)
    if options.play:
        path = options.checkpoint(options.play)
        player, words = Player(load_policy(path)), f"playing with {path}, without learning"
        return Start(options, rng, _identity(options), Progress(), player, words)
    begun = _resume(options, rng) if options.resume else Start(options, rng, _identity(options), Progress())
    prepare_directory("--directory", options.directory)
    if options.opponents is not None:
        prepare_directory("--opponents", options.opponents)
    return begun


def _resume(options: RunOptions, rng: RandomGenerator) -> Start:
    """Read the checkpoint to resume from, and the options that it keeps."""
    path = _checkpoint(options)
    chosen = Checkpoint.read(path)
    with damage_explained(path):
        options = _restored(options, chosen.options, path)
        learner = make_learner(chosen.policy, options, rng)
        learner.restore(chosen.learner)
    identity = (options.name and _identity(options)) or chosen.identity or _identity(options)
    words = f"resumed from {path}: {chosen.progress}"
    return Start(options, rng, identity, chosen.progress, learner, words, chosen.level)


def _identity(options: RunOptions) -> bytes:
    """Return what servers know the agent by: kept for its name, or made up if it has none."""
    if options.name:
        return identity_for(options.name, options.directory)
    return secrets.token_bytes(IDENTITY_BYTES)


def _checkpoint(options: RunOptions) -> Path:
    """Find the checkpoint that --resume means: the one named, or the one with more points.

    Where both have as many, the latest one knows more: how the run stood at its end.
    """
    if isinstance(options.resume, str):
        return Path(options.resume)
    paths = [path for name in (LATEST, BEST) if (path := Path(options.directory, name)).exists()]
    if not paths:
        raise CheckpointError(
            f"{options.directory} has no {BEST} or {LATEST} to resume from: train first, or name another file"
        )
    return max(paths, key=points_learned)


def _restored(options: RunOptions, kept: Mapping[str, Any], path: Path) -> RunOptions:
    """Take what a checkpoint kept of the options, except those that were given."""
    if "hiddenUnits" in options.given and options.hiddenUnits != kept["hiddenUnits"]:
        raise UsageError(f"{path} has {kept['hiddenUnits']} hidden units: leave out --hidden-units")
    kept = {"moves": 2} | dict(kept)  # older files had no third one
    if "moves" in options.given and options.moves != kept["moves"]:
        raise UsageError(f"{path} has learned {kept['moves']} moves: leave out --moves")
    names = [name for name in options.KEPT if name not in options.given]
    if not options.local:
        names = [name for name in names if name not in options.KEPT_FOR_OWN_SERVERS]
    if options.env:  # which has no levels; whether the policy fits is seen at its frames
        names = [name for name in names if name != "level"]
    try:
        return replace(options, **{name: kept[name] for name in names})  # checks them too
    except UsageError as error:
        raise ValueError(str(error)) from error
