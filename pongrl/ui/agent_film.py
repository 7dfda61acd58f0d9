"""The film of an agent's games (--record), made from the frames that the agent is sent."""

from __future__ import annotations

from pongrl.agent.observers import Decided, Observer, Standing
from pongrl.errors import PongError
from pongrl.game.camera import FRAME_HEIGHT, FRAME_WIDTH
from pongrl.game.places import places
from pongrl.ui.film import Recorder


class AgentFilm(Observer):
    """Films the first game of the first server.

    Args:
        recorder: takes the scenes; closed when the run ends.
    """

    def __init__(self, recorder: Recorder) -> None:
        self._recorder = recorder

    def decided(self, decided: Decided, standing: Standing) -> None:
        """Add what the state that was answered shows.

        Raises:
            PongError: the frames are of another size than Pong's.
        """
        step, session = decided.step, decided.session
        if (session.height, session.width) != (FRAME_HEIGHT, FRAME_WIDTH):
            raise PongError(
                f"--record films frames of {FRAME_WIDTH}×{FRAME_HEIGHT} cells, and the server's have "
                f"{session.width}×{session.height}: leave it out"
            )
        found = places(step.frames[0])
        left, right = step.scores[0].tolist()
        seconds = int(step.ticks[0]) / decided.session.ticks_per_second
        self._recorder.add((left, right), found.paddles, found.ball, seconds, serves=bool(step.points[0]))

    def ended(self, standing: Standing) -> None:
        """Finish the film."""
        self._recorder.close()
