"""Text that a peer sent."""

from __future__ import annotations

import pytest

from pongrl.text import printable


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("Mia \U0001fa77", "Mia \U0001fa77"),
        ("café 1", "café 1"),
        ("\x1b[2J", r"\x1b[2J"),
        ("a\nb", r"a\nb"),
        ("\u202e", r"\u202e"),
        ("", ""),
    ],
)
def test_what_a_peer_sent_is_escaped_before_it_is_printed(text: str, shown: str) -> None:
    assert printable(text) == shown


def test_a_text_that_is_too_long_is_cut() -> None:
    assert printable("\n" * 3000, longest=2) == r"\n\n… (3,000 characters)"
