"""The servers that an agent plays on; each is sought in a thread of its own until it is there."""

from __future__ import annotations

import queue
import threading

from pongrl.agent.local_server import LocalServer
from pongrl.errors import PongError
from pongrl.wire.client import PongClient
from pongrl.wire.messages import NOBODY, Role, Step
from pongrl.wire.waiting import Wake

FIRST_PAUSE, LONGEST_PAUSE = 0.5, 10.0  # seconds between two tries to connect: each twice the one before


class Server:
    """One server to play on. `seek` connects in a thread of its own, again and again until it is there.

    What came of it is put into `arrivals`, and `wake` set: the server and None when it is `connected`,
    the server and an error for each new reason why it is not.
    """

    def __init__(
        self,
        host: str,
        port: int,
        token: str,
        arrivals: queue.SimpleQueue[tuple[Server, PongError | None]],
        wake: Wake,
        own: LocalServer | None = None,
        ca: str | None = None,
        role: Role = Role.LEFT,
    ) -> None:
        self.host, self.port, self.own, self.role = host, port, own, role
        self.identity = NOBODY  # by which the server knows us again
        self._ca = ca
        self._connected: tuple[PongClient, Step] | None = None
        self._token, self._arrivals, self._wake = token, arrivals, wake
        self._given_up = threading.Event()
        self._thread: threading.Thread | None = None

    def __str__(self) -> str:
        return f"[{self.host}]:{self.port}" if ":" in self.host else f"{self.host}:{self.port}"

    def seek(self) -> None:
        """Begin to connect."""
        self._thread = threading.Thread(target=self._connect, name=f"connect to {self}", daemon=True)
        self._thread.start()

    def _connect(self) -> None:
        pause, said = FIRST_PAUSE, ""
        while not self._given_up.is_set():
            client = PongClient(
                self.host, self.port, token=self._token, role=self.role, identity=self.identity, ca=self._ca
            )
            try:
                step = client.connect()
            except PongError as error:
                client.close()
                if str(error) != said:
                    said = str(error)
                    self._report(error)
            else:
                if self._given_up.is_set():
                    client.close()
                    return
                self._connected = client, step
                self._report(None)
                return
            self._given_up.wait(pause)
            pause = min(2 * pause, LONGEST_PAUSE)

    def _report(self, error: PongError | None) -> None:
        self._arrivals.put((self, error))
        self._wake.set()

    @property
    def connected(self) -> tuple[PongClient, Step]:
        """The connection, and the first state, once it has arrived."""
        assert self._connected is not None
        return self._connected

    def leave(self) -> None:
        """Close the connection, if there is one."""
        if self._connected is not None:
            self._connected[0].close()
            self._connected = None

    def close(self) -> None:
        """Close the connection, or stop seeking one, and end the server if it is our own."""
        self._given_up.set()
        if self._thread is not None:
            self._thread.join(1.0)  # it may be waiting for a host that does not answer; it is a daemon
        self.leave()
        if self.own is not None:
            self.own.close()
