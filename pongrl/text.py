"""Text that came from outside, from a peer or a file, made safe to print."""

from __future__ import annotations

LONGEST = 2000  # characters of a line that is printed


def printable(text: str, longest: int = LONGEST) -> str:
    """Escape and cut a text, so that printing it can neither move a cursor, forge a line, nor fill a screen.

    Args:
        text: What came.
        longest: Characters of it that are kept.

    Returns:
        One line.
    """
    kept = text[:longest]
    shown = kept if kept.isprintable() else "".join(map(_escaped, kept))
    return shown + (f"… ({len(text):,} characters)" if len(text) > longest else "")


def _escaped(character: str) -> str:
    is_picture = "\U0001f000" <= character <= "\U0001faff"  # which this Python may be too old to know
    return character if character.isprintable() or is_picture else character.encode("unicode_escape").decode()
