"""The program's end of a page on which people play: of the game's, and of an arena's."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from pongrl.web.links import greeting, links_of
from pongrl.web.page import Page
from pongrl.web.site import Site

PLAYERS_PER_SECOND, VIEWS_PER_SECOND = 60, 30  # pictures where people play, and where they only look on


class PlayedPage:
    """A page that may go by itself; then the program goes on without it.

    Args:
        module: what its process runs.
        site: what is served.
        what: is played there, in a word.
        say: is told if the page goes by itself.

    Raises:
        PongError: it cannot listen there.
    """

    def __init__(self, module: str, site: Site, what: str, say: Callable[[str], None]) -> None:
        self._what, self._say = what, say
        self.size = 0  # viewers
        self._pause = 1 / VIEWS_PER_SECOND  # between two pictures
        self._has_gone = False
        self._page = Page(module, site, self._hear, lambda: False)
        self.links = links_of(site, self._page.addresses[0][1])

    def greet(self, say: Callable[[str], None]) -> None:
        """Say by which links the page is opened."""
        for line in greeting(self.links, f"the {self._what}", "play"):
            say(line)

    def _hear(self, said: dict[str, Any]) -> None:
        """Take what the page says; in another thread."""
        raise NotImplementedError

    def _note_viewers(self, viewers: int, plays: bool) -> None:
        """Note how many look on, and whether some of them play."""
        self.size = viewers
        self._pause = 0.9 / (PLAYERS_PER_SECOND if plays else VIEWS_PER_SECOND)  # one may come a little early

    def _part(self) -> None:
        """Let those leave who played on the page, which has ended."""
        raise NotImplementedError

    def _look_after(self) -> None:
        """Go on without the page if its process has gone."""
        if not self._page.is_open and not self._has_gone:
            why = self._end()
            self._say(f"the page has gone ({why}); the {self._what} goes on without it")

    def _end(self) -> str:
        """End the page; return why it had ended before, if it had."""
        self._has_gone = True
        why = self._page.close()  # first: what it has said last is heard until then
        self.size = 0
        self._part()
        return why

    def close(self) -> None:
        """End the page."""
        if not self._has_gone:
            self._end()
