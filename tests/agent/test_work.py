"""Work that pauses."""

from __future__ import annotations

from pongrl.agent.work import Work, finish


def test_finishing_work_does_the_pieces_that_are_left() -> None:
    done: list[int] = []

    def counting() -> Work[str]:
        for piece in range(3):
            done.append(piece)
            yield
        return "result"

    work = counting()
    next(work)
    assert done == [0]
    assert finish(work) == "result"
    assert done == [0, 1, 2]
