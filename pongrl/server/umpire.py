"""When a ball is served in real time: once somebody is there to play, and after a countdown for people."""

from __future__ import annotations

from pongrl.game.people import Keys
from pongrl.game.rules import Game
from pongrl.server.options import GameOptions

COUNTDOWN = 3  # the first number that is counted
NUMBER_SECONDS = 0.5  # that each number is shown


class Umpire:
    """Lets the first game's ball wait for its serve.

    An agent against the built-in AI never waits, so that training has the same time in both clocks. Where
    nobody has the left paddle, the serve waits for an agent, or until a person takes the paddle. Where a
    person plays, at the window or elsewhere, a countdown comes before each serve.

    `count` is the number to be shown, or 0. `is_waiting` is True while a player is missing.
    """

    def __init__(self, options: GameOptions) -> None:
        self._options = options
        self._number_ticks = max(round(NUMBER_SECONDS * options.fps), 1)
        self._ticks = 0  # of this countdown so far
        self.count, self.is_waiting = 0, False

    def lets_play(self, game: Game, has_agent: bool, keys: Keys) -> bool:
        """Return whether the next tick of real time may be played; call it once for each.

        Args:
            game: the first game.
            has_agent: an agent is here, at either side.
            keys: what people hold.
        """
        counts = self._counts(game, has_agent, keys)
        self.is_waiting = counts and self._misses_player(has_agent, keys)
        if self.is_waiting or not counts:
            self._ticks = self.count = 0
            return not self.is_waiting
        self.count = max(COUNTDOWN - self._ticks // self._number_ticks, 0)
        self._ticks += 1
        return self.count == 0

    def _counts(self, game: Game, has_agent: bool, keys: Keys) -> bool:
        """Return whether the ball is to be served, in a game that people play or may play."""
        if not game.is_serving or self._options.level == 4:
            return False
        return self._options.people.play or keys.has_right or not has_agent

    def _misses_player(self, has_agent: bool, keys: Keys) -> bool:
        if not self._options.serves or has_agent or keys.has_left:
            return False
        return self._options.opponent == "human" or (keys.either is None and not self._ticks)
