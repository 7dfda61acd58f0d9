"""The film of an agent's games (--record), made from the frames that the agent is sent."""

from __future__ import annotations

from pongrl.agent.observers import Decided, Observer, Standing
from pongrl.game.camera import FRAME_HEIGHT, FRAME_WIDTH
from pongrl.game.places import places
from pongrl.ui.film import Recorder


class AgentFilm(Observer):
    """Films the first game of the first server: our Pong as people see it, other games as they are sent.

    Args:
        recorder: takes the scenes; closed when the run ends.
    """

    def __init__(self, recorder: Recorder) -> None:
        self._recorder = recorder

    def decided(self, decided: Decided, standing: Standing) -> None:
        """Add what the state that was answered shows."""
        step, frame = decided.step, decided.step.frames[0]
        left, right = step.scores[0].tolist()
        seconds = int(step.ticks[0]) / decided.session.ticks_per_second
        serves = bool(step.points[0])
        if frame.shape == (FRAME_HEIGHT, FRAME_WIDTH):
            found = places(frame)
            self._recorder.add((left, right), found.paddles, found.ball, seconds, serves=serves)
        else:
            self._recorder.add_sent((left, right), frame, seconds, serves=serves)

    def ended(self, standing: Standing) -> None:
        """Finish the film."""
        self._recorder.close()
