"""Wake, and waiting for sockets."""

from __future__ import annotations

import socket
import sys
import time
from typing import Any

import pytest

from pongrl.wire import waiting
from pongrl.wire.framing import message
from pongrl.wire.waiting import LONGEST_WAIT, Wake
from tests.support import PATIENCE
from tests.support.wire import PING
from tests.support.wire_peers import over


def test_a_wake_is_heard_once_however_often_it_was_set(wake: Wake) -> None:
    for _ in range(10_000):  # more than its socket holds
        wake.set()
    assert wake.wait(PATIENCE)
    assert not wake.wait(0)


def test_a_cleared_wake_is_not_heard(wake: Wake) -> None:
    wake.set()
    wake.clear()
    assert not wake.wait(0)


def test_setting_a_closed_wake_does_nothing(wake: Wake) -> None:
    wake.close()
    wake.set()


@pytest.mark.parametrize("seconds", [None, PATIENCE])
def test_a_wait_ends_by_what_a_signal_did_that_another_thread_received(
    wake: Wake, monkeypatch: pytest.MonkeyPatch, seconds: float | None
) -> None:
    lengths: list[float | None] = []

    def interrupted(*arguments: Any) -> Any:
        lengths.append(arguments[3])
        return [wake] if len(lengths) == 3 else [], [], []  # Python runs a signal's handler between two waits

    monkeypatch.setattr(waiting.select, "select", interrupted)
    assert waiting.ready([wake], [], seconds) == ([wake], [])
    assert lengths == [LONGEST_WAIT] * 3


@pytest.mark.skipif(sys.platform == "win32", reason="select has no limit of this kind there")
def test_a_process_with_many_open_files_still_waits_for_its_peers(wake: Wake) -> None:
    import fcntl
    import resource

    limits = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (min(4096, limits[1]), limits[1]))
    ours, peer = socket.socketpair()
    try:
        with ours, peer, socket.socket(fileno=fcntl.fcntl(ours, fcntl.F_DUPFD, 2000)) as high:
            connection = over(high)
            assert connection.receive(until=time.monotonic() + 0.01, wake=wake) is None
            peer.sendall(message(*PING))
            assert connection.receive(wake=wake) == PING
            wake.set()
            assert connection.receive(wake=wake) is None
    finally:
        resource.setrlimit(resource.RLIMIT_NOFILE, limits)
