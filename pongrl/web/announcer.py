"""Announces a server on the network, at the program's end."""

from __future__ import annotations

import logging
import secrets
import socket
from typing import Any
from urllib.parse import urlsplit

from pongrl.errors import PongError
from pongrl.server.entrance import Entrance
from pongrl.web.arena_page import ArenaPage
from pongrl.web.game_page import GamePage
from pongrl.web.nearby import Announcement, is_installed
from pongrl.web.page import Page
from pongrl.web.site import Secrets, Site
from pongrl.wire.messages import Session

log = logging.getLogger("pong.page")


def announce(
    session: Session, entrance: Entrance, port: int, page: GamePage | ArenaPage | None, game: str = "Pong"
) -> Page | None:
    """Let others on the network find a server, and show its page who else is there.

    Args:
        session: what is played.
        entrance: where agents come in.
        port: that it listens on.
        page: the server's page, if it has one.
        game: the name of what is played; another one than ours has no level.

    Returns:
        What is to be closed at the end; None if it cannot be announced, or zeroconf is not installed.
    """
    if not is_installed():
        return None
    said = Announcement(
        name=f"{game} on {socket.gethostname()}",
        identity=secrets.token_hex(4),
        host=entrance.host,
        port=port,
        level=session.level if game == "Pong" else None,
        games=session.games,
        lockstep=session.lockstep,
        is_encrypted=entrance.certificate is not None,
        needs_token=bool(entrance.token),
        page=None if page is None else urlsplit(page.links.look).port,
    )

    def hear(told: dict[str, Any]) -> None:
        if isinstance(page, GamePage) and "others" in told:
            page.show_others(told["others"])

    site = Site(said.name, entrance.host, port, Secrets("", ""), about=said)
    try:
        return Page("pongrl.web.neighbours", site, hear, lambda: False)
    except PongError as error:  # who knows the address comes all the same
        log.warning("the server is not announced on the network: %s", error)
        return None
