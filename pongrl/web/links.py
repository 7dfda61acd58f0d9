"""The links that open a page: what is secret in them, how they are written, and as a picture for a phone."""

from __future__ import annotations

import hashlib
import io
import secrets
import shutil
import socket
import sys
import urllib.parse
from typing import NamedTuple

from pongrl.outlets import is_terminal
from pongrl.web.site import Secrets, Site
from pongrl.wire.sockets import spelled

ROUNDS = 200_000  # of hashing, so that nobody finds a short token out from a link
WILDCARDS = ("0.0.0.0", "::")


def secrets_of(token: str, page: str) -> Secrets:
    """Return what a page asks for, "game", "agent" or "arena", where playing over TCP asks for this token.

    The same token gives the same links, so that a printed one is good for the next lesson too. Without a
    token everybody may look, and the link for steering is another one each time.
    """
    if not token:
        return Secrets("", secrets.token_urlsafe(16))
    return Secrets(_derived(token, f"{page}: look"), _derived(token, f"{page}: steer"))


def _derived(token: str, use: str) -> str:
    bits = token.encode(errors="surrogateescape")  # bytes of PONG_TOKEN that are no text
    key = hashlib.pbkdf2_hmac("sha256", bits, f"pongrl page of {use}".encode(), ROUNDS)
    return key.hex()[:32]


def host_in_links(host: str) -> str:
    """Return the name by which others reach a server that listens on this host."""
    return socket.gethostname().split(".")[0] + ".local" if host in WILDCARDS else host


def link(host: str, port: int, is_encrypted: bool, secret: str) -> str:
    """Write a link; with a secret it has a token."""
    scheme = "https" if is_encrypted else "http"
    return f"{scheme}://{spelled(host, port)}/" + (f"?token={secret}" if secret else "")


class Links(NamedTuple):
    """The links of a page."""

    look: str
    steer: str


def links_of(site: Site, port: int) -> Links:
    """Return the links of a page that listens on a port."""
    host, is_encrypted = host_in_links(site.host), site.certificate is not None
    look, steer = (link(host, port, is_encrypted, secret) for secret in site.secrets)
    return Links(look, steer)


def greeting(links: Links, what: str, steering: str) -> list[str]:
    """Return the lines that a program prints when its page is there.

    Args:
        links: the page's.
        what: is looked at.
        steering: what the second link is for.
    """
    lines = [f"see {what} in a browser: {links.look}", f"{steering} there: {links.steer}"]
    if is_terminal(sys.stdout) and not is_for_this_machine(links.look):
        code = qr_code(links.look, shutil.get_terminal_size().columns)
        lines += code.split("\n") if code else []
    return lines


def is_for_this_machine(url: str) -> bool:
    """Return whether a link leads to this machine alone, so that no phone can follow it."""
    return urllib.parse.urlsplit(url).hostname in ("localhost", "127.0.0.1", "::1")


def qr_code(text: str, columns: int) -> str:
    """Return a text as lines of blocks that a phone's camera reads; "" if a terminal is too narrow for it."""
    import segno

    output = io.StringIO()
    code = segno.make(text, micro=False, error="l")
    code.terminal(output, compact=True)
    return output.getvalue().rstrip("\n") if code.symbol_size()[0] <= columns else ""
