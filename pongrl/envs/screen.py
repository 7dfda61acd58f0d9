"""What people see of an environment: pictures, or a window, as `render_mode` says."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

import gymnasium

from pongrl.errors import UsageError
from pongrl.wire.arrays import UInt8Array
from pongrl.wire.messages import Step

if TYPE_CHECKING:
    from pongrl.ui.court_window import CourtWindow

RENDER_MODES = ["rgb_array", "human"]


class Screen:
    """Draws games for people. It loads pygame when it draws for the first time.

    Args:
        render_mode: "rgb_array" for pictures, "human" for a window, None for neither.

    Raises:
        UsageError: there is no such render_mode.
    """

    def __init__(self, render_mode: str | None) -> None:
        if render_mode is not None and render_mode not in RENDER_MODES:
            raise UsageError(f"render_mode must be one of {', '.join(RENDER_MODES)}, not {render_mode}")
        self.render_mode = render_mode
        self._window: CourtWindow | None = None

    def pictures(self, step: Step) -> tuple[UInt8Array, ...]:
        """Draw all games as people see them: (500, 700, 3) each."""
        from pongrl.ui.court_window import picture

        return tuple(picture(frame, scores) for frame, scores in zip(step.frames, step.scores, strict=True))

    def show(self, step: Step, seconds: float) -> None:
        """Show the first game in the window, if there is to be one.

        Args:
            step: the state to show.
            seconds: the time for which each state is seen; 0 if the server keeps the pace itself.

        Raises:
            PongError: there is no display.
        """
        if self.render_mode != "human":
            return
        if self._window is None:
            from pongrl.ui.court_window import CourtWindow

            self._window = CourtWindow("Pong")
        if seconds:
            self._window.pace(seconds)
        self._window.show(step.frames[0], step.scores[0])

    def wait(self, seconds: float) -> None:
        """Wait; a window stays alive meanwhile."""
        if self._window is None:
            time.sleep(seconds)
        else:
            self._window.wait(seconds)

    def leave_to_parent(self) -> None:
        """Have no window in a forked copy of the process: it is the parent's."""
        self._window = None

    def close(self) -> None:
        """Close the window, if there is one."""
        if self._window is not None:
            self._window.close()


def warn_of_nothing_rendered() -> None:
    """Warn that an environment without a render_mode renders nothing, as Gymnasium's own do."""
    gymnasium.logger.warn('nothing is rendered: make the environment with render_mode="rgb_array"')
