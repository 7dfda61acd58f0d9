"""How steps grow shorter, and batches larger."""

from __future__ import annotations

import pytest

from pongrl.agent.schedule import COLDEST, LARGEST_GROWTH, Schedule


@pytest.mark.parametrize(("times", "share"), [(0, 1.0), (1, 1 / 2), (2, 1 / 3), (9, 1 / 10)])
def test_the_rate_falls_with_the_frames_that_were_played(times: int, share: float) -> None:
    assert Schedule(halving=5000).rate_share(5000 * times) == pytest.approx(share)


def test_at_the_end_of_a_run_of_a_known_length_the_rate_falls_to_almost_nothing() -> None:
    shares = [Schedule(halving=5000).rate_share(5000, done / 100) for done in range(101)]
    assert shares[:70] == [0.5] * 70
    assert shares[70:] == sorted(shares[70:], reverse=True)
    assert shares[85] == pytest.approx(0.25)
    assert shares[-1] == pytest.approx(0.5 * COLDEST)
    assert Schedule(halving=5000, cooling=1.0).rate_share(5000, 0.5) == pytest.approx(0.25)


def test_a_batch_grows_with_the_frames_up_to_its_largest_size() -> None:
    sizes = [Schedule(halving=5000).batch_growth(frames) for frames in range(0, 100_000, 1000)]
    assert sizes[0] == 1
    assert sizes == sorted(sizes)
    assert sizes[-1] == LARGEST_GROWTH


def test_the_batches_of_several_workers_grow_more_slowly_each() -> None:
    one, eight = Schedule(halving=5000), Schedule(halving=5000, workers=8)
    assert eight.batch_growth(8 * 5000) == one.batch_growth(5000) == 2
    assert eight.rate_share(5000) == one.rate_share(5000)
