"""Both programs as real processes: what a person sees, types and gets."""

from __future__ import annotations

import contextlib
import csv
import os
import re
import shutil
import signal
import socket
import subprocess
import sys
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from pongrl.agent.checkpoints import load
from tests.support import ASKING, PATIENCE, ROOT, Program, run_program

FAST = ("--games", "4", "--seed", "1")
SERVER = ("pong.py", "--headless", "--port", "0", "--lockstep", "--seed", "1")


def agent(directory: Path, *arguments: str) -> tuple[str, ...]:
    return ("mainmodel.py", "--directory", str(directory), *arguments)


def rows_of(directory: Path) -> list[dict[str, str]]:
    with open(directory / "progress.csv", newline="") as file:
        return list(csv.DictReader(file))


def test_one_command_trains_and_leaves_its_files(tmp_path: Path) -> None:
    code, program = run_program(*agent(tmp_path, "--local", *FAST, "--points", "250"))
    assert code == 0, program.output
    rows = rows_of(tmp_path)
    points = [int(row["points"]) for row in rows]
    assert points[:2] == [100, 200]
    assert 250 <= points[2] < 260
    columns = (
        "seconds,frames,decisions,points,updates,win_rate,running_mean,decisions_per_second,learning_rate,"
        "batch_size,match_score,evaluation_win_rate"
    )
    assert ",".join(rows[0]) == columns
    for name in ("frames", "decisions", "updates"):
        values = [int(row[name]) for row in rows]
        assert values == sorted(values)
        assert values[0] > 0
    for name in ("save.p", "interrupt.p"):
        assert load(tmp_path / name)["options"]["hiddenUnits"] == 250
    assert "100 points" in program.output
    assert "Exception" not in program.output


@pytest.mark.parametrize("servers", ["1", "2"])
def test_the_same_seed_trains_the_same(tmp_path: Path, servers: str) -> None:
    for name in ("a", "b"):
        code, program = run_program(
            *agent(tmp_path / name, "--local", servers, "--games", "1", "--seed", "5", "--points", "100")
        )
        assert code == 0, program.output
    a, b = (load(tmp_path / name / "interrupt.p") for name in ("a", "b"))
    assert a["policy"] == b["policy"]
    untimed = [
        [[value for key, value in row.items() if "second" not in key] for row in rows_of(tmp_path / name)]
        for name in ("a", "b")
    ]
    assert untimed[0] == untimed[1]


def test_resumed_training_goes_on_where_it_was(tmp_path: Path) -> None:
    for flags in ((), ("--resume",), ("--resume", str(tmp_path / "save.p"))):
        code, program = run_program(*agent(tmp_path, "--local", *FAST, "--points", "100", *flags))
        assert code == 0, program.output
    points = [int(row["points"]) for row in rows_of(tmp_path)]
    saved = load(tmp_path / "interrupt.p")["progress"]["points"]
    assert points[-1] == saved >= 200
    assert points == sorted(points)
    # The third run went on from save.p, so it kept what the second had.
    assert load(tmp_path / "previous-1" / "interrupt.p")["progress"]["points"] >= 200


def test_one_agent_trains_on_several_hosts_and_goes_on_with_the_rest_when_one_leaves(tmp_path: Path) -> None:
    with Program(*SERVER, "--games", "3", stdin=None) as one, Program(*SERVER, stdin=None) as other:
        ports = str(one.wait_for_port()), str(other.wait_for_port())
        hosts = "--host", f"127.0.0.1:{ports[0]}", "--host", "localhost", "--port", ports[1]
        with Program(*agent(tmp_path, *hosts), stdin=None) as program:
            program.wait_for("connected to")
            program.wait_for("connected to")
            program.wait_for("100 points")
            other.process.kill()
            program.wait_for("what was learned is kept")
            program.wait_for("waiting for a server")
            program.wait_for("points")
            with Program("pong.py", "--headless", "--lockstep", "--port", ports[1], stdin=None) as back:
                program.wait_for(f"connected to localhost:{ports[1]}")
                program.wait_for("points")
                program.type("ping\n")
                program.wait_for(f"ping 127.0.0.1:{ports[0]} 10")
                program.wait_for(f"ping localhost:{ports[1]} 10")
                program.type("p\n")
                program.wait_for("paused, the game too")
                for server in (one, back):
                    server.wait_for("the left agent has paused the game")
                program.type("p\nq\n")
                assert program.ended() == 0, program.output
                for server in (one, back):
                    server.wait_for("said goodbye")


def test_a_server_that_cannot_be_played_on_does_not_end_what_goes_on_elsewhere(tmp_path: Path) -> None:
    with (
        Program(*SERVER, stdin=None) as good,
        Program(*SERVER, "--games", "2", stdin=None) as other,
    ):
        ports = str(good.wait_for_port()), str(other.wait_for_port())
        hosts = [flag for port in ports for flag in ("--host", f"127.0.0.1:{port}")]
        with Program(*agent(tmp_path, *hosts, "--games", "1", "--points", "100")) as program:
            words = program.wait_for(f"going on without 127.0.0.1:{ports[1]}")
            assert "2 games at once, not 1" in words
            assert program.ended() == 0, program.output


def test_a_trained_agent_plays_and_leaves_its_files_alone(tmp_path: Path, trained: Path) -> None:
    shutil.copytree(trained, tmp_path, dirs_exist_ok=True)
    kept = {path.name: path.read_bytes() for path in tmp_path.iterdir()}
    with Program(*SERVER, stdin=None) as server:
        port = str(server.wait_for_port())
        code, program = run_program(*agent(tmp_path, "--play", "--port", port, "--points", "100"))
        assert code == 0, program.output
        assert "without learning" in program.output
        assert re.search(r"played: 100 points +won .* %", program.output)
    with Program(*agent(tmp_path, "--local", "--play"), stdin=None, SDL_VIDEODRIVER="dummy") as program:
        program.wait_for("connected to")
        program.type("p\np\nping\n")
        program.wait_for("average of 10")
        program.type("q\n")
        assert program.ended() == 0, program.output
    assert {path.name: path.read_bytes() for path in tmp_path.iterdir()} == kept


def test_playing_without_a_checkpoint_or_a_screen_is_told(tmp_path: Path, trained: Path) -> None:
    code, program = run_program(*agent(tmp_path, "--play"))
    assert (code, "save.p yet: train first" in program.output) == (2, True)
    code, program = run_program(*agent(trained, "--local", "--play"))
    assert (code, "no window can be opened" in program.output) == (2, True), program.output


def test_two_agents_play_each_other_and_what_was_trained_on_the_left_plays_on_the_right(
    tmp_path: Path, server: Program
) -> None:
    port = str(server.wait_for_port())
    with Program(*agent(tmp_path / "left", "--port", port), stdin=None) as left:
        left.wait_for("100 points")
        flags = "--side", "right", "--port", port
        with Program(*agent(tmp_path / "right", *flags), stdin=None) as right:
            assert right.wait_for("connected to").endswith("lockstep, on the right\n")
            server.wait_for("right agent connected from")
            right.wait_for("100 points")
            right.type("stats\nq\n")
            right.wait_for("lockstep, on the right")
            assert right.ended() == 0, right.output
        server.wait_for("right agent gone")
        left.wait_for("points")
        with Program(*agent(tmp_path / "second", "--port", port)) as second:
            second.wait_for("an agent is already connected from")
        left.type("save\n")
        left.wait_for("saved interrupt.p")
        saved = str(tmp_path / "left" / "interrupt.p")
        exam = "--evaluate", saved, "--points", "20", "--host", "localhost", *flags
        code, program = run_program("mainmodel.py", *exam)
        assert code == 0, program.output
        assert re.search(r"interrupt\.p on the right: won \d+ of 20 points", program.output)
        left.wait_for("points")
        left.type("q\n")
        assert left.ended() == 0, left.output


def test_an_agent_trains_against_checkpoints_and_joins_them(tmp_path: Path, trained: Path) -> None:
    pool = tmp_path / "pool"
    pool.mkdir()
    shutil.copy(trained / "save.p", pool / "somebody.p")
    (pool / "broken.p").write_text("nothing of ours")
    flags = "--local", "--games", "2", "--opponents", str(pool), "--snapshot-every", "100"
    with Program(*agent(tmp_path, *flags), stdin=None) as program:
        program.wait_for("lockstep, against opponents")
        program.wait_for("an opponent is left out: ")
        program.wait_for("against opponents: won")
        program.type("p\nping\np\nevaluate\n")
        program.wait_for("evaluation: won")
        program.wait_for("against opponents: won")
        program.type("q\n")
        program.wait_for("saved interrupt.p")
        assert program.ended() == 0, program.output
    with open(tmp_path / "opponents.csv", newline="", encoding="utf-8") as file:
        rows = list(csv.DictReader(file))
    assert "somebody" in {row["opponent"] for row in rows}
    assert all(int(row["won"]) <= int(row["played"]) for row in rows)
    for snapshot in pool.glob("000*.p"):
        exam = "--evaluate", str(snapshot), "--points", "5"
        code, program = run_program("mainmodel.py", *exam)
        assert code == 0, program.output
        break
    else:
        pytest.fail(f"no snapshot among {list(pool.iterdir())}")
    code, program = run_program(*agent(tmp_path, "--resume", *flags, "--points", "1"))
    assert code == 0, program.output
    with open(tmp_path / "opponents.csv", newline="", encoding="utf-8") as file:
        assert list(csv.DictReader(file))[: len(rows) // 2] == rows[: len(rows) // 2]


def test_a_new_run_keeps_the_files_of_the_run_before(tmp_path: Path) -> None:
    (tmp_path / "save.p").write_bytes(b"precious")
    code, program = run_program(*agent(tmp_path, "--local", *FAST, "--points", "1"))
    assert code == 0, program.output
    assert (tmp_path / "previous-1" / "save.p").read_bytes() == b"precious"
    assert "previous-1" in program.output


def test_training_evaluates_itself(tmp_path: Path) -> None:
    code, program = run_program(
        *agent(tmp_path, "--local", *FAST, "--points", "200", "--evaluate-every", "200")
    )
    assert code == 0, program.output
    shares = [row["evaluation_win_rate"] for row in rows_of(tmp_path)]
    assert shares[0] == ""
    assert 0 < float(shares[1]) < 1


@pytest.mark.parametrize("flags", [(), ("--sample",), ("save.p",)], ids=lambda flags: " ".join(flags))
def test_a_checkpoint_is_evaluated(tmp_path: Path, trained: Path, flags: tuple[str, ...]) -> None:
    shutil.copytree(trained, tmp_path, dirs_exist_ok=True)
    kept = {path.name: path.read_bytes() for path in tmp_path.iterdir()}
    evaluate = ("--evaluate", *flags, "--points", "20", "--level", "3", "--seed", "1")
    code, program = run_program(*agent(tmp_path, *evaluate), cwd=tmp_path)
    assert code == 0, program.output
    wanted = r"save\.p on level 3: won \d+ of 20 points, .* % \(95 % interval .* decisions/s"
    assert re.search(wanted, program.output)
    assert "8 pixels a tick" in program.output  # which balls were missed
    assert {path.name: path.read_bytes() for path in tmp_path.iterdir()} == kept


def test_the_misses_of_an_evaluation_are_drawn(tmp_path: Path, trained: Path) -> None:
    pytest.importorskip("matplotlib")
    command = "mainmodel.py", "--evaluate", str(trained / "save.p"), "--points", "20", "-o"
    code, program = run_program(*command, str(tmp_path / "misses.png"))
    assert code == 0, program.output
    assert (tmp_path / "misses.png").stat().st_size > 5000
    code, program = run_program(*command, str(tmp_path / "no folder" / "misses.png"))
    assert code == 2
    assert "cannot be written" in program.output
    assert "won" not in program.output  # it was told at once


def test_plots_are_drawn_from_the_command_line(tmp_path: Path, trained: Path) -> None:
    pytest.importorskip("matplotlib")
    for name in ("progress.csv", "save.p"):
        picture = tmp_path / f"{name}.png"
        code, program = run_program("mainmodel.py", "--plot", str(trained / name), "-o", str(picture))
        assert code == 0, program.output
        assert picture.stat().st_size > 5000


@pytest.fixture
def server() -> Iterator[Program]:
    with Program(*SERVER, stdin=None) as program:
        yield program


def test_an_agent_plays_in_real_time_with_a_server_in_another_process(tmp_path: Path) -> None:
    with Program("pong.py", "--headless", "--port", "0", "--fps", "1000", stdin=None) as server:
        code, program = run_program(*agent(tmp_path, "--port", str(server.wait_for_port()), "--points", "3"))
        assert code == 0, program.output
        assert "real time" in program.output
        server.wait_for("agent gone")
        assert server.end() == 0


def test_an_agent_waits_for_its_server_and_says_so(tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = str(free.getsockname()[1])
    with Program(*agent(tmp_path, "--port", port, "--points", "1"), stdin=None) as program:
        assert "python pong.py" in program.wait_for("waiting for a server")
        with Program("pong.py", "--headless", "--lockstep", "--port", port, stdin=None):
            program.wait_for("connected to")
            assert program.ended() == 0


@pytest.mark.parametrize("kind", ASKING)
def test_a_signal_ends_agent_and_server_in_order(tmp_path: Path, server: Program, kind: int) -> None:
    with Program(*agent(tmp_path, "--port", str(server.wait_for_port())), stdin=None) as program:
        program.wait_for("100 points")
        program.process.send_signal(kind)
        assert program.ended() == 0, program.output
        assert "saved" in program.output
        assert load(tmp_path / "interrupt.p")["progress"]["points"] >= 100
    server.wait_for("agent gone")
    server.process.send_signal(kind)
    assert server.ended() == 0, server.output
    assert "Traceback" not in server.output + program.output


@pytest.mark.parametrize("kind", ASKING)
@pytest.mark.parametrize("_", range(3))
def test_a_signal_as_soon_as_it_listens_ends_the_server_in_order(kind: int, _: int) -> None:
    with Program(*SERVER, stdin=None) as server:
        server.wait_for("listening on")
        server.process.send_signal(kind)
        assert server.ended() == 0, server.output
        assert "Traceback" not in server.output


def test_a_pause_outlasts_the_server(tmp_path: Path) -> None:
    with Program(*SERVER, stdin=None) as server:
        port = str(server.wait_for_port())
        with Program(*agent(tmp_path, "--port", port), stdin=None) as program:
            program.wait_for("connected to")
            program.type("p\n")
            program.wait_for("paused, the game too")
            server.process.kill()
            program.wait_for("waiting for a server")
            with Program("pong.py", "--headless", "--lockstep", "--port", port, stdin=None):
                program.wait_for("paused, the game too")
                program.type("p\n")
                program.wait_for("going on")
                program.wait_for("100 points")
                program.type("q\n")
                assert program.ended() == 0, program.output


@pytest.mark.skipif(sys.platform == "win32", reason="a shell closes it")
@pytest.mark.parametrize("stdin", ["unreadable", "closed"])
def test_standard_input_as_nohup_and_services_leave_it(tmp_path: Path, stdin: str) -> None:
    command = [sys.executable, "-X", "dev", str(ROOT / "mainmodel.py"), "--local", *FAST, "--points", "100"]
    shell = {"unreadable": 'exec "$@" 0>/dev/null', "closed": 'exec "$@" <&-'}[stdin]
    result = subprocess.run(
        ["sh", "-c", shell, "sh", *command, "--directory", str(tmp_path)],
        capture_output=True, text=True, timeout=PATIENCE,
    )  # fmt: skip
    assert result.returncode == 0, result
    assert result.stderr == ""
    assert "100 points" in result.stdout


def test_a_killed_agent_makes_room_for_the_next(tmp_path: Path, server: Program) -> None:
    port = str(server.wait_for_port())
    with Program(*agent(tmp_path, "--port", port), stdin=None) as first:
        first.wait_for("100 points")
        code, second = run_program(*agent(tmp_path / "b", "--port", port, "--points", "1"))
        assert code == 2
        assert "already connected from 127.0.0.1" in second.output
        first.process.kill()
        server.wait_for("agent gone")
    code, third = run_program(*agent(tmp_path / "b", "--port", port, "--points", "1"))
    assert code == 0, third.output


def test_an_agent_survives_its_servers_death(tmp_path: Path) -> None:
    with Program(*SERVER, stdin=None) as server:
        port = str(server.wait_for_port())
        program = Program(*agent(tmp_path, "--port", port), stdin=None)
        with program:
            program.wait_for("100 points")
            server.process.kill()
            program.wait_for("what was learned is kept")
            program.wait_for("waiting for a server")
            with Program("pong.py", "--headless", "--lockstep", "--port", port, stdin=None):
                program.wait_for("connected to")
                program.wait_for("points ")
                program.type("q\n")
                assert program.ended() == 0, program.output


@pytest.mark.parametrize("way", ["q", "SIGTERM", "SIGINT", "SIGHUP"])
@pytest.mark.skipif(sys.platform == "win32", reason="a process cannot be sent these signals there")
def test_an_agent_without_a_server_can_be_ended(tmp_path: Path, way: str) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:  # and gone: nobody listens there
        port = str(taken.getsockname()[1])
    before = signal.signal(signal.SIGHUP, signal.SIG_DFL)  # nohup has it ignored, by programs we start too
    with contextlib.ExitStack() as stack:
        stack.callback(signal.signal, signal.SIGHUP, before)
        program = stack.enter_context(Program(*agent(tmp_path, "--port", port), stdin=None))
        program.wait_for("waiting for a server")
        program.type("stats\n")
        program.wait_for("not connected")
        if way == "q":
            program.type("q\n")
        else:
            program.process.send_signal(getattr(signal, way))
        assert program.ended() == 0, program.output


@pytest.mark.skipif(sys.platform != "linux", reason="another process's limits cannot be set there")
@pytest.mark.parametrize("largest", [100_000, 1], ids=["of checkpoints", "of all files"])
def test_training_goes_on_when_the_disk_is_full_and_saves_when_it_is_not(
    tmp_path: Path, largest: int
) -> None:
    import resource

    with Program(*SERVER, "--games", "4", stdin=None) as server:
        port = str(server.wait_for_port())
        with Program(*agent(tmp_path, "--port", port), stdin=None) as program:
            pid, unlimited = program.process.pid, (resource.RLIM_INFINITY,) * 2
            program.wait_for("200 points")
            resource.prlimit(pid, resource.RLIMIT_FSIZE, (largest, unlimited[1]))
            server.process.kill()
            assert "nothing is saved there" in program.wait_for("interrupt.p could not be written")
            before = (tmp_path / "save.p").read_bytes()
            with Program("pong.py", "--headless", "--lockstep", "--port", port, "--games", "4", stdin=None):
                program.wait_for("connected to")
                program.wait_for("00 points")
                assert load(tmp_path / "save.p")["progress"]["points"] >= 100
                assert (tmp_path / "save.p").read_bytes() == before
                resource.prlimit(pid, resource.RLIMIT_FSIZE, unlimited)
                program.type("q\n")
                assert program.ended() == 0, program.output
    assert "saved interrupt.p" in program.output
    assert load(tmp_path / "interrupt.p")["progress"]["points"] >= 300


@pytest.mark.skipif(not os.path.exists("/dev/full"), reason="no /dev/full there")
def test_training_goes_on_when_its_output_cannot_be_written(tmp_path: Path, server: Program) -> None:
    command = [
        sys.executable,
        str(ROOT / "mainmodel.py"),
        "--port",
        str(server.wait_for_port()),
        "--points",
        "250",
    ]
    with open("/dev/full", "w") as full:
        subprocess.run([*command, "--directory", str(tmp_path)], stdout=full, stdin=full, timeout=PATIENCE)
    assert load(tmp_path / "interrupt.p")["progress"]["points"] >= 250


@pytest.mark.skipif(sys.platform == "win32", reason="a directory with open files cannot be removed there")
def test_training_goes_on_when_its_directory_is_gone(tmp_path: Path, server: Program) -> None:
    port = str(server.wait_for_port())
    with Program(*agent(tmp_path / "run", "--port", port), stdin=None) as program:
        program.wait_for("100 points")
        (tmp_path / "run").rename(
            tmp_path / "elsewhere"
        )  # at once: a file made meanwhile would stop a removal
        server.process.kill()
        assert "nothing is saved there" in program.wait_for("interrupt.p could not be written")
        with Program("pong.py", "--headless", "--lockstep", "--port", port, stdin=None):
            program.wait_for("connected to")
            program.wait_for("points ")
            program.type("q\n")
            assert program.ended() == 2, program.output
    assert "NOT saved" in program.output
    assert "error: the end of the run could not be written: see above why" in program.output
    assert "Traceback" not in program.output


def test_a_local_server_does_not_outlive_a_killed_agent(tmp_path: Path) -> None:
    with Program(*agent(tmp_path, "--local", "--debug", *FAST), stdin=None) as program:
        port = int(re.search(r":(\d+):", program.wait_for("connected to"))[1])  # type: ignore[index]
        with socket.create_connection(("127.0.0.1", port)) as watcher:
            program.process.kill()
            watcher.settimeout(PATIENCE)
            assert watcher.recv(1) == b""  # the server has closed its sockets


def test_without_a_terminal_plain_lines_are_commands(tmp_path: Path) -> None:
    with Program(*agent(tmp_path, "--local", *FAST), stdin=None) as program:
        program.wait_for("connected to")
        program.type("p\n")
        program.wait_for("paused")
        program.type("ping\n")
        program.wait_for("ping 10:")
        assert "ms" in program.wait_for("average of 10")
        program.wait_for("real time needs under 133 ms: fine")
        program.type("save\n")
        program.wait_for("saved interrupt.p")
        assert load(tmp_path / "interrupt.p")["options"]["hiddenUnits"] == 250
        program.type("stats\n")
        program.wait_for("level 2, games:")
        program.wait_for("updates")
        program.type("nonsense\np\n")
        program.wait_for("no command 'nonsense'")
        program.wait_for("going on")
        program.type("q\n")
        assert program.ended() == 0, program.output
    assert (tmp_path / "interrupt.p").exists()


def test_the_end_of_input_ends_the_console_alone(tmp_path: Path) -> None:
    with Program(*agent(tmp_path, "--local", *FAST)) as program:  # its input is at its end at once
        program.wait_for("200 points")
        assert program.process.poll() is None


@pytest.mark.skipif(sys.platform == "win32", reason="no pseudo-terminals there")
@pytest.mark.parametrize(("term", "last"), [("xterm", b"q\r"), ("xterm", b"\x04"), ("dumb", b"\x04")])
def test_the_console_on_a_terminal(tmp_path: Path, term: str, last: bytes) -> None:
    import pty

    ours, theirs = pty.openpty()
    environment = os.environ | {"TERM": term, "PROMPT_TOOLKIT_NO_CPR": "1"}
    command = [sys.executable, "-W", "error", str(ROOT / "mainmodel.py")]
    process = subprocess.Popen(
        [*command, "--local", *FAST, "--directory", str(tmp_path)],
        stdin=theirs, stdout=theirs, stderr=theirs, env=environment, start_new_session=True,
    )  # fmt: skip
    os.close(theirs)
    seen, news = bytearray(), threading.Condition()

    def read() -> None:
        while True:
            try:
                data = os.read(ours, 4096)
            except OSError:  # the other end is closed
                return
            with news:
                seen.extend(data)
                news.notify_all()

    reader = threading.Thread(target=read, daemon=True)
    reader.start()

    def wait_for(words: bytes, start: int = 0) -> int:
        with news:
            assert news.wait_for(lambda: words in seen[start:], PATIENCE), bytes(seen)
            return len(seen)

    try:
        wait_for(b"decisions/s")  # the status line
        for typed, answer in (
            (b"p", b"paused, the game too"),
            (b"ping", b"average of 10"),
            (b"p", b"going on"),
        ):
            at = len(seen)
            os.write(ours, typed + b"\r")
            wait_for(answer, at)
        times = int(PATIENCE) if last == b"\x04" else 1  # while a line is printed, a Ctrl-D is swallowed
        for _ in range(times):
            os.write(ours, last)
            with contextlib.suppress(subprocess.TimeoutExpired):
                process.wait(PATIENCE / times)
                break
        assert process.poll() == 0, bytes(seen)
        reader.join(PATIENCE)
        assert b"saved" in seen
        assert b"Traceback" not in seen
    finally:
        process.kill()
        process.wait()
        os.close(ours)


# Bad input: one sentence on stderr, exit code 2


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (("pong.py", "--level", "7"), "level"),
        (("pong.py", "--games", "0", "--headless"), "--games"),
        (("pong.py", "--port", "x"), "--port"),
        (("pong.py",), "--headless"),
        (("pong.py", "--no-server"), "nobody can play on a machine without a display"),
        (("pong.py", "--opponent", "human"), "nobody can play on a machine without a display"),
        (("mainmodel.py", "--watch"), "use --record FILE on a machine without a display"),
        (("pong.py", "--no-server", "--headless"), "nothing to see"),
        (("pong.py", "--headless", "--host", "nosuchhost.invalid"), "nosuchhost.invalid"),
        (("pong.py", "--headless", "--token-file", "/nonexistent/token"), "/nonexistent/token"),
        (("mainmodel.py", "--games", "0", "--local"), "--games"),
        (("mainmodel.py", "--level", "7", "--local"), "--level"),
        (("mainmodel.py", "--hidden-units", "3"), "--hidden-units"),
        (("mainmodel.py", "--host", "nosuchhost.invalid"), "nosuchhost.invalid"),
        (("mainmodel.py", "--local", "--host", "a"), "--local"),
        (("mainmodel.py", "--side", "up"), "--side must be left or right"),
        (("mainmodel.py", "--side", "right", "--local"), "--side right"),
        (("mainmodel.py", "--side", "right", "--local", "--play"), "--side right"),
        (("mainmodel.py", "--directory", str(ROOT / "pong.py" / "x")), "--directory"),
        (("mainmodel.py", "--local", "--render"), "display"),
        (("mainmodel.py", "--resume"), "to resume from: train first"),
        (("mainmodel.py", "--resume", "nosuch.p"), "nosuch.p"),
        (("mainmodel.py", "--seed", "-1"), "--seed"),
        (("pong.py", "--headless", "--seed", "-1"), "--seed"),
        (("mainmodel.py", "--evaluate"), "there is no save.p yet: train first"),
        (("mainmodel.py", "--local", "--play"), "there is no save.p yet: train first"),
        (("mainmodel.py", "--evaluate", "nosuch.p"), "nosuch.p"),
        (("mainmodel.py", "--plot", "nosuch.csv"), "nosuch.csv"),
        (("mainmodel.py", "--nonsense"), "--nonsense"),
    ],
    ids=lambda value: " ".join(value) if isinstance(value, tuple) else "",
)
def test_bad_input_gets_one_sentence(tmp_path: Path, arguments: tuple[str, ...], words: str) -> None:
    code, program = run_program(*arguments, cwd=tmp_path)
    assert code == 2, program.output
    errors = program.seen["stderr"]
    assert len(errors) == 1, program.output
    assert words in errors[0]
    assert not list(tmp_path.glob("*.p"))


def test_a_wrong_token_is_named(tmp_path: Path) -> None:
    with Program(*SERVER, stdin=None, PONG_TOKEN="right") as server:
        code, program = run_program(
            *agent(tmp_path, "--port", str(server.wait_for_port())), PONG_TOKEN="wrong"
        )
        assert code == 2
        assert len(program.seen["stderr"]) == 1
        assert "token is wrong" in program.output
        server.wait_for("was refused")
        assert "wrong\n" not in server.output


def test_a_port_in_use_is_named() -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = str(taken.getsockname()[1])
        code, program = run_program("pong.py", "--headless", "--port", port)
        assert code == 2
        assert len(program.seen["stderr"]) == 1
        assert port in program.seen["stderr"][0]


def test_a_peer_that_is_no_pong_server_is_told_apart(tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as other:
        other.settimeout(PATIENCE)

        def answer() -> None:
            sock, _ = other.accept()
            with sock:
                sock.sendall(b"HTTP/1.1 400 Bad Request\r\n\r\n")
                sock.recv(1000)

        thread = threading.Thread(target=answer)
        thread.start()
        code, program = run_program(*agent(tmp_path, "--port", str(other.getsockname()[1])))
        thread.join()
    assert code == 2
    assert len(program.seen["stderr"]) == 1
    assert "not a Pong server" in program.seen["stderr"][0]


@pytest.mark.parametrize(
    "damage", [b"", b"\x80\x05N.", b"PONG-CK\n\0\2" + bytes(40), b"PONG-CK\n\0\1" + bytes(40)]
)
def test_a_bad_checkpoint_is_refused_and_nothing_is_overwritten(tmp_path: Path, damage: bytes) -> None:
    (tmp_path / "interrupt.p").write_bytes(damage)
    code, program = run_program(*agent(tmp_path, "--local", "--resume"))
    assert code == 2, program.output
    assert len(program.seen["stderr"]) == 1
    assert (tmp_path / "interrupt.p").read_bytes() == damage
    assert [path.name for path in tmp_path.iterdir()] == ["interrupt.p"]
