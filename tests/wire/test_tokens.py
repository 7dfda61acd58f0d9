"""Where the token comes from."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from pongrl.errors import PongError
from pongrl.wire.tokens import choose_token, read_token


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
