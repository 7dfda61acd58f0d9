"""What a copy of an environment is: a new one, made with the same arguments, as Gymnasium's EzPickle does it.

A copy has its own server, or its own identity on a server that is running. It begins with `reset`.
"""

from __future__ import annotations

from typing import Any


class Remade:
    """Copies and pickles as a new environment. `_arguments` are those of the constructor, by name."""

    _arguments: dict[str, Any]

    def __reduce__(self) -> tuple[Any, ...]:
        """Give what makes another environment; `gymnasium.make` has put a spec into this one, perhaps."""
        spec = getattr(self, "spec", None)
        return _make, (type(self), self._arguments), {} if spec is None else {"spec": spec}


def _make(kind: type, arguments: dict[str, Any]) -> Any:
    return kind(**arguments)
