"""Observers: all of them are told, and all are told of the end."""

from __future__ import annotations

import pytest

from pongrl.agent.observers import Audience, Observer, Standing
from pongrl.agent.progress import Progress

STANDING = Standing(None, Progress(), None, True, False, "")


class Diary(Observer):
    def __init__(self, name: str, pages: list[str], look_seconds: float | None = None) -> None:
        self._name, self._pages, self.look_seconds = name, pages, look_seconds

    def waited(self, standing: Standing) -> None:
        self._pages.append(f"{self._name} waited")

    def reported(self, standing: Standing) -> None:
        self._pages.append(f"{self._name} reported")

    def ended(self, standing: Standing) -> None:
        self._pages.append(f"{self._name} ended")
        if self._name == "broken":
            raise ZeroDivisionError


def test_all_are_told_in_their_order_and_of_the_end_in_the_reverse_one() -> None:
    pages: list[str] = []
    audience = Audience()
    assert not audience
    for name in ("a", "b"):
        audience.add(Diary(name, pages))
    assert audience
    audience.waited(STANDING)
    audience.reported(STANDING)
    audience.end(STANDING)
    assert pages == ["a waited", "b waited", "a reported", "b reported", "b ended", "a ended"]
    assert not audience


def test_all_are_told_of_the_end_though_one_fails() -> None:
    pages: list[str] = []
    audience = Audience()
    for name in ("a", "broken", "c"):
        audience.add(Diary(name, pages))
    with pytest.raises(ZeroDivisionError):
        audience.end(STANDING)
    audience.end(STANDING)  # nobody is told twice
    assert pages == ["c ended", "broken ended", "a ended"]


def test_the_most_impatient_observer_says_how_often_they_look() -> None:
    audience = Audience()
    assert audience.look_seconds is None
    audience.add(Observer())
    assert audience.look_seconds is None
    hasty = Diary("hasty", [], look_seconds=0.1)
    for one in (Diary("patient", [], look_seconds=1.0), hasty):
        audience.add(one)
    assert audience.look_seconds == 0.1
    hasty.look_seconds = None  # somebody has closed its window
    assert audience.look_seconds == 1.0


def test_only_those_that_want_to_see_evaluations() -> None:
    audience, window = Audience(), Observer()
    viewers = audience.viewers
    audience.add(Observer())
    audience.add(window, sees_evaluations=True)
    assert viewers == [window]
    audience.end(STANDING)
    assert viewers == []
