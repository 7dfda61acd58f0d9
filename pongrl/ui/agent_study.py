"""Pictures of the strongest hidden units, made a little at a time while the agent trains."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from pongrl.agent.policy import Policy
from pongrl.agent.units import largest_effect, strongest_units
from pongrl.ui.agent_look import FULL_EFFECT, MOST_UNITS, UnitPictures


class Study:
    """Looks at a policy's hidden units.

    A picture shows what one lit cell there does to the unit; see Policy.court_images.
    """

    def __init__(self) -> None:
        self._made: UnitPictures | None = None
        self._work: Iterator[None] = iter(())

    def begin(self, policy: Policy) -> None:
        """Begin to choose a policy's strongest units and to picture them; `go_on` does it."""
        self._work = self._study(policy)

    def go_on(self) -> UnitPictures | None:
        """Study for about a millisecond; return the pictures once they are made."""
        next(self._work, None)
        made, self._made = self._made, None
        return made

    def _study(self, policy: Policy) -> Iterator[None]:
        chosen = yield from strongest_units(policy, MOST_UNITS)
        effects = []
        for unit in chosen:
            images = policy.court_images(slice(unit, unit + 1))[0]  # (2, height, width)
            limits = np.array([largest_effect(image) for image in images])[:, None, None]
            effects.append((images / limits).clip(-1, 1) * FULL_EFFECT)
            yield
        weights = policy.weights["w"][chosen].tolist()
        self._made = UnitPictures(chosen, np.array(effects).astype(np.int8), weights)
