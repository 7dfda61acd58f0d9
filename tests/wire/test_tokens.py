"""Where the token comes from, and when one is asked for."""

from __future__ import annotations

import logging
import os
from pathlib import Path

import pytest

from pongrl.errors import PongError, UsageError
from pongrl.wire.tokens import choose_token, read_token, token_to_ask


@pytest.mark.parametrize("token", [None, "", "secret"])
def test_a_token_comes_from_the_environment(monkeypatch: pytest.MonkeyPatch, token: str | None) -> None:
    monkeypatch.delenv("PONG_TOKEN", raising=False)
    if token is not None:
        monkeypatch.setenv("PONG_TOKEN", token)
    assert read_token(None) == token


@pytest.mark.parametrize(
    ("content", "token"),
    [
        (b"", ""),
        (b" \r\n", ""),
        ("ключ\n".encode(), "ключ"),
        ("Notepad\r\n".encode("utf-8-sig"), "Notepad"),
    ],
)
def test_a_token_file_goes_before_the_environment(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, content: bytes, token: str
) -> None:
    monkeypatch.setenv("PONG_TOKEN", "another")
    path = tmp_path / "token"
    path.write_bytes(content)
    assert read_token(str(path)) == token


def test_a_token_file_that_cannot_be_read_is_named(tmp_path: Path) -> None:
    binary = tmp_path / "binary"
    binary.write_bytes(b"\xff\xfe")
    for path in (tmp_path / "missing", tmp_path, binary):
        with pytest.raises(PongError, match="cannot be read") as caught:
            read_token(str(path))
        assert str(path) in str(caught.value)


@pytest.mark.skipif(os.name != "posix", reason="pipes as POSIX has them")
def test_a_token_file_is_looked_at_before_it_is_read(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe")
    (tmp_path / "film").write_bytes(bytes(100_000))
    for name, reason in (("pipe", "it is a pipe"), ("film", "it has 100,000 bytes")):
        with pytest.raises(PongError, match=f"{reason}.*or set PONG_TOKEN"):
            read_token(str(tmp_path / name))


def test_a_token_that_is_given_goes_before_all_others(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    path = tmp_path / "token"
    path.write_text("of the file")
    monkeypatch.setenv("PONG_TOKEN", "of the environment")
    assert choose_token("given", str(path)) == "given"
    assert choose_token("", str(path)) == ""
    assert choose_token(None, str(path)) == "of the file"
    assert choose_token(None, None) == "of the environment"


@pytest.mark.parametrize("is_loopback", [False, True])
def test_a_token_that_was_given_is_asked_for(is_loopback: bool) -> None:
    assert token_to_ask("secret", False, is_loopback) == ("secret", False)


@pytest.mark.parametrize("given", [None, ""])
def test_on_this_machine_no_token_is_needed(given: str | None) -> None:
    assert token_to_ask(given, False, is_loopback=True) == ("", False)


def test_beyond_this_machine_a_token_is_made_up() -> None:
    (token, is_made_up), (another, _) = (token_to_ask(None, False, is_loopback=False) for _ in range(2))
    assert is_made_up
    assert len(token) >= 16
    assert token != another


def test_beyond_this_machine_an_empty_token_is_refused() -> None:
    with pytest.raises(UsageError, match="say --open to let everybody in"):
        token_to_ask("", False, is_loopback=False)


@pytest.mark.parametrize(("is_loopback", "warnings"), [(False, 1), (True, 0)])
def test_an_open_server_asks_for_none_and_warns_if_strangers_can_connect(
    is_loopback: bool, warnings: int, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.WARNING, "pong")
    assert token_to_ask(None, True, is_loopback) == ("", False)
    assert caplog.text.count("everybody on this network") == warnings
    with pytest.raises(UsageError, match="drop one of them"):
        token_to_ask("secret", True, is_loopback)
