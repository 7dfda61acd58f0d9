"""Train the agent with many workers, on Ray: on this machine, or on a cluster.

    python -m pongrl.distributed --workers 2 --level 2
    python -m pongrl.distributed --workers 2 --host pi1.local --host pi2.local    # one for each worker
    python -m pongrl.distributed --workers 8 --address 192.168.0.10:6379    # after `ray start --head`

    program     the options, and what `start` does
    driver      the loop: takes answers and gradients, takes steps, keeps the books
    workforce   the workers, as they come and go
    pool        what the workers have played, until it makes a gradient
    worker      plays on its own servers, and computes the gradient of what it has played

One round, for each worker by itself:

    driver                                 worker
    collect(newest weights)               ►  plays until its share of a batch is full
                                          ◄  moments of the share, points won and lost
    collect(newest weights)               ►  plays on; at the same time, in a second thread,
    gradient(moments of the whole batch)  ►  computes its part of the gradient
                                          ◄  which the driver adds to the other parts; then it takes a step

A batch is made of the shares that have come as soon as they hold `batch_size` points. So nobody waits for
the slowest worker, or for a dead one. The standard deviation of the advantages and the number of own
decisions are those of the whole batch. Workers are told them, so the sum of their parts is the gradient of
the pooled batch, exact up to rounding (see `Moments` in pongrl.agent.batch).

A share has batch_size / workers points, so each worker plays one share for each update. Its weights do not
include the last one or two batches yet; those of mainmodel.py do not include the last one. If the driver
cannot keep up, batches grow: a worker sends one gradient per update, of all its shares. Nothing is learned
from a share whose policy is more than STALEST updates old, for example because its worker was stopped for a
while.

If a worker dies, its unfinished share is lost, and another worker takes its place. If the driver dies, all
of them end. The checkpoints are those of mainmodel.py: each program goes on with the other's.

On a cluster, each machine needs this package at the same path, and ray. Ray's own network is not encrypted
and asks for no password: use it between machines that trust each other.
"""

from __future__ import annotations

import os

os.environ.setdefault("RAY_USAGE_STATS_ENABLED", "0")
os.environ.setdefault("RAY_ACCEL_ENV_VAR_OVERRIDE_ON_ZERO", "0")  # or Ray warns that its default will change
