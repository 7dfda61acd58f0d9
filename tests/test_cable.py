"""A network that fails silently: server and agent on two machines, and the cable between them.

The machines are network namespaces. A process holds each of them, so that they and the cable disappear with
the last process of a test, however it ends.
"""

from __future__ import annotations

import contextlib
import ctypes
import os
import shutil
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from pongrl.agent.checkpoints import load
from pongrl.wire.client import PongClient, PongWatcher
from tests.support import PATIENCE, Program, serving
from tools.vitals import Ledger

TOOLS = ("ip", "tc", "nsenter", "unshare")
SERVER, AGENT = "10.99.0.1", "10.99.0.2"
PORT = "12345"

pytestmark = pytest.mark.skipif(
    sys.platform != "linux" or os.geteuid() != 0 or not all(map(shutil.which, TOOLS)),
    reason=f"network namespaces need Linux, its superuser, and {', '.join(TOOLS)}",
)


class Machine:
    """A network namespace, with its own loopback and nothing else until a cable is plugged in."""

    def __init__(self) -> None:
        self._holder = subprocess.Popen(
            ["unshare", "--net", "cat"], stdin=subprocess.PIPE, stdout=subprocess.PIPE, bufsize=0
        )
        assert self._holder.stdin is not None
        assert self._holder.stdout is not None
        self.within = "nsenter", f"--net=/proc/{self.pid}/ns/net"
        with contextlib.suppress(BrokenPipeError):
            self._holder.stdin.write(b"here\n")
        if not self._holder.stdout.readline():  # cat answers when the namespace exists
            self.close()
            pytest.skip("this system permits no network namespaces")

    @property
    def pid(self) -> int:
        return self._holder.pid

    def do(self, command: str) -> None:
        """Run a command on this machine."""
        subprocess.run([*self.within, *command.split()], check=True, capture_output=True, text=True)

    @contextlib.contextmanager
    def here(self) -> Iterator[None]:
        """Create the sockets of this thread on this machine, until the block ends."""
        with open("/proc/thread-self/ns/net") as home, open(f"/proc/{self.pid}/ns/net") as there:
            enter(there.fileno())
            try:
                yield
            finally:
                enter(home.fileno())

    def close(self) -> None:
        """End the namespace."""
        self._holder.communicate()


def enter(namespace: int) -> None:
    """Move this thread into a namespace; Python 3.11 has no `os.setns`."""
    assert ctypes.CDLL(None, use_errno=True).setns(namespace, 0) == 0, os.strerror(ctypes.get_errno())


class Cable:
    """Two machines and the cable between them."""

    def __init__(self, server: Machine, agent: Machine) -> None:
        self.server, self.agent = server, agent
        made = subprocess.run(
            f"ip link add cable netns {server.pid} type veth peer name cable netns {agent.pid}".split(),
            capture_output=True,
            text=True,
        )
        if made.returncode:
            pytest.skip(f"this system permits no virtual cable: {made.stderr.strip()}")
        for machine, address in ((server, SERVER), (agent, AGENT)):
            machine.do("ip link set lo up")
            machine.do(f"ip address add {address}/24 dev cable")
            machine.do("ip link set cable up")

    def pull(self) -> None:
        self.server.do("ip link set cable down")

    def plug_in(self) -> None:
        self.server.do("ip link set cable up")

    def swallow(self) -> None:
        """Lose every packet in both directions, while the link looks well."""
        for machine in (self.server, self.agent):
            try:
                machine.do("tc qdisc add dev cable root blackhole")
            except subprocess.CalledProcessError as error:
                pytest.skip(f"this system cannot lose packets: {error.stderr.strip()}")

    def pass_on(self) -> None:
        for machine in (self.server, self.agent):
            machine.do("tc qdisc del dev cable root")


@pytest.fixture
def cable() -> Iterator[Cable]:
    with contextlib.ExitStack() as stack:
        server, agent = (stack.enter_context(contextlib.closing(Machine())) for _ in range(2))
        yield Cable(server, agent)


breaks = pytest.mark.parametrize(
    ("cut", "mend"),
    [(Cable.pull, Cable.plug_in), (Cable.swallow, Cable.pass_on)],
    ids=["pulled", "losing all packets"],
)


@breaks
def test_both_programs_notice_that_the_other_is_gone_and_recover(
    tmp_path: Path, cable: Cable, cut: Callable[[Cable], None], mend: Callable[[Cable], None]
) -> None:
    command = "pong.py", "--headless", "--lockstep", "--games", "4", "--host", SERVER, "--port", PORT
    with Program(*command, stdin=None, within=cable.server.within, PONG_TOKEN="secret") as server:
        server.wait_for("listening on")
        command = "mainmodel.py", "--host", SERVER, "--port", PORT, "--directory", str(tmp_path)
        with Program(*command, stdin=None, within=cable.agent.within, PONG_TOKEN="secret") as agent:
            agent.wait_for("100 points")
            cut(cable)
            server.wait_for("has been silent for 9 seconds")
            agent.wait_for("has been silent for 9 seconds; what was learned is kept")
            agent.wait_for("waiting for a server")
            kept = load(tmp_path / "interrupt.p")["progress"]["points"]
            agent.type("stats\n")  # the console still answers
            agent.wait_for("not connected: stats needs a server")
            mend(cable)
            server.wait_for(f"agent connected from {AGENT}")
            agent.wait_for("connected to")
            agent.wait_for(" points ")
            cut(cable)
            agent.type("q\n")
            assert agent.ended() == 0, agent.output
            assert load(tmp_path / "interrupt.p")["progress"]["points"] > kept >= 100


def test_an_agent_ends_in_order_while_the_network_is_gone(tmp_path: Path, cable: Cable) -> None:
    cable.swallow()
    command = "mainmodel.py", "--host", SERVER, "--port", PORT, "--directory", str(tmp_path)
    with Program(*command, stdin=None, within=cable.agent.within, PONG_TOKEN="secret") as agent:
        agent.wait_for("waiting for a server")
        agent.type("q\n")
        assert agent.ended() == 0, agent.output


@breaks
def test_what_happens_while_the_cable_is_out_for_a_moment_is_in_the_next_state(
    cable: Cable, cut: Callable[[Cable], None], mend: Callable[[Cable], None]
) -> None:
    with contextlib.ExitStack() as stack:
        with cable.server.here():
            server = stack.enter_context(serving(host=SERVER, token="secret", fps=1000))
            watcher = stack.enter_context(PongWatcher(*server.address, token="secret"))
            watcher.connect()
        client = stack.enter_context(PongClient(*server.address, token="secret"))
        with cable.agent.here():
            step = client.connect()
        ledger = Ledger(client.session)
        ledger.enter(step)
        while step.number < 50:
            step = client.step([step.number % 3])
            ledger.enter(step)
        before = step
        cut(cable)
        points_of(watcher, more_than=points_of(watcher, more_than=-1))
        mend(cable)
        while step.number < 100:
            step = client.step([step.number % 3])
            ledger.enter(step)
        assert step.dropped > before.dropped
        assert ledger.points > 0


def points_of(watcher: PongWatcher, more_than: int) -> int:
    """Watch until more points were played, and return how many."""
    until = time.monotonic() + PATIENCE
    while (view := watcher.watch(until)) is None or view.sounds[2] <= more_than:
        assert time.monotonic() < until
    return view.sounds[2]
