"""The policy gradient for Pong as it is commonly published, in plain numpy, written here to compare with.

Source of the method: Karpathy, Deep Reinforcement Learning: Pong from Pixels, 2016. One game is played. Each
second pixel of the court is 1 where it is not background. x is the difference between two such pictures.

    h = relu(W1 x)                     W1 (200, 6400)
    p = 1 / (1 + exp(−w2 · h))         w2 (200,); p is the probability of up, 1 − p that of down

A move is told by y, 1 if it was up, else 0. A_t is the discounted return, standardised within the match; a
point ends what is discounted. The gradient of Σ A_t log π(a_t) by the logit w2 · h is A_t (y_t − p_t). Those
of ten matches are added, and RMSProp takes one step along their sum.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any, TypeAlias

import numpy as np
import numpy.typing as npt
from threadpoolctl import threadpool_limits

from pongrl.wire.arrays import UInt8Array
from tools.atari_peers.curve import Curve
from tools.atari_peers.matches import ACTIONS, Matches, make_game

Doubles: TypeAlias = npt.NDArray[np.float64]
Weights: TypeAlias = dict[str, Doubles]
"""W1 (UNITS, CELLS) and w2 (UNITS,). A gradient has the same shapes."""

UNITS, CELLS = 200, 80 * 80
GAMMA = 0.99  # per decision
RATE, DECAY, EPSILON = 1e-4, 0.99, 1e-5  # of RMSProp
BATCH = 10  # matches
UP, DOWN = ACTIONS.index("RIGHT"), ACTIONS.index("LEFT")
COURT = slice(35, 195)  # rows of the picture
BACKGROUND = (144, 109)  # red, of the court and of what is around it
BLAS_THREADS = 1  # a product of W1 and x is too small to be worth sharing


def cells_of(picture: UInt8Array) -> Doubles:
    """Return 1 where a picture (210, 160, 3) is not background, else 0: (CELLS,)."""
    red = picture[COURT][::2, ::2, 0]
    return (~np.isin(red, (0, *BACKGROUND))).astype(np.float64).ravel()


def random_weights(rng: np.random.Generator, units: int = UNITS, cells: int = CELLS) -> Weights:
    """Draw weights whose products with their inputs are of size one."""
    return {
        "W1": rng.standard_normal((units, cells)) / np.sqrt(cells),
        "w2": rng.standard_normal(units) / np.sqrt(units),
    }


def forward(weights: Weights, x: Doubles) -> tuple[Doubles, float]:
    """Compute the hidden units h and the probability p of up, for one x."""
    h = np.maximum(weights["W1"] @ x, 0)
    return h, float(1 / (1 + np.exp(-weights["w2"] @ h)))


def gradient(weights: Weights, x: Doubles, h: Doubles, dlogit: Doubles) -> Weights:
    """Compute the gradient by the weights.

    Args:
        weights: That played.
        x: (T, CELLS) of T decisions.
        h: (T, UNITS).
        dlogit: (T,) the gradient by the logits.
    """
    dh = np.outer(dlogit, weights["w2"])  # (T, UNITS)
    dh[h <= 0] = 0
    return {"W1": dh.T @ x, "w2": h.T @ dlogit}


def discounted(rewards: Doubles) -> Doubles:
    """Compute the discounted returns of the decisions of a match: (T,). A point ends what is before it."""
    returns = np.zeros_like(rewards)
    following = 0.0
    for t in reversed(range(len(rewards))):
        if rewards[t]:
            following = 0.0
        following = rewards[t] + GAMMA * following
        returns[t] = following
    return returns


def standardised(returns: Doubles) -> Doubles:
    """Shift and scale returns (T,) so that their mean is 0 and their deviation 1."""
    shifted = returns - returns.mean()
    return np.asarray(shifted / (returns.std() or 1.0))


def ascend(weights: Weights, cache: Weights, step: Weights) -> None:
    """Take a step of RMSProp along a gradient, in place."""
    for name, g in step.items():
        cache[name] = DECAY * cache[name] + (1 - DECAY) * g**2
        weights[name] += RATE * g / (np.sqrt(cache[name]) + EPSILON)


@dataclass
class Match:
    """What is kept of a match until it has ended: a value for each decision."""

    x: list[Doubles] = field(default_factory=list)
    h: list[Doubles] = field(default_factory=list)
    surprise: list[float] = field(default_factory=list)  # y − p
    rewards: list[float] = field(default_factory=list)

    def gradient(self, weights: Weights) -> Weights:
        """Compute what the match teaches."""
        advantage = standardised(discounted(np.array(self.rewards)))
        return gradient(weights, np.vstack(self.x), np.vstack(self.h), np.array(self.surprise) * advantage)


class Plain:
    """Learns, and plays what it has learned.

    Args:
        seed: Of weights, moves and games.
    """

    def __init__(self, seed: int) -> None:
        self._rng = np.random.default_rng(seed)
        self._seed = seed
        self.weights = random_weights(self._rng)

    def train(self, curve: Curve) -> None:
        """Learn until the time is over; the match that is being played then teaches nothing."""
        cache = {name: np.zeros_like(weight) for name, weight in self.weights.items()}
        game = make_game()
        game.reset(seed=self._seed)
        with threadpool_limits(BLAS_THREADS, "blas"):
            curve.begin()
            while True:
                whole = {name: np.zeros_like(weight) for name, weight in self.weights.items()}
                for _ in range(BATCH):
                    match = self._play_match(game, curve)
                    if match is None:
                        game.close()
                        return
                    curve.finish_match(sum(match.rewards))
                    for name, part in match.gradient(self.weights).items():
                        whole[name] += part
                ascend(self.weights, cache, whole)
                curve.updates += 1

    def _play_match(self, game: Any, curve: Curve) -> Match | None:
        """Play a match; return None if the time is over before it ends."""
        match, before, is_over = Match(), None, False
        picture, _ = game.reset()
        while not is_over:
            now = cells_of(picture)
            x = np.zeros(CELLS) if before is None else now - before
            before = now
            h, p = forward(self.weights, x)
            is_up = self._rng.random() < p
            picture, reward, terminated, truncated, _ = game.step(UP if is_up else DOWN)
            match.x.append(x)
            match.h.append(h)
            match.surprise.append(is_up - p)
            match.rewards.append(float(reward))
            is_over = terminated or truncated
            if not curve.count(1):
                return None
        return match

    def play(self, matches: Matches, rng: np.random.Generator | None) -> None:
        """Play matches to their end; `rng` draws the moves, without it the likelier ones are made."""
        before = [cells_of(picture) for picture in matches.pictures]
        with threadpool_limits(BLAS_THREADS, "blas"):
            while not matches.is_over():
                now = [cells_of(picture) for picture in matches.pictures]
                x = np.stack(now) - np.stack(before)  # (games, CELLS)
                before = now
                h = np.maximum(x @ self.weights["W1"].T, 0)
                p = 1 / (1 + np.exp(-h @ self.weights["w2"]))
                is_up = p > (0.5 if rng is None else rng.random(len(p)))
                matches.step(np.where(is_up, UP, DOWN).tolist())
