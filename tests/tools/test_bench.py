"""Tests of the benchmark's parts. What it measures is not tested: a time that is asserted fails some day."""

from __future__ import annotations

import contextlib
import json
import math
import os
import random
import socket
import subprocess
import sys
import threading
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest

from pongrl.game.camera import Camera
from pongrl.game.rules import Game
from pongrl.wire.client import PongClient
from pongrl.wire.framing import Kind, message
from tests.support import PATIENCE, serving
from tools.bench import __main__ as bench
from tools.bench import seed_protocol
from tools.bench.delay import HEADER, STEP, Line, Proxy, Tally
from tools.bench.measures import MEASURES, Durations, growth, median_rate
from tools.bench.player import Record, lateness, numbers_of, play, share_in_time, states_missing
from tools.bench.processes import Listening, Relay, children, cpu_seconds, pinned, resident_megabytes
from tools.bench.table import Row, machine, put_between

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="the benchmark reads /proc")


@contextlib.contextmanager
def socket_pairs(count: int) -> Iterator[list[tuple[socket.socket, socket.socket]]]:
    with contextlib.ExitStack() as stack:
        pairs = [socket.socketpair() for _ in range(count)]
        for pair in pairs:
            for sock in pair:
                stack.enter_context(sock)
                sock.settimeout(PATIENCE)
        yield pairs


@contextlib.contextmanager
def proxied(seconds: float = 0.0) -> Iterator[tuple[socket.socket, socket.socket, Proxy]]:
    """A connection through a proxy: both ends of it, and the proxy."""
    with socket.create_server(("127.0.0.1", 0)) as listener, contextlib.ExitStack() as stack:
        proxy = Proxy(listener.getsockname(), seconds, times=True)
        control, ours = os.pipe()
        thread = threading.Thread(target=proxy.run, args=(control,))
        thread.start()
        stack.callback(os.close, control)
        stack.callback(thread.join)
        stack.callback(os.close, ours)  # the end of its input ends it
        agent = stack.enter_context(socket.create_connection(proxy.address))
        server = stack.enter_context(listener.accept()[0])
        for sock in (agent, server):
            sock.settimeout(PATIENCE)
        yield agent, server, proxy


def all_of(sock: socket.socket) -> bytes:
    return b"".join(iter(lambda: sock.recv(1 << 16), b""))


def send_and_end(sock: socket.socket, pieces: list[bytes]) -> None:
    for piece in pieces:
        sock.sendall(piece)
    sock.shutdown(socket.SHUT_WR)


# ---------------------------------------------------------------------------------------------
# The delaying proxy


@pytest.mark.parametrize("seconds", [0.0, 0.002])
def test_the_proxy_passes_every_byte_on_in_order_and_both_ways(seconds: float) -> None:
    source = random.Random(1)
    pieces = {way: [source.randbytes(source.randint(1, 90_000)) for _ in range(60)] for way in ("up", "down")}
    with proxied(seconds) as (agent, server, proxy):
        threads = [
            threading.Thread(target=send_and_end, args=(sock, pieces[way]))
            for sock, way in ((agent, "up"), (server, "down"))
        ]
        for thread in threads:
            thread.start()
        came: dict[str, bytes] = {}
        reader = threading.Thread(target=lambda: came.update(up=all_of(server)))
        reader.start()
        came["down"] = all_of(agent)
        for thread in (*threads, reader):
            thread.join()
        counts = proxy.counts()
    for way in ("up", "down"):
        assert came[way] == b"".join(pieces[way])
        assert counts[way]["bytes"] == len(came[way])


def test_the_proxy_passes_an_end_on_only_behind_the_bytes_before_it_and_leaves_the_other_way_open() -> None:
    with proxied(0.002) as (agent, server, _):
        send_and_end(agent, [b"the last word"])
        assert all_of(server) == b"the last word"
        server.sendall(b"the answer")
        assert agent.recv(100) == b"the answer"


def test_the_proxy_ends_a_connection_whose_server_is_not_there(capfd: pytest.CaptureFixture[str]) -> None:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        address = listener.getsockname()
    proxy = Proxy(address, 0.0)
    control, ours = os.pipe()
    thread = threading.Thread(target=proxy.run, args=(control,))
    thread.start()
    with socket.create_connection(proxy.address, PATIENCE) as agent:
        assert agent.recv(1) == b""
    os.close(ours)
    thread.join()
    os.close(control)
    assert "no server at 127.0.0.1" in capfd.readouterr().err


def test_a_line_lets_each_piece_wait_for_its_own_time() -> None:
    with socket_pairs(2) as ((ours, source), (sink, theirs)):
        sink.setblocking(False)
        theirs.setblocking(False)
        line = Line(source, sink, 5.0)
        ours.sendall(b"one")
        line.read(100.0)
        ours.sendall(b"two")
        line.read(102.0)
        assert line.due == 105.0
        line.write(104.9)
        with pytest.raises(BlockingIOError):
            theirs.recv(10)
        line.write(105.0)
        assert theirs.recv(10) == b"one"
        assert line.due == 107.0
        line.write(107.5)
        assert theirs.recv(10) == b"two"
        assert line.due == math.inf


def test_a_line_whose_sink_is_full_stops_reading_and_loses_nothing() -> None:
    with socket_pairs(2) as ((ours, source), (sink, theirs)):
        sink.setblocking(False)
        theirs.setblocking(False)
        line, sent, came = Line(source, sink, 0.0), bytearray(), bytearray()
        while line.reading:
            piece = bytes((len(sent) // 50_000 % 251,)) * 50_000
            ours.sendall(piece)
            sent += piece
            line.read(1.0)
            line.write(1.0)
        while len(came) < len(sent):
            came += theirs.recv(1 << 20)
            line.write(1.0)
        assert came == sent
        assert line.reading


def test_a_line_keeps_what_its_full_sink_has_not_taken_before_what_is_under_way() -> None:
    with socket_pairs(2) as ((ours, source), (sink, theirs)):
        sink.setblocking(False)
        line, sent = Line(source, sink, 1.0), b""
        for number in range(60):
            piece = bytes((number,)) * 50_000
            ours.sendall(piece)
            sent += piece
            line.read(1.0)
        line.write(2.0)
        assert line.stuck
        came = b""
        while len(came) < len(sent):
            came += theirs.recv(1 << 20)
            line.write(2.0)
        assert came == sent


def test_the_tally_counts_messages_in_whatever_pieces_they_come() -> None:
    assert (STEP, HEADER.size) == (Kind.STEP, len(message(Kind.BYE)))
    kinds = [(Kind.STEP, 0), (Kind.HEARTBEAT, 0), (Kind.STEP, 3000), (Kind.PONG, 8), (Kind.STEP, 1)]
    data = b"".join(message(kind, bytes(size)) for kind, size in kinds) * 7
    for size in (1, 2, 3, 5, 7, 64, 2999, len(data)):
        tally = Tally()
        for number, at in enumerate(range(0, len(data), size)):
            tally.count(data[at : at + size], float(number))
        assert tally.messages == {Kind.STEP: 21, Kind.HEARTBEAT: 7, Kind.PONG: 7}
        assert tally.bytes == len(data)
        assert len(tally.times) == 21


def test_the_tally_notes_when_the_last_byte_of_a_step_came_and_not_the_first() -> None:
    tally, step = Tally(), message(Kind.STEP, bytes(10))
    tally.count(step[:-1], 1.0)
    assert tally.times == []
    tally.count(step[-1:] + step[:6], 2.0)
    tally.count(step[6:], 3.0)
    assert tally.times == [2.0, 3.0]


def test_a_relay_counts_what_an_agent_and_its_server_send_each_other() -> None:
    with serving(lockstep=True, games=3) as server, Relay(server.address[1], times=True) as relay:
        with PongClient(port=relay.port) as client:
            client.connect()
            before = relay.counts()
            for _ in range(5):
                client.step([1, 2, 0])
            after = relay.counts()
        assert (before.steps, after.steps) == (1, 6)
        assert after.bytes_up - before.bytes_up == 5 * len(message(Kind.ACTION, bytes(4 + 3)))
        assert after.bytes_down > before.bytes_down
        assert sorted(after.step_times) == after.step_times
        assert after.step_times[:1] == before.step_times
        assert after.step_times[-1] <= after.time


# ---------------------------------------------------------------------------------------------
# The seed's protocol


def test_the_seeds_frame_survives_its_archive() -> None:
    frame = Camera.full(Game(1))
    assert np.array_equal(seed_protocol.unpack_frame(seed_protocol.pack_frame(frame)), frame)


def test_the_seeds_messages_keep_their_bounds() -> None:
    with socket_pairs(1) as ((server, agent),):
        bodies = [b"", b"\0", bytes(3000), b"last"]
        for body in bodies:
            seed_protocol.send(server, body)
        assert [seed_protocol.receive(agent) for _ in bodies] == bodies
        server.close()
        with pytest.raises(EOFError):
            seed_protocol.receive(agent)


def test_the_seeds_state_is_the_game_as_it_stands() -> None:
    game = Game(1)
    game.score = [2, 7]
    with socket_pairs(1) as ((server, agent),):
        seed_protocol.send_state(server, game, -1)
        reward, score, frame = seed_protocol.receive_state(agent)
    assert (reward, score) == (-1, (2, 7))
    assert np.array_equal(frame, Camera.full(game))


def test_the_seeds_loop_plays_a_tick_for_every_move() -> None:
    game = Game(1)
    x, velocity, y = game.ball_x, game.ball_vx, game.paddles[0]
    with socket_pairs(1) as ((server, agent),):
        thread = threading.Thread(target=seed_protocol.serve, args=(server, game))
        thread.start()
        assert seed_protocol.play(agent, [1, 1, 2]) == 0
        seed_protocol.receive_state(agent)  # so that the last move was obeyed
        agent.close()
        thread.join()
    assert game.ball_x == x + 3 * velocity
    assert game.paddles[0] == y - 5


def test_the_seeds_loop_tells_of_rewards() -> None:
    game = Game(1)
    game.ball_x, game.ball_y, game.ball_vx, game.paddles = 4, 450, -8, [0, 0]
    with socket_pairs(1) as ((server, agent),):
        thread = threading.Thread(target=seed_protocol.serve, args=(server, game))
        thread.start()
        assert seed_protocol.play(agent, [0, 0, 0]) == -1
        agent.close()
        thread.join()


def test_the_seeds_server_is_a_process_of_its_own() -> None:
    with Listening("-m", "tools.bench.seed_protocol") as server, seed_protocol.open_line(server.port) as line:
        assert line.getsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY) == 0
        seed_protocol.play(line, [1])


# ---------------------------------------------------------------------------------------------
# The grid of ticks


def arrivals_of(numbers: np.ndarray, jitter: float = 0.0002) -> np.ndarray:
    return 12.345 + numbers / 60 + np.random.default_rng(1).exponential(jitter, len(numbers))


def test_ticks_on_a_grid_are_in_time_whatever_its_phase() -> None:
    numbers = np.arange(6000)
    late = lateness(arrivals_of(numbers), numbers)
    assert share_in_time(late) > 0.999
    assert abs(np.median(late)) < 0.0003


def test_late_ticks_are_found_and_the_others_are_not_blamed() -> None:
    numbers = np.arange(6000)
    arrivals = arrivals_of(numbers)
    arrivals[0] += 0.005
    arrivals[1000:1600] += 0.003
    assert share_in_time(lateness(arrivals, numbers)) == pytest.approx(0.9, abs=0.001)


def test_a_clock_that_is_set_anew_is_late_from_then_on() -> None:
    numbers = np.arange(6000)
    arrivals = arrivals_of(numbers)
    arrivals[3000:] += 0.010
    assert share_in_time(lateness(arrivals, numbers)) == pytest.approx(0.5, abs=0.001)


def test_a_clock_that_runs_slow_is_found() -> None:
    numbers = np.arange(6000)
    assert share_in_time(lateness(arrivals_of(numbers) + numbers * 2e-6, numbers)) < 0.5


def test_the_numbers_of_ticks_follow_from_their_times() -> None:
    numbers = np.cumsum([0, 8, 8, 3, 8, 16, 1] * 50)
    assert np.array_equal(numbers_of(arrivals_of(numbers)), numbers - numbers[0])


def test_dropped_states_are_counted_by_the_gaps_they_leave() -> None:
    def missing(*ticks: int) -> int:
        return states_missing(arrivals_of(np.cumsum((0, *ticks))), 8)

    assert missing(8, 8, 3, 8, 1, 8) == 0
    assert missing(8, 16, 8) == 1
    assert missing(8, 3 + 8, 8) == 1  # a point ended the one that was dropped
    assert missing(8, 24, 8, 9) == 3


def record_of_a_stop(lost: int = 0) -> Record:
    """A record of decisions of 8 ticks, of which 37 were dropped while the agent was stopped."""
    ticks = [0] + [8] * 20 + [8 * 38] + [8] * 20
    times = arrivals_of(np.cumsum(ticks))
    times[20] += 5  # had come, but was read late
    times[21:] += lost / 60
    rewards = [0] * 42
    rewards[0] = 2  # of points that the first score has in it
    rewards[21] = -3
    left, right = [4] * 42, [2] * 21 + [5] * 21
    return Record(times.tolist(), ticks, rewards, [0] * 21 + [37] * 21, left, right)


def test_a_stopped_agents_record_tells_of_ticks_that_were_lost() -> None:
    begin = record_of_a_stop().times[19] + 0.1
    end = begin + 4.9
    assert record_of_a_stop().ticks_lost(begin, end) == pytest.approx(0, abs=0.05)
    assert record_of_a_stop(lost=2).ticks_lost(begin, end) == pytest.approx(2, abs=0.05)
    with pytest.raises(RuntimeError, match="no state came"):
        record_of_a_stop().ticks_lost(begin, end + 60)


def test_a_record_tells_of_rewards_that_were_lost() -> None:
    record = record_of_a_stop()
    assert record.reward_lost == 0
    record.rewards[21] += 1
    assert record.reward_lost == -1


def test_the_player_notes_every_state(capsys: pytest.CaptureFixture[str]) -> None:
    with serving(lockstep=True, seed=1) as server, PongClient(*server.address) as client:
        record = play(client, 1e-6)
    assert capsys.readouterr().out.endswith("playing\n")
    assert record.ticks == [0, 8]
    assert record.times[0] <= record.times[1]
    assert (record.rewards, record.dropped, record.left, record.right) == ([0, 0],) * 4


# ---------------------------------------------------------------------------------------------
# Figures, rows, table


def test_a_rate_is_the_median_of_windows() -> None:
    rows = [(0.0, 0), (0.5, 10), (1.0, 100), (2.1, 320), (3.0, 330), (3.2, 1000)]
    assert median_rate(rows, 1.0) == pytest.approx(200)


def test_growth_is_told_from_the_second_sixth_to_the_last() -> None:
    times = np.arange(60.0)
    assert growth(times, np.where(times < 10, 50.0, 80.0)) == 0
    assert growth(times, 80 + times / 10) == pytest.approx(4, abs=0.2)


def test_a_ratio_is_one_or_more_where_the_bound_holds() -> None:
    assert Row("", 4400, "", at_least=4000).ratio == "1.10"
    assert Row("", 3999, "", at_least=4000).ratio == "0.99"  # never rounded up
    assert Row("", 3, "", at_most=4).ratio == "1.33"
    assert Row("", 8, "", at_most=4).ratio == "0.50"
    assert Row("", 2, "", at_most=400).ratio == "200"
    assert Row("", 0, "", at_most=0).ratio == "ok"
    assert Row("", 1, "", at_most=0).ratio == "missed"
    assert Row("", -0.5, "", at_most=2).ratio == "ok"
    assert Row("", 0, "", at_least=5).ratio == "missed"
    assert Row("", 7, "").ratio == "–"


def test_a_row_reads_as_markdown() -> None:
    row = Row("lockstep", 4321.6, "decisions/s", note="with a note", at_least=4000)
    assert str(row) == "| lockstep | 4,322 decisions/s; with a note | at least 4,000 decisions/s | 1.08 |"
    assert str(Row("camera", 2.44, "µs", 1)) == "| camera | 2.4 µs | – | – |"
    assert str(Row("share", 0.5, "", 2, at_least=0.8)) == "| share | 0.50 | at least 0.8 | 0.62 |"


def test_the_table_replaces_what_is_between_its_marks_and_nothing_else() -> None:
    text = "before\n<!-- speed -->\nold\n<!-- end of speed -->\nafter\n"
    once = put_between(text, "speed", "new")
    assert once == "before\n<!-- speed -->\nnew\n<!-- end of speed -->\nafter\n"
    assert put_between(once, "speed", "new") == once
    assert put_between(text, "learning 2", "new") == text


def test_the_machine_is_named() -> None:
    assert np.__version__ in machine()
    assert f"{os.cpu_count()} cores" in machine()


def test_the_readme_has_the_marks() -> None:
    text = put_between(bench.README.read_text("utf-8"), "speed", "found")
    assert text.count("<!-- speed -->\nfound\n<!-- end of speed -->") == 1


def test_each_measurement_can_be_chosen_and_says_what_it_does(capsys: pytest.CaptureFixture[str]) -> None:
    assert bench.main(["--list"]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert [line.split()[0] for line in lines] == list(MEASURES)
    assert all(len(line.split()) > 3 for line in lines)
    assert bench.parse(["--only", "seed,bytes"]).names == ["seed", "bytes"]
    assert bench.parse([]).names == list(MEASURES)
    for wrong in (["--only", "sead"], ["--readme", "--only", "seed"]):
        with pytest.raises(SystemExit):
            bench.parse(wrong)


def test_a_measurement_that_fails_costs_only_its_own_rows(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def fails(_: Durations) -> Iterator[Row]:
        yield Row("one", 1, "")
        raise RuntimeError("no more")

    monkeypatch.setitem(MEASURES, "first", fails)
    monkeypatch.setitem(MEASURES, "second", lambda _: iter([Row("two", 2, "")]))
    rows, good = bench.measure(["first", "second"], Durations())
    assert not good
    assert [row.split(" | ")[0] for row in rows] == ["| one", "| first", "| two"]
    assert "no more" in rows[1]
    assert capsys.readouterr().out.splitlines() == rows


def test_the_whole_table_can_be_put_into_the_readme(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    readme = tmp_path / "README.md"
    readme.write_text("<!-- speed -->\nold\n<!-- end of speed -->\n", "utf-8")
    monkeypatch.setattr(bench, "README", readme)
    monkeypatch.setattr(bench, "machine", lambda: "a machine:")
    for name in MEASURES:
        monkeypatch.setitem(MEASURES, name, lambda _: iter([Row("row", 2, "", at_most=4)]))
    assert bench.main(["--readme"]) == 0
    text = readme.read_text("utf-8")
    assert text.startswith("<!-- speed -->\na machine:\n\n| what |")
    assert text.count("| row | 2 | at most 4 | 2.00 |") == len(MEASURES)


# ---------------------------------------------------------------------------------------------
# Processes


def test_proc_tells_of_a_process_and_its_children() -> None:
    with subprocess.Popen([sys.executable, "-c", "input()"], stdin=subprocess.PIPE) as child:
        assert child.pid in children(os.getpid())
        with pinned({child.pid: {min(os.sched_getaffinity(0))}}):
            assert len(os.sched_getaffinity(child.pid)) == 1
        assert os.sched_getaffinity(child.pid) == os.sched_getaffinity(0)
        child.communicate(b"\n")
    assert resident_megabytes(os.getpid()) > 1
    assert cpu_seconds(os.getpid()) > 0


def test_a_process_that_ends_too_early_is_told_with_its_last_line() -> None:
    with pytest.raises(RuntimeError, match=r"has ended without saying .*pong\.py: .*--nonsense"):
        Listening("pong.py", "--nonsense")


def test_the_proxys_counts_are_json() -> None:
    with proxied() as (agent, server, proxy):
        agent.sendall(message(Kind.ACTION, bytes(5)))
        assert len(server.recv(100)) == 10
        server.sendall(message(Kind.STEP, bytes(7)))
        assert len(agent.recv(100)) == 12
        counts = json.loads(json.dumps(proxy.counts()))
    assert counts["up"] == {"bytes": 10, "messages": {"3": 1}, "times": []}
    assert counts["down"]["messages"] == {"19": 1}
    assert len(counts["down"]["times"]) == 1
