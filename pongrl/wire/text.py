"""Text that a peer sent, made safe to print."""

from __future__ import annotations


def printable(text: str) -> str:
    """Escape what a peer sent, so that printing it can neither move a cursor nor forge a line."""
    return "".join(c if c.isprintable() else c.encode("unicode_escape").decode() for c in text)
