"""Let Ray show its token to a cluster that wants one. Import this module before anything imports ray.

`ray start` asks for a token as soon as there is one on its machine (~/.ray/auth_token, which the first run
without a cluster writes). `ray.init` with an address shows the token only if RAY_AUTH_MODE says so.
"""

from __future__ import annotations

import os
from pathlib import Path


def has_token() -> bool:
    """Tell whether this user has a token for Ray, in a place where Ray looks for it."""
    named = {"RAY_AUTH_TOKEN", "RAY_AUTH_TOKEN_PATH"} & os.environ.keys()
    return bool(named) or Path.home().joinpath(".ray", "auth_token").exists()


if "RAY_AUTH_MODE" not in os.environ and has_token():
    os.environ["RAY_AUTH_MODE"] = "token"
