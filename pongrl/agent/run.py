"""One run on servers that this process plays on: its parts, put together."""

from __future__ import annotations

from collections.abc import Callable

from pongrl.agent.commands import Controls
from pongrl.agent.desk import Desk
from pongrl.agent.duels import Duels
from pongrl.agent.fleet import Fleet
from pongrl.agent.pilot import Pilot
from pongrl.agent.servers import Arrivals, open_servers
from pongrl.agent.sparring import Result
from pongrl.agent.trainer import Trainer


class Run:
    """Trains, or plays without learning. Our own servers are started when it is made; `close` ends them.

    Args:
        desk: of the run; `start` says what to do.

    Raises:
        PongError: the token cannot be read, or a server does not start.
    """

    def __init__(self, desk: Desk) -> None:
        start, self._books = desk.start, desk.books
        arrivals = Arrivals(desk.wake)
        servers = open_servers(start.options, start.identity, arrivals, desk.say, _hearer(desk))
        pilot = Pilot(start.options, start.rng, desk.books, start.player)
        self._fleet = Fleet(
            servers, arrivals, pilot, start.options, desk.say, lambda: desk.commands.is_quitting
        )
        desk.books.holding = self._fleet.holding
        controls = Controls(self._fleet, desk.books, desk.say)
        self._trainer = Trainer(self._fleet, pilot, desk.books, desk.commands, controls, desk.audience)

    def play(self) -> None:
        """Play until the end, and leave everything on disk.

        Raises:
            PongError: a problem that the user must fix; or the end could not be written.
        """
        with self._books.finishing():
            self._trainer.run()

    def status(self) -> str:
        """Return one line that says how it goes. Any thread may call it."""
        return self._books.status(self._fleet.is_paused)

    def close(self) -> None:
        """Leave all servers, and end our own."""
        self._fleet.close()


def _hearer(desk: Desk) -> Callable[[Result], None]:
    """Return what is given the results against opponents; if there are some, the run has duels."""
    options = desk.start.options
    if options.opponents is None:
        return lambda result: None
    duels = Duels(options, desk.start.progress.points, desk.say)
    desk.audience.add(duels)
    return duels.hear
