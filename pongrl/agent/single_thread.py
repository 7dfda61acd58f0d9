"""Let BLAS use one thread. Import this module before anything imports numpy.

More threads make products of this size slower, and they take the core that the game needs. If a program has
loaded numpy before, `threadpoolctl` limits it when training starts.
"""

from __future__ import annotations

import os

for _variable in ("OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS", "OMP_NUM_THREADS", "VECLIB_MAXIMUM_THREADS"):
    os.environ[_variable] = "1"
