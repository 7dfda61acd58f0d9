"""Viewers of all kinds: messages in frames, slow viewers, those that come first."""

from __future__ import annotations

import asyncio
import json
from typing import Any, cast

import pytest

from pongrl.web import crowd
from pongrl.web.crowd import Crowd, Viewer, framed


class Line:
    """A transport, of which a test says how much waits in it."""

    def __init__(self) -> None:
        self.waiting, self.sent, self.is_aborted = 0, list[bytes](), False

    def get_write_buffer_size(self) -> int:
        return self.waiting

    def is_closing(self) -> bool:
        return self.is_aborted

    def write(self, data: bytes) -> None:
        self.sent.append(data)

    def abort(self) -> None:
        self.is_aborted = True


def viewer_on(line: Line) -> Viewer:
    return Viewer(cast(Any, None), cast(Any, line))


@pytest.mark.parametrize("length", [0, 100, 125, 126, 1000, 65_535, 65_536, 100_000])
def test_a_message_is_framed_as_browsers_read_it(length: int) -> None:
    value = "x" * length
    frame = framed(value)
    body = json.dumps(value).encode()
    assert frame[0] == 0x81
    assert frame.endswith(body)
    head = frame[1 : len(frame) - len(body)]
    size = head[0] if len(head) == 1 else int.from_bytes(head[1:])
    assert head[0] == (126 if len(head) == 3 else 127 if len(head) == 9 else len(body))
    assert size == len(body)


def test_a_viewer_that_is_behind_is_sent_no_more_pictures_until_it_has_caught_up() -> None:
    async def show() -> None:
        slow, fast, all_of_them = Line(), Line(), Crowd()
        for line in (slow, fast):
            all_of_them.add(viewer_on(line))
        slow.waiting = 10
        all_of_them.show(b"first")
        while not fast.sent:
            await asyncio.sleep(0)
        assert slow.sent == []
        slow.waiting = 0
        all_of_them.show(b"second")
        while len(fast.sent) < 2:
            await asyncio.sleep(0)
        assert slow.sent == [b"second"]

    asyncio.run(show())


def test_a_viewer_that_takes_nothing_of_what_all_must_have_is_given_up() -> None:
    line, everybody = Line(), Crowd()
    everybody.add(viewer_on(line))
    line.waiting = crowd.MOST_WAITING
    everybody.tell("news")
    assert not line.is_aborted
    line.waiting += 1
    everybody.tell("news")
    assert line.is_aborted
    everybody.tell("news")
    assert len(line.sent) == 1


def test_who_is_behind_is_sent_the_newest_of_each_kind_when_it_has_caught_up() -> None:
    slow, fast, everybody = Line(), Line(), Crowd()
    for line in (slow, fast):
        everybody.add(viewer_on(line))
    slow.waiting = 10
    for number in range(3):
        everybody.tell_latest("ladder", number)
    assert slow.sent == []
    assert fast.sent == [framed({"ladder": number}) for number in range(3)]
    slow.waiting = 0
    everybody.pay()
    assert slow.sent == [framed({"ladder": 2})]


def test_those_who_play_are_shown_every_picture_and_the_others_the_latest_when_they_are_due() -> None:
    async def show() -> None:
        playing, looking, everybody = Line(), Line(), Crowd()
        player = viewer_on(playing)
        everybody.add(player)
        everybody.add(viewer_on(looking))
        everybody.prefer(player, True)
        everybody.show(b"0")
        while not looking.sent:
            await asyncio.sleep(0)
        for number in range(1, 5):
            everybody.show(b"%d" % number)
        assert playing.sent == [b"0", b"1", b"2", b"3", b"4"]
        while len(looking.sent) < 2:
            await asyncio.sleep(0)
        assert looking.sent == [b"0", b"4"]

    asyncio.run(show())


def test_more_viewers_are_each_sent_fewer_pictures() -> None:
    async def seconds_between(viewers: int) -> float:
        lines, everybody = [Line() for _ in range(viewers)], Crowd()
        for line in lines:
            everybody.add(viewer_on(line))
        loop = asyncio.get_running_loop()
        start = loop.time()
        everybody.show(b"0")
        while not lines[0].sent:
            await asyncio.sleep(0)
        everybody.show(b"1")
        while len(lines[0].sent) < 2:
            await asyncio.sleep(0)
        return loop.time() - start

    assert asyncio.run(seconds_between(300)) > 0.9 * 0.9 * 300 / crowd.SENDS_PER_SECOND


def test_each_viewer_is_sent_the_pictures_of_what_it_looks_at() -> None:
    async def show() -> None:
        lines, everybody = {topic: Line() for topic in (1, 2, None)}, Crowd()
        viewers = {topic: viewer_on(line) for topic, line in lines.items()}
        for topic, viewer in viewers.items():
            everybody.add(viewer)
            everybody.look_at(viewer, topic)
        everybody.show(b"one", 1)
        everybody.show(b"two", 2)
        while not (lines[1].sent and lines[2].sent):
            await asyncio.sleep(0)
        everybody.prefer(viewers[1], True)
        everybody.look_at(viewers[1], 2)
        everybody.show(b"two again", 2)
        assert lines[1].sent == [b"one", b"two again"]  # it comes first
        while len(lines[2].sent) < 2:
            await asyncio.sleep(0)
        assert lines[2].sent == [b"two", b"two again"]
        assert lines[None].sent == []
        everybody.remove(viewers[1])
        everybody.look_at(viewers[1], 1)  # it has left
        assert len(everybody) == 2

    asyncio.run(show())


def test_a_page_may_send_those_who_look_on_fewer_pictures() -> None:
    async def seconds() -> float:
        line, everybody = Line(), Crowd(per_second=10)
        everybody.add(viewer_on(line))
        loop = asyncio.get_running_loop()
        start = loop.time()
        while len(line.sent) < 2:
            everybody.show(b"picture")
            await asyncio.sleep(0)
        return loop.time() - start

    assert asyncio.run(seconds()) > 0.9 * 0.9 / 10
