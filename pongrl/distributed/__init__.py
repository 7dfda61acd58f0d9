"""Train the agent with many workers, on Ray: on this machine, or on a cluster.

    python -m pongrl.distributed --workers 2 --level 2
    python -m pongrl.distributed --workers 2 --host pi1.local --host pi2.local    # one for each worker
    python -m pongrl.distributed --workers 8 --address 192.168.0.10:6379    # after `ray start --head`

    program     the options, and what `start` does
    driver      the loop: takes answers, and keeps the books
    workforce   the workers, as they come and go
    average     the weights that all workers learn for
    worker      plays on its own servers, and learns
    rounds      what a worker begins with and what it has changed; both as they travel
    authentication, last_words    Ray's own token; what is said if Ray ends this process

One round, for each worker by itself:

    driver                                worker
    collect(the newest weights)         ►  plays and learns as mainmodel.py does, for FRAMES frames
                                        ◄  how far that has moved the weights; points won and lost
    adds a share of that to its weights
    collect(the newest weights)         ►  ...

So nobody waits for the slowest worker, or for a dead one. Meanwhile the others' changes are added too, so a
change was learned from weights that are about one change of each other worker old. Nothing is added that is
more than STALEST rounds old, for example because its worker was stopped for a while.

If a worker dies, what it has learned in this round is lost, and another worker takes its place. If the driver
dies, all of them end. The checkpoints are those of mainmodel.py: each program goes on with the other's.

On a cluster, each machine needs this package at the same path, and ray. Ray's own network is not encrypted,
and asks for a token only if there is one: use it between machines that trust each other.
"""

from __future__ import annotations

import os

os.environ.setdefault("RAY_USAGE_STATS_ENABLED", "0")
os.environ.setdefault("RAY_ACCEL_ENV_VAR_OVERRIDE_ON_ZERO", "0")  # or Ray warns that its default will change
