"""The door to the wire: what it describes, and what it lists."""

from __future__ import annotations

import inspect
from types import ModuleType

import pytest

import netproto
from netproto import Kind
from pongrl.wire import session, step, view


def test_every_public_name_is_listed_once() -> None:
    names = {name for name in vars(netproto) if not name.startswith("_")} - {"annotations"}
    assert set(netproto.__all__) == names
    assert len(netproto.__all__) == len(names)


@pytest.mark.parametrize("kind", list(Kind), ids=lambda kind: kind.name)
def test_every_kind_of_message_is_described(kind: Kind) -> None:
    assert f"    {kind.name} " in (netproto.__doc__ or "")


@pytest.mark.parametrize("module", [session, step, view], ids=lambda module: module.__name__)
def test_the_messages_of_the_wire_can_be_had_here(module: ModuleType) -> None:
    classes = [each for _, each in inspect.getmembers(module, inspect.isclass)]
    own = [each for each in classes if each.__module__ == module.__name__]
    assert own
    assert all(getattr(netproto, each.__name__) is each for each in own)
