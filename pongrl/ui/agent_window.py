"""The agent's window: what it sees, what it makes of it, and how far it has come.

In the program, which is not held up by its window:

    AgentWindow    an observer of the run
    agent_view     what the window has in common with the page
    agent_tape     the decisions that are shown
    agent_study    the pictures of hidden units
    agent_look     what is sent to the window

In the window's process (see window_process):

    agent_display  the window
    agent_layout   where the panels are
    brush          what they are drawn with
    agent_panels   how they are drawn
    agent_units    the panel of the hidden units
"""

from __future__ import annotations

from collections.abc import Callable

from pongrl.agent.observers import Decided, Standing
from pongrl.ui.agent_layout import check_frames
from pongrl.ui.agent_view import AgentView
from pongrl.ui.window_process import WindowProcess


class AgentWindow(AgentView):
    """Lets a window show the run; see AgentView.

    Args:
        say: is told if the window goes by itself.
        command: takes what people ask for in the window, a command of the console.
        is_quitting: returns True if the run is to end, and the window need not open any more.

    Raises:
        PongError: there is no display.
    """

    def __init__(
        self,
        say: Callable[[str], None],
        command: Callable[[str], object],
        is_quitting: Callable[[], bool],
    ) -> None:
        super().__init__(WindowProcess("pongrl.ui.agent_display", is_quitting), "window", say, command)

    def decided(self, decided: Decided, standing: Standing) -> None:
        """Take note of a decision, and show something if it is time to.

        Raises:
            PongError: such frames cannot be shown.
        """
        if self.look_seconds is not None and decided.step.number == 0:
            check_frames((decided.session.height, decided.session.width))
        super().decided(decided, standing)
