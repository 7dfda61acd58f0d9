"""Both programs together: `python mainmodel.py --watch` beside a server."""

from __future__ import annotations

from tests.support import Program, run_program


def test_the_program_watches_and_comes_back() -> None:
    flags = "pong.py", "--headless", "--port"
    with Program(*flags, "0", stdin=None) as server:
        port = server.wait_for_port()
        with Program("mainmodel.py", "--watch", "--port", str(port), SDL_VIDEODRIVER="dummy") as watcher:
            watcher.wait_for("watching the game at")
            server.wait_for("watches")
            server.process.kill()
            watcher.wait_for("trying again")
            with Program(*flags, str(port), stdin=None):
                watcher.wait_for("watching the game at")
                assert watcher.end() == 0, watcher.output


def test_watching_without_a_screen_or_on_several_hosts_is_told() -> None:
    code, program = run_program("mainmodel.py", "--watch")
    assert (code, "no window can be opened" in program.output) == (2, True)
    code, program = run_program("mainmodel.py", "--watch", "--host", "a", "--host", "b")
    assert (code, "name one --host" in program.output) == (2, True)
