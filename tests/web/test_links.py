"""The links of a page: what they tell, and what they do not."""

from __future__ import annotations

import os

import pytest

from pongrl.web.links import greeting, is_for_this_machine, link, links_of, qr_code, secrets_of
from pongrl.web.site import Secrets, Site


def test_the_same_token_gives_the_same_links_and_another_one_others() -> None:
    first, second, agents = (
        secrets_of("token", "game"),
        secrets_of("token2", "game"),
        secrets_of("token", "agent"),
    )
    assert first == secrets_of("token", "game")
    assert len({*first, *second, *agents, "token"}) == 7  # who plays the game cannot steer the agent
    assert "token" not in "".join(first)


def test_a_token_may_have_bytes_that_are_no_text() -> None:
    """So PONG_TOKEN may be, and the wire takes it."""
    assert secrets_of(os.fsdecode(b"caf\xe9"), "game") != secrets_of("caf", "game")


def test_without_a_token_all_may_look_and_the_link_for_steering_is_a_new_one_each_time() -> None:
    first, second = secrets_of("", "game"), secrets_of("", "game")
    assert first.look == second.look == ""
    assert first.steer != second.steer


def test_a_link_is_written_as_browsers_read_it() -> None:
    assert link("127.0.0.1", 80, False, "") == "http://127.0.0.1:80/"
    assert link("::1", 8080, True, "a-b") == "https://[::1]:8080/?token=a-b"


def test_a_page_on_every_network_is_called_by_the_name_of_its_machine(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("socket.gethostname", lambda: "pi.lan")
    links = links_of(Site("", "0.0.0.0", 0, Secrets("l", "s")), 8080)
    assert links == ("http://pi.local:8080/?token=l", "http://pi.local:8080/?token=s")
    assert greeting(links, "the game", "play") == [
        "see the game in a browser: http://pi.local:8080/?token=l",
        "play there: http://pi.local:8080/?token=s",
    ]


@pytest.mark.parametrize(
    ("url", "is_here"), [("http://127.0.0.1:1/", True), ("http://[::1]/", True), ("http://pi.local/", False)]
)
def test_a_link_to_this_machine_is_of_no_use_to_a_phone(url: str, is_here: bool) -> None:
    assert is_for_this_machine(url) is is_here


def test_a_link_becomes_a_picture_where_there_is_room_for_it() -> None:
    code = qr_code("http://pi.local:8080/?token=0123456789abcdef", 80)
    assert len(code.split("\n")) > 10
    assert qr_code("http://pi.local:8080/?token=0123456789abcdef", 20) == ""
