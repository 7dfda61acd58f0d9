"""Servers on this network are found, by other servers and by agents: multicast DNS, if zeroconf is installed.

Announcement   what a server tells of itself
Neighbour      what is known of another one; nothing of it can be trusted
Search         follows who is there
search         looks around for a few seconds
"""

from __future__ import annotations

import asyncio
import contextlib
import importlib.util
import ipaddress
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from pongrl.errors import PongError
from pongrl.text import printable
from pongrl.web.links import WILDCARDS, link
from pongrl.wire.sockets import resolve, spelled

if TYPE_CHECKING:
    from zeroconf.asyncio import AsyncServiceInfo

SERVICE = "_pongrl._tcp.local."
LOOK_SECONDS = 2.5  # in which nearly all servers answer
ASKING_MILLISECONDS = 3000
MOST_NEIGHBOURS = 32
LONGEST_NAME = 60  # characters
LONGEST_LABEL = 40  # characters of a name that is announced; DNS has 63 bytes for it and the port
MISSING = "to find servers on this network needs zeroconf: pip install zeroconf, or name one with --host"


@dataclass(frozen=True)
class Announcement:
    """What a server tells of itself."""

    name: str
    identity: str  # random, since machines and servers may have the same name
    host: str  # that it listens on
    port: int
    level: int | None  # 0 of an arena, None of another game than ours
    games: int
    lockstep: bool
    is_encrypted: bool
    needs_token: bool
    page: int | None  # the port of its page, if it has one


@dataclass(frozen=True)
class Neighbour:
    """What is known of another server."""

    name: str
    identity: str
    host: str  # its address
    port: int
    words: str  # what is played there
    page: str  # the link to its page, without a token; "" if it has none

    def __str__(self) -> str:
        return f"{self.name}   {spelled(self.host, self.port)}   {self.words}"


def is_installed() -> bool:
    """Return whether servers can be found."""
    return importlib.util.find_spec("zeroconf") is not None


@contextlib.asynccontextmanager
async def announced(announcement: Announcement) -> AsyncIterator[None]:
    """Announce a server for a `with` block.

    Raises:
        OSError: the network does not let us.
    """
    from zeroconf import ServiceInfo
    from zeroconf.asyncio import AsyncZeroconf

    said = announcement
    properties = {
        "id": said.identity, "level": "" if said.level is None else str(said.level), "games": str(said.games),
        "clock": "lockstep" if said.lockstep else "real",
        "tls": str(int(said.is_encrypted)), "token": str(int(said.needs_token)), "page": str(said.page or ""),
    }  # fmt: skip
    info = ServiceInfo(
        SERVICE, f"{said.name[:LONGEST_LABEL]} {said.port}.{SERVICE}", said.port, properties=properties,
        server=f"pongrl-{said.identity}.local.", parsed_addresses=_addresses(said.host),
    )  # fmt: skip
    zeroconf = AsyncZeroconf()
    try:
        await zeroconf.async_register_service(info, allow_name_change=True)
        yield
    finally:
        await zeroconf.async_unregister_all_services()
        await zeroconf.async_close()


def _addresses(host: str) -> list[str]:
    """Return the addresses at which others reach a server that listens on a host; none without a network."""
    if host not in WILDCARDS:
        return [str(found[4][0]) for found in resolve(host, 0, passive=True)]
    return [str(ip) for ip in own_addresses() if host == "::" or ip.version == 4]


def own_addresses() -> list[ipaddress.IPv4Address | ipaddress.IPv6Address]:
    """Return the addresses at which other machines reach this one."""
    import ifaddr

    addresses = [ip.ip for adapter in ifaddr.get_adapters() for ip in adapter.ips]
    own = [ipaddress.ip_address(ip if isinstance(ip, str) else ip[0]) for ip in addresses]
    # Nobody reaches an IPv6 address of one link by the address alone.
    return [ip for ip in own if not (ip.is_loopback or (ip.version == 6 and ip.is_link_local))]


class Search:
    """Follows which servers are there, from `open` to `close`.

    Args:
        changed: is called when a server has come or gone.
    """

    def __init__(self, changed: Callable[[], None]) -> None:
        self._changed = changed
        self._found: dict[str, Neighbour] = {}
        self._tasks: set[asyncio.Task[None]] = set()

    @property
    def neighbours(self) -> list[Neighbour]:
        """The servers that are there, by name."""
        return sorted(self._found.values(), key=lambda one: (one.name, one.host, one.port))

    async def open(self) -> None:
        """Begin to look.

        Raises:
            OSError: the network does not let us.
        """
        from zeroconf.asyncio import AsyncServiceBrowser, AsyncZeroconf

        self._zeroconf = AsyncZeroconf()
        self._browser = AsyncServiceBrowser(self._zeroconf.zeroconf, SERVICE, handlers=[self._notice])

    async def close(self) -> None:
        """Look no more."""
        for task in self._tasks:
            task.cancel()
        await self._browser.async_cancel()
        await self._zeroconf.async_close()

    def _notice(self, *, name: str, state_change: Any, **_: Any) -> None:
        from zeroconf import ServiceStateChange

        if state_change is ServiceStateChange.Removed:
            if self._found.pop(name, None) is not None:
                self._changed()
        elif len(self._tasks) < MOST_NEIGHBOURS:
            task = asyncio.ensure_future(self._ask(name))
            self._tasks.add(task)
            task.add_done_callback(self._tasks.discard)

    async def _ask(self, name: str) -> None:
        """Ask a server what it is."""
        from zeroconf import Error
        from zeroconf.asyncio import AsyncServiceInfo

        try:
            info = AsyncServiceInfo(SERVICE, name)
            if not await info.async_request(self._zeroconf.zeroconf, ASKING_MILLISECONDS):
                return
        except Error:  # anybody can announce a name that is none
            return
        neighbour = neighbour_of(info)
        if neighbour is not None and (name in self._found or len(self._found) < MOST_NEIGHBOURS):
            self._found[name] = neighbour
            self._changed()


def neighbour_of(info: AsyncServiceInfo) -> Neighbour | None:
    """Return what a server has said of itself; None if it makes no sense."""
    said = {
        key.decode("utf-8", "replace"): (value or b"").decode("utf-8", "replace")
        for key, value in info.properties.items()
    }
    addresses = sorted(info.parsed_addresses(), key=lambda address: ":" in address)  # IPv4 first
    port = info.port or 0
    if not addresses or not 0 < port < 1 << 16:
        return None
    name = printable(info.name.removesuffix("." + SERVICE), LONGEST_NAME)
    level = said.get("level", "")
    games = said.get("games", "")
    parts = [
        "arena" if level == "0" else f"level {level}" if level in ("1", "2", "3", "4") else "",
        f"games: {games}" if games.isascii() and games.isdigit() and len(games) < 4 else "",
        "lockstep" if said.get("clock") == "lockstep" else "real time",
        "needs a token" if said.get("token") == "1" else "",
        "TLS" if said.get("tls") == "1" else "",
    ]
    page = said.get("page", "")
    is_port = page.isascii() and page.isdigit() and len(page) < 6 and 0 < int(page) < 1 << 16
    url = link(addresses[0], int(page), said.get("tls") == "1", "") if is_port else ""
    identity = printable(said.get("id", ""), LONGEST_NAME)
    return Neighbour(name, identity, addresses[0], port, ", ".join(filter(None, parts)), url)


def choose(found: list[Neighbour], say: Callable[[str], None], ask: Callable[[str], str] | None) -> Neighbour:
    """Say which servers are there, and choose one: the only one, or the one that a person names.

    Args:
        found: the servers.
        say: takes lines for the console.
        ask: asks a person; None if there is none.

    Raises:
        PongError: there is no server, or there are several and nobody has chosen one.
    """
    if not found:
        raise PongError(
            "no server was found on this network: start one with python pong.py --host 0.0.0.0, "
            "or name one with --host"
        )
    for number, one in enumerate(found, 1):
        say(f"{number:>2}   {one}")
    if len(found) == 1:
        return found[0]
    answer = "" if ask is None else ask(f"which one (1 to {len(found)})? ").strip()
    if not (answer.isascii() and answer.isdigit() and 1 <= int(answer) <= len(found)):
        raise PongError("there are several servers: choose one by its number, or name it with --host")
    return found[int(answer) - 1]


def search(seconds: float = LOOK_SECONDS) -> list[Neighbour]:
    """Look for servers for a few seconds.

    Raises:
        PongError: zeroconf is not installed, or the network does not let us.
    """
    if not is_installed():
        raise PongError(MISSING)

    async def look() -> list[Neighbour]:
        around = Search(lambda: None)
        await around.open()
        try:
            await asyncio.sleep(seconds)
            return around.neighbours
        finally:
            await around.close()

    try:
        return asyncio.run(look())
    except OSError as error:
        raise PongError(
            f"nobody can be found on this network ({error}): name a server with --host"
        ) from error
