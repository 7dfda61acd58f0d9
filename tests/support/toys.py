"""Environments of Gymnasium for tests of the server for other games. Importing this registers them.

Toy-v0        a dot moves over a picture of 20×16 pixels; the action 1 wins a point, and 2 loses one.
              After three points the episode ends.
Drawn-v0      the same, and its picture is drawn by render
Quiet-v0      ends after four steps without a point
Sums-v0       each step is worth 0.4
Blind-v0      has no picture
Smooth-v0     has actions that are no numbers
Broken-v0     fails at its first step
Unready-v0    fails at its first reset
Mortal-v0     the action 2 ends its process
Pair-v0       has two actions without names
Loud-v0       prints at each step
Stuck-v0      makes no end of its first step
Odd-v0        has names for six actions where there are three, no finite speed, and lives that are none
Closing-v0    makes the file that TOY_CLOSED names when it is closed
Parent-v0     starts a process of its own at each reset
Needy-v0      cannot be made without a render_mode
Pale-v0       the same as Drawn, but its picture has numbers from 0 to 1
Bare-v0       draws nothing where a picture is due
Wide-v0       the same as Drawn, but its picture has eight bytes a number, some of them over 255, and what is
              transparent
"""

from __future__ import annotations

import multiprocessing
import os
import threading
from pathlib import Path
from typing import Any

import gymnasium
import numpy as np

HEIGHT, WIDTH = 20, 16
UNSEEN = ("drawn", "blind", "pale", "bare", "wide")  # their observations are no pictures


class Toy(gymnasium.Env[Any, Any]):
    metadata = {"render_modes": ["rgb_array"], "render_fps": 30}  # noqa: RUF012  # as Gymnasium has it
    meanings: tuple[str, ...] = ("NOOP", "UP", "DOWN")

    def __init__(self, kind: str = "toy", render_mode: str | None = None) -> None:
        self.kind, self.render_mode = kind, render_mode
        self.observation_space = gymnasium.spaces.Box(0, 255, (HEIGHT, WIDTH, 3), np.uint8)
        self.action_space: Any = gymnasium.spaces.Discrete(2 if kind == "pair" else 3)
        if kind in UNSEEN:
            self.observation_space = gymnasium.spaces.Box(-1, 1, (4,), np.float32)
        if kind == "blind":
            self.metadata = {"render_modes": []}
        if kind == "smooth":
            self.action_space = gymnasium.spaces.Box(-1, 1, (1,), np.float32)
        if kind == "odd":
            self.metadata = {"render_modes": [], "render_fps": float("inf")}
        if kind == "needy" and render_mode is None:
            raise ValueError("a render_mode is needed")
        self.steps = self.points = 0
        self.at = 0

    def get_action_meanings(self) -> list[str]:
        return [] if self.kind == "pair" else list(self.meanings) * (2 if self.kind == "odd" else 1)

    def reset(self, *, seed: int | None = None, options: Any = None) -> tuple[Any, dict[str, Any]]:
        super().reset(seed=seed)
        if self.kind == "unready":
            raise ValueError("no\nway" + 1000 * "!")
        if self.kind == "parent":
            child = multiprocessing.get_context("spawn").Process(target=str)
            child.start()
            child.join()
        if seed is not None:
            self.at = seed % HEIGHT
        self.steps = self.points = 0
        return self._seen(), {}

    def step(self, action: Any) -> tuple[Any, float, bool, bool, dict[str, Any]]:
        if self.kind == "broken":
            raise RuntimeError("it is broken")
        if self.kind == "mortal" and action == 2:
            os._exit(9)
        if self.kind == "stuck":
            threading.Event().wait()
        if self.kind == "loud":
            print("a step is made", flush=True)
        self.steps += 1
        self.at = (self.at + 1) % HEIGHT
        reward = 0.4 if self.kind == "sums" else (0.0, 1.0, -1.0)[action]
        self.points += reward in (1.0, -1.0)
        info = {"lives": None} if self.kind == "odd" else {}
        return self._seen(), reward, self.points == 3, self.kind == "quiet" and self.steps == 4, info

    def close(self) -> None:
        if self.kind == "closing":
            Path(os.environ["TOY_CLOSED"]).touch()

    def render(self) -> Any:
        if self.render_mode != "rgb_array" or self.kind == "bare":
            return None
        if self.kind == "pale":
            return self._picture() / 255
        if self.kind == "wide":
            return np.dstack((self._picture().astype(np.int64) * 2, np.full((HEIGHT, WIDTH), 255)))
        return self._picture()

    def _seen(self) -> Any:
        return np.zeros(4, np.float32) if self.kind in UNSEEN else self._picture()

    def _picture(self) -> Any:
        picture = np.full((HEIGHT, WIDTH, 3), 50, np.uint8)
        picture[self.at, 5] = 250
        return picture


for name in (
    "toy",
    "drawn",
    "quiet",
    "sums",
    "blind",
    "smooth",
    "broken",
    "mortal",
    "pair",
    "loud",
    "stuck",
    "unready",
    "odd",
    "closing",
    "parent",
    "needy",
    "pale",
    "bare",
    "wide",
):
    gymnasium.register(f"{name.capitalize()}-v0", entry_point=Toy, kwargs={"kind": name})
