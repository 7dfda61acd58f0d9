"""python -m pongrl.distributed."""

from __future__ import annotations

import pongrl.agent.single_thread  # noqa: F401  # before anything imports numpy

# isort: split
import sys

from pongrl.distributed.program import main

if __name__ == "__main__":
    sys.exit(main())
