"""The exception tree, and the drawing of it."""

from __future__ import annotations

import inspect
import pickle
import re

import pytest

from pongrl import errors
from pongrl.errors import PongError, Refusal, RefusedError

CLASSES = [value for _, value in inspect.getmembers(errors, inspect.isclass) if issubclass(value, Exception)]


@pytest.mark.parametrize("error", CLASSES)
def test_every_error_is_a_pong_error_and_is_in_the_drawing(error: type[Exception]) -> None:
    assert issubclass(error, PongError)
    [line] = re.findall(rf"^(.*)\b{error.__name__} ", errors.__doc__ or "", re.MULTILINE)
    depth = error.__mro__.index(PongError)  # of the tree: each level is drawn four columns deeper
    assert len(line) == 4 * depth


@pytest.mark.parametrize("error", CLASSES)
def test_every_error_crosses_from_one_process_to_another(error: type[Exception]) -> None:
    made = error(Refusal.BUSY, "no seat") if issubclass(error, RefusedError) else error("no seat")
    came = pickle.loads(pickle.dumps(made))
    assert (type(came), str(came), vars(came)) == (error, "no seat", vars(made))


def test_no_two_reasons_of_a_refusal_have_one_number() -> None:
    assert [*Refusal.__members__] == [reason.name for reason in Refusal]
