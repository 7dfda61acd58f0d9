"""The agent's page, at the program's end: it is shown the run, and brings commands."""

from __future__ import annotations

import socket
from collections import deque
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any

from pongrl import cli
from pongrl.agent.desk import Desk
from pongrl.ui.agent_view import AgentView
from pongrl.web.links import Links, greeting, links_of, secrets_of
from pongrl.web.page import Page
from pongrl.web.site import AgentFacts, Lines, Site
from pongrl.wire.sockets import is_loopback
from pongrl.wire.tokens import choose_token, token_to_ask

DEFAULT_PORT = 8081
WAITING_LINES = 200  # for the page


class PageScreen:
    """A page as a screen for an AgentView; see there."""

    def __init__(self, site: Site, is_quitting: Callable[[], bool]) -> None:
        self.is_watched = False
        self._asked: deque[str] = deque()
        self._lines: deque[str] = deque(maxlen=WAITING_LINES)  # any thread appends, the agent's takes
        self._page = Page("pongrl.web.agent_site", site, self._hear, is_quitting)
        self.links = links_of(site, self._page.addresses[0][1]) if self._page.addresses else None
        self.show, self.close = self._page.show, self._page.close

    @property
    def is_open(self) -> bool:
        """False once the page's process has ended."""
        return self._page.is_open

    @property
    def is_free(self) -> bool:
        """True if nothing waits to be shown."""
        return self._page.is_free

    def say(self, line: str) -> None:
        """Show a line of the terminal soon; any thread may call it."""
        self._lines.append(line)

    def asked(self) -> Iterator[str]:
        """Give what people have asked for since the last call, and show what was said meanwhile."""
        if self._lines and self._page.is_free:
            self._page.show(Lines([self._lines.popleft() for _ in range(len(self._lines))]))
        while self._asked:
            yield self._asked.popleft()

    def _hear(self, said: dict[str, Any]) -> None:
        """Take what the page says; in another thread."""
        match said:
            case {"viewers": int(viewers)}:
                self.is_watched = viewers > 0
            case {"say": str(word)}:
                self._asked.append(word)


class AgentPage(AgentView):
    """Lets a page show the run; see AgentView.

    Args:
        site: what is served; `about` has AgentFacts.
        say: is told if the page goes by itself.
        command: takes commands of the console.
        is_quitting: returns True if the run is to end, and the page need not open any more.

    Raises:
        PongError: it cannot listen there.
    """

    def __init__(
        self,
        site: Site,
        say: Callable[[str], None],
        command: Callable[[str], object],
        is_quitting: Callable[[], bool],
    ) -> None:
        self._page = PageScreen(site, is_quitting)
        super().__init__(self._page, "page", say, command)

    @property
    def links(self) -> Links | None:
        """The page's links; None if the run ended before it was there."""
        return self._page.links

    def hear_line(self, line: str) -> None:
        """Show a line of the terminal on the page; any thread may call it."""
        self._page.say(line)

    def greet(self, say: Callable[[str], None]) -> None:
        """Say by which links the page is opened."""
        if self.links is not None:
            for line in greeting(self.links, "the agent", "steer"):
                say(line)


def open_agent_page(
    desk: Desk,
    words: Mapping[str, str],
    command: Callable[[str], object],
    is_quitting: Callable[[], bool],
) -> AgentPage:
    """Open the page of a run, and say by which links.

    Args:
        desk: of the run.
        words: of the console, with a line of help for each.
        command: takes one of them.
        is_quitting: returns True if the run is to end, and the page need not open any more.

    Raises:
        PongError: it cannot listen there, or the token cannot be read.
        UsageError: the token is empty, and others could connect.
    """
    options = desk.start.options
    host = options.web_host or "127.0.0.1"
    given = choose_token(options.token, options.token_file)
    token, _ = token_to_ask(given, is_open=False, is_loopback=is_loopback(host))
    port = DEFAULT_PORT if options.web is True else int(options.web)
    facts = AgentFacts(str(Path(options.directory).resolve()), dict(words))
    title, secrets = f"Pong agent on {socket.gethostname()}", secrets_of(token, "agent")
    site = Site(title, host, port, secrets, options.certificate, options.key, facts)
    page = AgentPage(site, desk.say, command, is_quitting)
    page.greet(cli.say)  # not desk.say: the links do not belong on the page
    return page
