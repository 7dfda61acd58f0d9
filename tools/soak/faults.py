"""What happens to a soak's processes and their network."""

from __future__ import annotations

import contextlib
import os
import random
import signal
import socket
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Iterator
from typing import ClassVar

from pongrl.wire.limits import SERVER_HANDSHAKE_LIMITS
from tools.hostile import garbage, noise
from tools.processes import ROOT
from tools.relay import Weather
from tools.soak.system import System, kill

LONGEST_FAULT = 20.0  # seconds
LONGEST_DELAY = 0.05


class Faults:
    """The faults of a run: `go_through` makes one after another.

    Attributes:
        counts: how often each fault happened.
        longest: the longest time from the end of a fault until the game went on, and the fault.
    """

    def __init__(self, system: System, rng: random.Random, seconds: float) -> None:
        self.counts: Counter[str] = Counter()
        self.longest = (0.0, "no fault")
        self._began = time.monotonic()
        self._system, self._rng, self._seconds = system, rng, seconds

    @property
    def age(self) -> float:
        """Seconds since the game began."""
        return time.monotonic() - self._began

    def go_through(self) -> None:
        """Make one fault after another until time is over.

        Raises:
            AssertionError: something does not hold.
        """
        self._wait_for_play("the start")
        self._began = time.monotonic()  # a slow machine may need long to start
        for name in self._deck():
            self._system.rest(self._some(8.0))
            if self.age > self._seconds:
                return
            self._do(name)
            self._wait_for_play(name)

    def _wait_for_play(self, after: str) -> None:
        self.longest = max(self.longest, (self._system.wait_for_play(after), after))

    def _deck(self) -> Iterator[str]:
        """Yield the names of faults in random order; those whose process is not there are left out.

        After the first round processes are killed less often, so that some live long enough to show that they
        do not grow. A server whose page was killed is not spared, or there would be no page for long.
        """
        chance_of_kills = 1.0
        while True:
            names = [*self.LONG, *self.SHORT]
            self._rng.shuffle(names)
            for name in names:
                is_spared = name.endswith("killed") and self._rng.random() > chance_of_kills
                is_spared = is_spared and (name != "server killed" or bool(self._system.link))
                if not is_spared and self._is_possible(name):
                    yield name
            chance_of_kills = 1 / 3

    def _is_possible(self, name: str) -> bool:
        """Tell whether the process that a fault needs is there."""
        if name.startswith("game"):
            return bool(self._system.games)
        return not name.startswith(("page", "browsers")) or bool(self._system.link)

    def _do(self, name: str) -> None:
        self.counts[name] += 1
        (self.LONG | self.SHORT)[name](self)

    def _some(self, longest: float) -> float:
        """Draw a duration in seconds."""
        return self._rng.uniform(0.05, 1.0) * min(longest, self._seconds / 20)

    def _during(self, longest: float) -> None:
        """Let a fault last; now and then a short one happens meanwhile."""
        self._system.rest(self._some(longest) / 2)
        if self._rng.random() < 0.25:
            self._do(self._rng.choice([name for name in self.SHORT if self._is_possible(name)]))
        self._system.rest(self._some(longest) / 2)

    def kill_server(self) -> None:
        """Kill the server, and start it again after a while."""
        self._system.note_children()
        kill(self._system.server.process)
        self._during(5.0)
        self._system.start_server()

    def kill_agent(self) -> None:
        """Kill the agent, check its files, and start it again after a while."""
        kill(self._system.agent.process)
        self._system.examine()
        self._system.rest(self._some(2.0))
        self._system.start_agent()

    def stop_server(self) -> None:
        """Stop the server for a while."""
        self._stop(self._system.server.process.pid)

    def stop_agent(self) -> None:
        """Stop the agent for a while."""
        self._stop(self._system.agent.process.pid)

    def stop_page(self) -> None:
        """Stop the page's process for a while, with people in front of it."""
        if (page := self._system.page) is not None:
            with self._people():
                self._stop(page)

    def _stop(self, pid: int) -> None:
        os.kill(pid, signal.SIGSTOP)
        try:
            self._during(LONGEST_FAULT)
        finally:
            with contextlib.suppress(ProcessLookupError):  # it was killed meanwhile
                os.kill(pid, signal.SIGCONT)

    def kill_page(self) -> None:
        """Kill the page's process; the server does not start it again."""
        if (page := self._system.page) is not None:
            os.kill(page, signal.SIGKILL)

    def kill_game(self) -> None:
        """Kill the process of a game."""
        os.kill(self._rng.choice(self._system.games), signal.SIGKILL)

    def browse(self) -> None:
        """Let people come to the page for a while."""
        with self._people():
            self._during(8.0)

    @contextlib.contextmanager
    def _people(self) -> Iterator[None]:
        """Let people be at the page for as long as the block lasts.

        Raises:
            AssertionError: their program has failed.
        """
        words = "-m", "tools.soak.browsers", self._system.link, str(self._rng.randrange(1 << 30))
        people = subprocess.Popen([sys.executable, *words], cwd=ROOT, stdin=subprocess.PIPE)
        try:
            yield
            people.communicate(timeout=LONGEST_FAULT)
            assert people.returncode == 0, "the people at the page have failed"
        finally:
            kill(people)

    def reset(self) -> None:
        """Cut the connection with RST."""
        self._system.relay.cut(reset=True)

    def finish(self) -> None:
        """Cut the connection with FIN."""
        self._system.relay.cut(reset=False)

    def delay(self) -> None:
        """Delay each piece for a while."""
        self._system.relay.delay = LONGEST_DELAY
        self._during(8.0)
        self._system.relay.delay = 0.0

    def hold(self) -> None:
        """Let the network hold everything back for a while."""
        self._have(Weather.HELD)

    def swallow(self) -> None:
        """Let the network lose everything for a while."""
        self._have(Weather.SWALLOWED)

    def _have(self, weather: Weather) -> None:
        self._system.relay.set_weather(weather)
        self._during(LONGEST_FAULT)
        self._system.relay.set_weather(Weather.FAIR)

    def send_garbage(self) -> None:
        """Send the server random bytes and messages, as strangers."""
        for _ in range(self._rng.randint(20, 100)):
            sent = self._rng.choice((noise(self._rng), garbage(self._rng, SERVER_HANDSHAKE_LIMITS)))
            with contextlib.suppress(OSError), self._stranger() as sock:
                sock.sendall(sent)

    def crowd(self) -> None:
        """Connect to the server many times, and say nothing for a while."""
        with contextlib.ExitStack() as strangers:
            for _ in range(self._rng.randint(20, 120)):
                with contextlib.suppress(OSError):
                    strangers.enter_context(self._stranger())
            self._during(6.0)

    def _stranger(self) -> socket.socket:
        return socket.create_connection(("127.0.0.1", self._system.port), 5)

    LONG: ClassVar = {
        "server killed": kill_server, "server stopped": stop_server, "agent stopped": stop_agent,
        "page stopped": stop_page, "delays": delay, "held": hold, "swallowed": swallow, "silent crowd": crowd,
        "browsers": browse,
    }  # fmt: skip
    SHORT: ClassVar = {
        "agent killed": kill_agent, "cut with RST": reset, "cut with FIN": finish, "garbage": send_garbage,
        "page killed": kill_page, "game killed": kill_game,
    }  # fmt: skip
