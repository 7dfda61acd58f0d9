"""The thread that plays all matches of an arena, and serves its agents.

The hall alone touches the tables and the agents' connections. The listener's thread leaves new connections
with the doorkeeper, and people on the page leave what they ask for with the visitors.

Each match goes its own way: a table waits for its own two players alone. So an agent that is slow, silent or
gone holds up its own match until it forfeits it, and no other.
"""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Mapping

from pongrl.arena.contenders import AgentContender, Contender
from pongrl.arena.doorkeeper import Arrival, Doorkeeper
from pongrl.arena.draw import Draw, Fixture
from pongrl.arena.herald import Herald
from pongrl.arena.persons import Persons
from pongrl.arena.scribe import Scribe
from pongrl.arena.table import ArenaOptions, Table
from pongrl.errors import PongError, ProtocolError
from pongrl.server.clock import with_sleep
from pongrl.server.conversation import Conversation
from pongrl.wire.connection import Connection
from pongrl.wire.messages import Role
from pongrl.wire.waiting import Wake, ready

SLEPT_SECONDS = 2.0  # between two turns, after which this machine has slept, and no agent is to blame
LOOK_SECONDS = 0.25  # between two looks at what nobody tells of: heartbeats, silence, and who is free

log = logging.getLogger("pong.arena")


class Hall(threading.Thread):
    """Plays the matches and keeps the results, until `stop`; `error` is what ended it, if that was not it.

    Args:
        options: How matches are played.
        scribe: Keeps the matches.
        doorkeeper: Where agents arrive.
        persons: The people who play on the page.
        draw: Says who plays whom.
        herald: Tells people what goes on.
    """

    def __init__(
        self,
        options: ArenaOptions,
        scribe: Scribe,
        doorkeeper: Doorkeeper,
        persons: Persons,
        draw: Draw,
        herald: Herald,
    ) -> None:
        super().__init__(name="arena", daemon=True)
        self._options, self._scribe, self._doorkeeper = options, scribe, doorkeeper
        self._persons, self._draw, self._herald = persons, draw, herald
        self._agents: dict[int, AgentContender] = {}  # who are here, or still play, by the players' numbers
        self._tables: list[Table] = []  # where a match is being played
        self._over: list[Table] = []  # where one is over, and not yet kept
        self._look_due = 0.0
        self._turned = with_sleep()  # when the last turn began to wait
        self._has_changed = True  # somebody came, left, or has played
        self._stopping = False
        self.error: BaseException | None = None

    def stop(self) -> None:
        """Let the thread end soon. Any thread may call it."""
        self._stopping = True
        self._doorkeeper.shut()

    def run(self) -> None:
        """Play. This is the thread."""
        self._turned = with_sleep()  # a page may have taken long to open
        try:
            while not self._stopping:
                self.turn()
        except BaseException as error:
            self.error = error
        finally:
            self.stop()
            for agent in self._agents.values():
                if agent.talk is not None:
                    agent.talk.end()

    def turn(self) -> None:
        """Wait for the next thing to happen, and do what it asks for."""
        now = with_sleep()
        if now - self._turned > SLEPT_SECONDS:
            log.warning(
                "this machine has slept for %.0f seconds: nobody forfeits for that", now - self._turned
            )
            for agent in self._agents.values():
                agent.excuse()
        self._turned = now
        for arrival in self._doorkeeper.arrivals():
            self._seat(arrival)
        self._has_changed |= self._persons.attend(self._agents.keys(), self._tables)
        self._listen()
        self._play()
        is_time = time.monotonic() >= self._look_due
        if is_time:
            self._look_due = time.monotonic() + LOOK_SECONDS
            self._keep_alive()
        if self._has_changed:
            self._herald.note(self._here())
        if self._has_changed or is_time:
            self._has_changed = False
            self._begin_matches()
        self._herald.tell(self._tables, self._persons.news(self._tables))

    # Agents that come, talk and leave.

    def _talks(self) -> Mapping[Connection, AgentContender]:
        return {agent.talk.connection: agent for agent in self._agents.values() if agent.talk is not None}

    def _listen(self) -> None:
        """Wait until an agent says something or a match is due, and hear those that have spoken."""
        talks, wake = self._talks(), self._doorkeeper.wake
        until = min((table.due for table in self._tables), default=self._look_due)
        seconds = max(min(until, self._look_due) - time.monotonic(), 0.0)
        readers: list[Connection | Wake] = [*talks, wake]
        readable, writable = ready(readers, [one for one in talks if one.is_behind], seconds)
        for connection in writable:
            connection.flush()
        for one in readable:
            if isinstance(one, Connection):
                self._hear(talks[one])
            else:
                one.clear()

    def _hear(self, agent: AgentContender) -> None:
        """Hear all that an agent has said."""
        try:
            while agent.hear():
                pass
        except PongError as error:
            self._lose(agent, error)

    def _keep_alive(self) -> None:
        """Send heartbeats, and part from those who have been silent for too long."""
        for connection, agent in self._talks().items():
            try:
                connection.send_heartbeat()
            except PongError as error:
                self._lose(agent, error)
            else:
                self._hear(agent)

    def _seat(self, arrival: Arrival) -> None:
        """Let an agent in. One that comes back goes on with its match."""
        player = arrival.player
        if any(person.player.number == player.number for person in self._persons):
            arrival.connection.close(f"{player.name} plays on the page already")
            self._doorkeeper.leave(arrival.connection, player)
            return
        agent = self._agents.get(player.number)
        if agent is None:
            agent = self._agents[player.number] = AgentContender(player)
        elif agent.talk is not None:
            self._part(agent, "the same agent has connected again")
        agent.come(Conversation(arrival.connection, Role.LEFT, (agent.hand,)))
        log.info("%s has come, from %s", player.name, arrival.connection.peer)
        self._has_changed = True

    def _lose(self, agent: AgentContender, error: PongError) -> None:
        """Part from an agent that is gone or broke the protocol. It may come back before it forfeits."""
        log.info("%s has gone: %s", agent.player.name, error)
        self._part(agent, f"it was sent {error}" if isinstance(error, ProtocolError) else "")
        if not any(agent in fixture.sides for fixture in self._playing()):
            del self._agents[agent.player.number]
        self._has_changed = True

    def _part(self, agent: AgentContender, reason: str) -> None:
        talk = agent.talk
        assert talk is not None
        agent.leave()
        talk.end(reason)
        self._doorkeeper.leave(talk.connection, agent.player)

    # Matches.

    def _play(self) -> None:
        """Let each match go on as far as it can now, and put down those that are over."""
        for table in self._tables:
            table.turn()
        for table in [table for table in self._tables if table.is_over]:
            self._tables.remove(table)
            self._over.append(table)
            self._scribe.keep(table)
        for table, number in self._scribe.kept():
            self._over.remove(table)
            self._put_down(table, number)

    def _put_down(self, table: Table, number: int) -> None:
        """Let the players of a match go, which is kept."""
        names = [side.player.name for side in table.fixture.sides]
        log.info("match %d: %s – %s %d:%d (%s)", number, *names, *table.score, table.ended)
        self._draw.note(table.fixture, table.is_forfeited)
        for side in table.fixture.sides:
            if isinstance(side, AgentContender) and side.talk is None:
                del self._agents[side.player.number]
        self._has_changed = True

    def _playing(self) -> list[Fixture]:
        """Return the matches whose players are not free: those that are played, or not yet kept."""
        return [table.fixture for table in (*self._tables, *self._over)]

    def _free(self) -> dict[int, Contender]:
        """Return who waits for a match, by the players' numbers."""
        busy = {side for fixture in self._playing() for side in fixture.sides}
        able = [*(agent for agent in self._agents.values() if agent.is_free), *self._persons]
        return {side.player.number: side for side in able if side not in busy}

    def _begin_matches(self) -> None:
        """Begin the matches that can begin."""
        forfeited = self._draw.forfeited
        self._draw.hold(self._free())
        while len(self._tables) < self._options.tables:
            fixture = self._draw.next(self._free(), self._playing())
            if fixture is None:
                break
            taken = {table.number for table in self._tables}
            number = next(number for number in range(1, len(taken) + 2) if number not in taken)
            self._tables.append(Table(number, fixture, self._options))
        self._has_changed |= self._draw.forfeited != forfeited

    def _here(self) -> frozenset[int]:
        """Return the numbers of the players that have come and are here."""
        here = [agent.player.number for agent in self._agents.values() if agent.talk is not None]
        return frozenset((*here, *(person.player.number for person in self._persons)))
