"""A proxy that delays traffic like a network, and counts it.

    python -m tools.bench.delay --to HOST:PORT --milliseconds 5

    agent ──► line up:   read · under way for half of --milliseconds · written ──► server
    agent ◄── line down: the same                                              ◄── server

A line keeps each piece that it reads with the moment when it is due, and writes it then. So pieces keep the
distances in time that they came with, and several can be under way at once. The proxy prints "listening on
HOST:PORT". It answers each line of its standard input with the counts so far, as a line of JSON. One thread
serves all connections.
"""

from __future__ import annotations

import argparse
import contextlib
import ctypes
import json
import math
import os
import select
import socket
import struct
import sys
import time
from collections import Counter, deque
from dataclasses import dataclass
from typing import Any

HEADER = struct.Struct("!BI")  # a message's kind, and the length of its body
STEP = 19  # the kind of message whose times are kept with --times
PIECE_BYTES = 1 << 16
AWAKE_SECONDS = 0.00025  # stay awake so long before a piece is due, because cores wake up late
PR_SET_TIMERSLACK = 29


class Tally:
    """Counts the bytes and messages that go one way, in whatever pieces they come.

    Attributes:
        bytes: bytes so far.
        messages: messages so far, by kind.
        times: when the last byte of each STEP came.
    """

    def __init__(self) -> None:
        self.bytes = 0
        self.messages: Counter[int] = Counter()
        self.times: list[float] = []
        self._header = b""
        self._missing = 0  # bytes of the body that are still to come

    def count(self, piece: bytes, now: float) -> None:
        """Count a piece that came at the time `now`."""
        self.bytes += len(piece)
        while piece:
            if len(self._header) < HEADER.size:
                taken = HEADER.size - len(self._header)
                self._header += piece[:taken]
                if len(self._header) == HEADER.size:
                    self._missing = HEADER.unpack(self._header)[1]
            else:
                taken = min(self._missing, len(piece))
                self._missing -= taken
            piece = piece[taken:]
            if len(self._header) == HEADER.size and not self._missing:
                self._count_message(now)

    def _count_message(self, now: float) -> None:
        kind = self._header[0]
        self.messages[kind] += 1
        if kind == STEP:
            self.times.append(now)
        self._header = b""


class Line:
    """One direction of a connection: what it reads, it writes some seconds later, in order.

    Attributes:
        tally: counts what was read.
        ended: True when the end has been passed on.
        stuck: True while the sink takes nothing more.
    """

    def __init__(self, source: socket.socket, sink: socket.socket, seconds: float) -> None:
        self.source, self.sink = source, sink
        self.tally = Tally()
        self._seconds = seconds
        self._under_way: deque[tuple[float, bytes]] = deque()  # (due, piece); an empty piece is the end
        self._ending = False  # the end was read
        self.ended = False
        self.stuck = False

    @property
    def reading(self) -> bool:
        """True if more can be read: a full network takes nothing in."""
        return not self._ending and not self.stuck

    @property
    def due(self) -> float:
        """When the next piece must be written."""
        return self._under_way[0][0] if self._under_way and not self.stuck else math.inf

    def read(self, now: float) -> None:
        """Read what has come.

        Raises:
            OSError: the connection is broken.
        """
        piece = self.source.recv(PIECE_BYTES)
        self._ending = not piece
        self.tally.count(piece, now)
        self._under_way.append((now + self._seconds, piece))

    def write(self, now: float) -> None:
        """Write what is due, as far as the sink takes it.

        Raises:
            OSError: the connection is broken.
        """
        self.stuck = False
        while not self.stuck and self.due <= now:
            due, piece = self._under_way.popleft()
            if not piece:
                self.sink.shutdown(socket.SHUT_WR)
                self.ended = True
                continue
            try:
                rest = piece[self.sink.send(piece) :]
            except BlockingIOError:
                rest = piece
            if rest:
                self._under_way.appendleft((due, rest))
                self.stuck = True


@dataclass
class Passage:
    """A connection through the proxy, with a line for each direction."""

    up: Line
    down: Line

    @property
    def lines(self) -> tuple[Line, Line]:
        """Both lines."""
        return self.up, self.down

    def write(self, now: float) -> bool:
        """Write what is due, and return True if the connection goes on."""
        try:
            for line in self.lines:
                line.write(now)
        except OSError:
            return False
        return not (self.up.ended and self.down.ended)

    def close(self) -> None:
        """Close both sockets."""
        self.up.source.close()
        self.up.sink.close()


class Proxy:
    """Listens on a free port of this machine, and passes everything on to one server and back."""

    def __init__(self, to: tuple[str, int], round_trip_seconds: float, times: bool = False) -> None:
        self._to, self._seconds, self._times = to, round_trip_seconds / 2, times
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.address: tuple[str, int] = self._listener.getsockname()
        self._passages: list[Passage] = []
        self._tallies: list[tuple[Tally, Tally]] = []  # up and down, of all connections there ever were

    def run(self, control: int, until_eof: bool = True) -> None:
        """Serve, and answer each line of the file `control` with the counts.

        Args:
            control: number of the file.
            until_eof: end when that file ends.
        """
        readers: list[Any] = [self._listener, control]
        with contextlib.ExitStack() as stack:
            stack.callback(self._close)
            while True:
                ready = self._wait(readers)
                self._serve(ready)
                if control in ready:
                    asked = os.read(control, 4096)
                    for _ in range(asked.count(b"\n")):
                        print(json.dumps(self.counts()), flush=True)
                    if not asked and until_eof:
                        return
                    if not asked:
                        readers.remove(control)

    def counts(self) -> dict[str, Any]:
        """Return what has passed in each direction so far, and the time."""
        ways = [[pair[way] for pair in self._tallies] for way in (0, 1)]
        return {"now": time.monotonic(), "up": self._sum(ways[0]), "down": self._sum(ways[1])}

    def _sum(self, tallies: list[Tally]) -> dict[str, Any]:
        messages = sum((tally.messages for tally in tallies), Counter[int]())
        counts: dict[str, Any] = {"bytes": sum(tally.bytes for tally in tallies), "messages": dict(messages)}
        if self._times:
            counts["times"] = [at for tally in tallies for at in tally.times]
        return counts

    def _wait(self, readers: list[Any]) -> list[Any]:
        """Wait until something can be read or written, or is due."""
        lines = [line for passage in self._passages for line in passage.lines]
        sources = [line.source for line in lines if line.reading]
        sinks = [line.sink for line in lines if line.stuck]
        due = min((line.due for line in lines), default=math.inf)
        seconds = None if due == math.inf else max(due - time.monotonic() - AWAKE_SECONDS, 0.0)
        return select.select(readers + sources, sinks, [], seconds)[0]

    def _serve(self, ready: list[Any]) -> None:
        now = time.monotonic()
        for passage in list(self._passages):
            try:
                for line in passage.lines:
                    if line.source in ready:
                        line.read(now)
                goes_on = passage.write(time.monotonic())
            except OSError:
                goes_on = False
            if not goes_on:
                self._passages.remove(passage)
                passage.close()
        if self._listener in ready:
            self._accept()

    def _accept(self) -> None:
        agent, _ = self._listener.accept()
        try:
            server = socket.create_connection(self._to)
        except OSError as error:
            agent.close()
            print(f"no server at {self._to[0]}:{self._to[1]} ({error})", file=sys.stderr, flush=True)
            return
        for sock in (agent, server):
            sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            sock.setblocking(False)
        passage = Passage(Line(agent, server, self._seconds), Line(server, agent, self._seconds))
        self._passages.append(passage)
        self._tallies.append((passage.up.tally, passage.down.tally))

    def _close(self) -> None:
        self._listener.close()
        for passage in self._passages:
            passage.close()


def wake_in_time() -> None:
    """Ask the kernel to end our waits on time instead of up to 50 µs later (Linux)."""
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(PR_SET_TIMERSLACK, 1, 0, 0, 0)


def main() -> None:
    """Run the proxy from its command line."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument(
        "--to", required=True, metavar="HOST:PORT", help="the server to pass everything on to"
    )
    parser.add_argument("--milliseconds", type=float, default=5.0, help="time of a round trip (5)")
    parser.add_argument("--times", action="store_true", help="also keep the time of each STEP")
    parser.add_argument("--until-eof", action="store_true", help="end when standard input does")
    options = parser.parse_args()
    host, _, port = options.to.rpartition(":")
    proxy = Proxy((host, int(port)), options.milliseconds / 1000, options.times)
    wake_in_time()
    print("listening on {}:{}".format(*proxy.address), flush=True)
    with contextlib.suppress(KeyboardInterrupt):
        proxy.run(0, options.until_eof)


if __name__ == "__main__":
    main()
