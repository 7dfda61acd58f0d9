"""The rows of `python -m tools.bench`: one function for each choice of --only.

Everything is measured from outside the programs. Rates are medians of several windows or rounds, because the
speed of a machine drifts. Where one speed is given as a multiple of another, rounds of the two alternate, and
the figure is the median of their ratios. The proxy of delay.py counts what passes on the wire; nothing is
computed from what should have been sent.
"""

from __future__ import annotations

import contextlib
import csv
import itertools
import json
import os
import random
import signal
import statistics
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt

from pongrl.agent.servers import LOCAL_GAMES
from pongrl.errors import RefusedError
from pongrl.game.camera import Camera
from pongrl.game.rules import PADDLE_BOTTOM, Game
from pongrl.wire.client import PongClient
from pongrl.wire.messages import Step
from tools.bench import echo, seed_protocol, viewers
from tools.bench.player import Record, lateness, numbers_of, share_in_time, states_missing
from tools.bench.processes import (
    Listening,
    Process,
    ProxyProcess,
    Server,
    cpu_seconds,
    pinned,
    resident_megabytes,
    training,
)
from tools.bench.table import Row
from tools.processes import ROOT
from tools.vitals import children

FRAMESKIP = 8  # ticks of a decision, the default of pong.py
DELAY_MILLISECONDS = 5.0
TRIPS = 1000 / DELAY_MILLISECONDS  # round trips a second, at most
BUSY_SECONDS = 5.0  # longest time a server may take to notice that the agent before has left
SETTLING_SECONDS = 2.0  # imports and first allocations are over by then
TICKS_SECONDS = 60.0  # every tick is noted for at most this long
STOPPED_SECONDS = 5.0
SAMPLE_SECONDS = 0.5
WINDOWS = 4  # parts of a run, whose median rate is the figure


@dataclass(frozen=True)
class Durations:
    """How long the longer measurements take.

    Attributes:
        learning: seconds of each run that learns.
        real_time: seconds of the run in real time.
        memory: minutes of the training whose memory is watched.
    """

    learning: float = 20.0
    real_time: float = 60.0
    memory: float = 2.0


def seconds_per_call(function: Callable[[], object], calls: int) -> float:
    """Return the mean duration of a call."""
    begin = time.perf_counter()
    for _ in range(calls):
        function()
    return (time.perf_counter() - begin) / calls


@dataclass(frozen=True)
class Turns:
    """Two functions timed in turn.

    Attributes:
        first, second: the medians of their seconds per call.
        ratio: the median of first / second in each round.
    """

    first: float
    second: float
    ratio: float


def take_turns(
    first: Callable[[], object], second: Callable[[], object], calls: tuple[int, int], rounds: int
) -> Turns:
    """Time two functions in turn, after a first round that does not count.

    Args:
        calls: calls of each in a round.
        rounds: how many rounds count.
    """
    pairs = [
        (seconds_per_call(first, calls[0]), seconds_per_call(second, calls[1])) for _ in range(rounds + 1)
    ][1:]
    one, other = (statistics.median(column) for column in zip(*pairs, strict=True))
    return Turns(one, other, statistics.median(a / b for a, b in pairs))


# ---------------------------------------------------------------------------------------------
# Lockstep


class Drawn(PongClient):
    """An agent that learns nothing: its moves were drawn beforehand. The constructor connects it."""

    def __init__(self, port: int) -> None:
        super().__init__(port=port)
        self.games = len(self._connect_when_free().ticks)
        self._drawn = itertools.cycle(np.random.default_rng(1).integers(1, 3, (4096, self.games)))

    def __enter__(self) -> Drawn:
        return self

    def _connect_when_free(self) -> Step:
        """Connect, even if the server does not know yet that the agent before has left."""
        until = time.monotonic() + BUSY_SECONDS
        while True:
            try:
                return self.connect()
            except RefusedError:
                if time.monotonic() > until:
                    raise
                time.sleep(0.01)

    def decide(self) -> None:
        """Make one decision for every game."""
        self.step(next(self._drawn))


def bytes_of_step(port: int, steps: int = 400) -> tuple[int, int]:
    """Return the bytes of a step on the wire, up and down, without the handshake."""
    with ProxyProcess(port) as proxy, Drawn(proxy.port) as agent:
        before = proxy.counts()
        for _ in range(steps):
            agent.decide()
        after = proxy.counts()
    return (
        round((after.bytes_up - before.bytes_up) / steps),
        round((after.bytes_down - before.bytes_down) / steps),
    )


def against_echo(games: int, calls: int) -> tuple[dict[str, Turns], str]:
    """Time a lockstep step without learning, and a bare echo of as many bytes, in turn.

    An echo takes 15 to 20 µs if the kernel keeps both ends on one core, and 60 to 90 µs if it does not, and
    the kernel changes this every second. So both pairs are put on the same cores.

    Returns:
        the two times by the cores that both ends run on, and a note on their bytes.
    """
    with Server("--lockstep", "--games", str(games)) as server:
        up, down = bytes_of_step(server.port)
        with (
            Drawn(server.port) as agent,
            Listening("-m", "tools.bench.echo", str(up), str(down)) as bare,
            echo.open_line(bare.port) as line,
        ):
            message, turns = bytes(up), {}
            for where, (here, there) in placements().items():
                with pinned({os.getpid(): here, server.pid: there, bare.pid: there}):
                    turns[where] = take_turns(
                        agent.decide, lambda: echo.trip(line, message, down), (calls, calls), 9
                    )
    return turns, f"{up} bytes up, {down} down"


def placements() -> dict[str, tuple[set[int], set[int]]]:
    """Return the cores that the two ends of a connection are put on, by name."""
    cores = os.sched_getaffinity(0)
    first, last = {min(cores)}, {max(cores)}
    return {"two cores": (first, last), "one core": (first, first), "anywhere": (cores, cores)}


def lockstep(_: Durations) -> Iterator[Row]:
    """Time lockstep without learning, in turn with a bare echo of as many bytes."""
    places, size = against_echo(1, 400)
    note = f"{size}; " + "; ".join(
        f"on {where} {1e6 * turns.first:.0f} by {1e6 * turns.second:.0f} µs = {turns.ratio:.1f} ×"
        for where, turns in places.items()
    )
    what = "lockstep, 1 game, without learning: a step by a bare echo, the two ends on two cores"
    yield Row(what, places["two cores"].ratio, "×", 2, note.replace("on anywhere", "anywhere"), at_most=4)
    for games in (1, 16):
        turns = places if games == 1 else against_echo(games, 200)[0]
        rate = games / turns["anywhere"].first
        name = "1 game" if games == 1 else f"{games} games"
        yield Row(f"lockstep, {name}, without learning", rate, "decisions/s")


def learning_rate(games: int | None, seconds: float, tree: Path = ROOT) -> float:
    """Return decisions per second while mainmodel.py --local learns, the median of parts of progress.csv.

    Args:
        games: side by side; None for as many as the checkout plays by itself.
        seconds: of training.
        tree: the checkout.
    """
    flags = ("--local",) if games is None else ("--local", "--games", str(games))
    with training(seconds, *flags, tree=tree) as (agent, directory):
        agent.finish(3 * seconds + 60)
        with open(directory / "progress.csv", newline="") as file:
            rows = [(float(row["seconds"]), int(row["decisions"])) for row in csv.DictReader(file)]
    return median_rate([(0.0, 0), *rows], seconds / WINDOWS)


def median_rate(rows: list[tuple[float, int]], window: float) -> float:
    """Return the median rate of windows of at least `window` seconds.

    Args:
        rows: the time in seconds, and the count until then.
        window: seconds.
    """
    rates, (begin, before) = [], rows[0]
    for end, count in rows[1:]:
        if end - begin >= 0.99 * window:
            rates.append((count - before) / (end - begin))
            begin, before = end, count
    return statistics.median(rates)


def learning(durations: Durations) -> Iterator[Row]:
    """Measure training with one game."""
    rate = learning_rate(1, durations.learning)
    what = "lockstep, 1 game, learning (`mainmodel.py --local --games 1`)"
    yield Row(what, rate, "decisions/s", at_least=4_000)


def learning16(durations: Durations) -> Iterator[Row]:
    """Measure training with sixteen games."""
    rate = learning_rate(16, durations.learning)
    what = "lockstep, 16 games, learning (`mainmodel.py --local --games 16`)"
    yield Row(what, rate, "decisions/s", at_least=10_000)


def learning64(durations: Durations) -> Iterator[Row]:
    """Measure training with as many games as --local plays by itself."""
    rate = learning_rate(None, durations.learning)
    yield Row(f"lockstep, {LOCAL_GAMES} games, learning (`mainmodel.py --local`)", rate, "decisions/s")


# ---------------------------------------------------------------------------------------------
# Network


def delay(durations: Durations) -> Iterator[Row]:
    """Measure training through a network with 5 ms of delay."""
    for games, least in ((16, 0.8), (LOCAL_GAMES, None)):
        share = share_of_bound(games, durations.learning)
        what = f"{games} games, learning, through 5 ms of emulated round trip: share of {games} per 5 ms"
        note = f"{share * games * TRIPS:,.0f} decisions/s"
        yield Row(what, share, "", 2, note if least is None else f"{note}; {pings()}", at_least=least)


def share_of_bound(games: int, seconds: float, tree: Path = ROOT) -> float:
    """Return the decisions of each game in 5 ms through such a network; one is the bound."""
    with (
        Server("--lockstep", "--games", str(games), tree=tree) as server,
        ProxyProcess(server.port, DELAY_MILLISECONDS) as proxy,
        training(2 * seconds, "--host", "127.0.0.1", "--port", str(proxy.port), tree=tree) as (learner, _),
    ):
        learner.find("connected to")
        counts = [proxy.counts()]
        for _ in range(WINDOWS):
            time.sleep(seconds / WINDOWS)
            counts.append(proxy.counts())
    return median_rate([(each.time, each.steps) for each in counts], seconds / WINDOWS) / TRIPS


def pings() -> str:
    """Say how long a PING takes through such a network, and directly."""
    taken = []  # milliseconds
    with Server("--lockstep") as server, ProxyProcess(server.port, DELAY_MILLISECONDS) as proxy:
        for port in (server.port, proxy.port):
            with Drawn(port) as agent:
                taken.append([1000 * agent.ping() for _ in range(100)])
    directly, through = taken
    return (
        f"a PING takes {statistics.median(through):.2f} ms through it (95 % under "
        f"{np.percentile(through, 95):.2f}) and {statistics.median(directly):.2f} directly"
    )


def wire_bytes(durations: Durations) -> Iterator[Row]:
    """Count what an agent that learns and its server send each other."""
    with Server("--lockstep", "--games", "16") as server, ProxyProcess(server.port) as proxy:
        with Drawn(server.port) as agent:
            games = agent.games
        seconds = durations.learning / 4
        with training(seconds, "--host", "127.0.0.1", "--port", str(proxy.port)) as (learner, _):
            learner.finish(3 * seconds + 60)
        counts = proxy.counts()
    decisions = games * counts.steps
    note = f"{decisions:,} decisions, with handshake and heartbeats"
    what = "bytes on the wire per decision, 16 games, learning, "
    yield Row(what + "down", counts.bytes_down / decisions, "bytes", 1, note, at_most=200)
    yield Row(what + "up", counts.bytes_up / decisions, "bytes", 2, at_most=2)


def seed(_: Durations) -> Iterator[Row]:
    """Time lockstep without learning, in turn with the protocol and loop of the first program."""
    with (
        Server("--lockstep") as server,
        Drawn(server.port) as agent,
        Listening("-m", "tools.bench.seed_protocol") as theirs,
        seed_protocol.open_line(theirs.port) as line,
    ):
        turns = take_turns(lambda: seed_protocol.play(line, [1]), agent.decide, (24, 1000), 7)
    note = f"{1 / turns.second:,.0f} steps/s against {1 / turns.first:.1f}"
    what = "lockstep, 1 game, without learning: steps per second, by those of the first program's protocol"
    yield Row(what, turns.ratio, "×", 0, note, at_least=100)


# ---------------------------------------------------------------------------------------------
# Real time


@dataclass(frozen=True)
class Load:
    """What server and agent need in real time.

    Attributes:
        server, agent: shares of a core, in per cent.
        arrivals: when each state came, in seconds.
    """

    server: float
    agent: float
    arrivals: npt.NDArray[np.float64]


def load(seconds: float) -> Load:
    """Let mainmodel.py learn for some seconds from a server in real time."""
    with Server() as server, ProxyProcess(server.port, times=True) as proxy:
        flags = ("--host", "127.0.0.1", "--port", str(proxy.port))
        with training(seconds + 60, *flags) as (agent, _):
            agent.find("connected to")
            time.sleep(SETTLING_SECONDS)
            pids = (server.pid, agent.pid)
            begin, before = time.monotonic(), [cpu_seconds(pid) for pid in pids]
            time.sleep(seconds)
            end, after = time.monotonic(), [cpu_seconds(pid) for pid in pids]
            times = np.array(proxy.counts().step_times)
    shares = [100 * (late - early) / (end - begin) for early, late in zip(before, after, strict=True)]
    return Load(shares[0], shares[1], times[(times >= begin) & (times <= end)])


@contextlib.contextmanager
def playing(port: int, seconds: float) -> Iterator[Process]:
    """Run a player in real time, from its first state on."""
    command = ("-m", "tools.bench.player", "--port", str(port), "--seconds", str(seconds))
    with Process(*command) as player:
        player.find("playing")
        yield player


def record_of(player: Process, seconds: float) -> Record:
    """Wait for the record of a player that plays for some seconds."""
    return Record(**json.loads(player.find("^{", seconds + 60).text))


def real_time(durations: Durations) -> Iterator[Row]:
    """Measure real time with an agent that learns, then with one that notes every tick."""
    seconds = durations.real_time
    burden = load(seconds)
    what = "real time, `mainmodel.py` learning: "
    yield Row(what + "the server's share of a core", burden.server, "%", 1, at_most=8)
    yield Row(what + "the agent's", burden.agent, "%", 1, at_most=15)
    noted = min(seconds, TICKS_SECONDS)
    with Server("--frameskip", "1") as server, playing(server.port, noted) as player:
        record = record_of(player, noted)
    note = f"{len(record.times):,} ticks, `--frameskip 1`; " + in_words(record.lateness)
    share = 100 * share_in_time(record.lateness)
    yield Row("real time: ticks within 2 ms of their time", share, "%", 2, note, at_least=99)
    arrivals = burden.arrivals
    late = lateness(arrivals, numbers_of(arrivals))
    share = 100 * share_in_time(late)
    note = f"{len(arrivals):,} states; " + in_words(late)
    yield Row(what + "states within 2 ms of their time", share, "%", 2, note, at_least=99)
    note = f"in {seconds:g} s; {record.dropped[-1]} in {noted:g} s with 17 ms for each answer"
    yield Row(what + "states dropped", states_missing(arrivals, FRAMESKIP), "states", 0, note, at_most=0)


def in_words(late: npt.NDArray[np.float64]) -> str:
    """Say how late ticks were."""
    median, high, latest = (1000 * float(np.percentile(late, share)) for share in (50, 99, 100))
    return f"median {median:.2f} ms late, 99 % under {high:.2f}, the latest {latest:.1f}"


def stopped(_: Durations) -> Iterator[Row]:
    """Stop the agent for five seconds in real time, and count ticks, states and rewards that are lost."""
    seconds = STOPPED_SECONDS + 6
    with (
        Server("--points-to-win", "10000") as server,  # no match ends and sets the score to 0
        playing(server.port, seconds) as player,
    ):
        time.sleep(3)
        begin = time.monotonic()
        player.process.send_signal(signal.SIGSTOP)
        try:
            time.sleep(STOPPED_SECONDS)
        finally:
            end = time.monotonic()
            player.process.send_signal(signal.SIGCONT)
        record = record_of(player, seconds)
    what = f"real time, the agent stopped for {STOPPED_SECONDS:g} s: "
    note = f"{sum(record.ticks):,} ticks in all, {max(record.ticks)} in one STEP"
    lost = abs(record.ticks_lost(begin, end))
    yield Row(what + "ticks lost or gained", lost, "ticks", 2, note, at_most=1)
    due = -(-max(record.ticks) // FRAMESKIP) - 1  # the state of the last decision was sent
    yield Row(what + "states dropped and counted", record.dropped[-1], "states", at_least=max(due, 1))
    note = f"the score went from {record.left[0]}:{record.right[0]} to {record.left[-1]}:{record.right[-1]}"
    yield Row(what + "rewards lost", abs(record.reward_lost), "points", 0, note, at_most=0)


# ---------------------------------------------------------------------------------------------
# Memory, start, camera


def memory(durations: Durations) -> Iterator[Row]:
    """Watch the memory of mainmodel.py --local and of its server while it trains."""
    seconds = 60 * durations.memory
    samples: list[tuple[float, float, float]] = []  # seconds, megabytes of server and agent
    with training(seconds, "--local") as (agent, _):
        begin = agent.find("connected to").time
        while not agent.has_ended():
            with contextlib.suppress(ProcessLookupError, FileNotFoundError):  # it has ended just now
                servers = [resident_megabytes(pid) for pid in children(agent.pid)]
                if servers:
                    now = time.monotonic() - begin
                    samples.append((now, max(servers), resident_megabytes(agent.pid)))
            time.sleep(SAMPLE_SECONDS)
        agent.finish(60)
    table = np.array(samples)
    for column, who, most in ((1, "server", 120), (2, "agent", 300)):
        megabytes = table[:, column]
        what = f"memory in {durations.memory:g} minutes of training with `--local`: the {who}'s"
        yield Row(what, float(megabytes.max()), "MB", at_most=most)
        what = f"the same: growth after the first {durations.memory / 6:.2g} minutes"
        yield Row(what, growth(table[:, 0], megabytes), "MB", 1, at_most=2)


def growth(times: npt.NDArray[np.float64], megabytes: npt.NDArray[np.float64]) -> float:
    """Return the median of the last sixth of a run minus that of its second sixth, after a warm-up."""
    sixth = times[-1] / 6
    second = (times >= sixth) & (times < 2 * sixth)
    return float(np.median(megabytes[times >= 5 * sixth]) - np.median(megabytes[second]))


def start(_: Durations) -> Iterator[Row]:
    """Measure how soon server and agent are ready."""
    listening = [seconds_to_listen() for _ in range(5)]
    yield Row("`pong.py --headless` until it listens", statistics.median(listening), "s", 2, at_most=1.0)
    deciding = [seconds_to_decision() for _ in range(5)]
    note = "until the log of `--debug` shows the first ACTION"
    what = "`mainmodel.py --local` until its first decision"
    yield Row(what, statistics.median(deciding), "s", 2, note, at_most=2.5)
    with Server() as server:
        time.sleep(SETTLING_SECONDS)
        yield Row("memory of a server without an agent", resident_megabytes(server.pid), "MB")


def seconds_to_listen() -> float:
    """Return the seconds from the start of pong.py until it listens."""
    with Server() as server:
        return server.seconds_to_listen


def seconds_to_decision() -> float:
    """Return the seconds from the start of mainmodel.py --local until its server has its first decision.

    Server and agent log to the same standard error: the first line with an ACTION counts, or with STEP 1,
    which answers it.
    """
    with training(60, "--local", "--debug") as (agent, _):
        return agent.find(r"\bACTION\b|\bSTEP 1\b").time - agent.begun


def camera(_: Durations) -> Iterator[Row]:
    """Measure the time of one frame."""
    game, eye, places = Game(1), Camera(), random.Random(1)

    def move() -> None:
        game.ball_x, game.ball_y = places.randint(0, 690), places.randint(0, 490)
        game.paddles = [places.randint(0, PADDLE_BOTTOM), places.randint(0, PADDLE_BOTTOM)]

    def look() -> None:
        move()
        eye.look(game)

    moving = seconds_per_call(move, 20_000)
    turns = take_turns(lambda: Camera.full(game), look, (50, 2000), 9)
    note = f"drawing and resizing the whole court {1e6 * turns.first:.0f} µs"
    yield Row("a frame by the camera", 1e6 * (turns.second - moving), "µs", 1, note)


def page(durations: Durations) -> Iterator[Row]:
    """Measure a server in real time while 0, 1, 10 and 100 browsers look at its page."""
    yield from viewers.page(durations.learning)


def agent_page(durations: Durations) -> Iterator[Row]:
    """Measure training without a page, with one that nobody looks at, and with three who do."""
    yield from viewers.agent_page(durations.learning)


MEASURES: dict[str, Callable[[Durations], Iterator[Row]]] = {
    "learning": learning,
    "lockstep": lockstep,
    "learning16": learning16,
    "learning64": learning64,
    "delay": delay,
    "bytes": wire_bytes,
    "seed": seed,
    "real-time": real_time,
    "stopped": stopped,
    "memory": memory,
    "start": start,
    "camera": camera,
    "page": page,
    "agent-page": agent_page,
}
