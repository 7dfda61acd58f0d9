"""The driver: adds up what the workers learn, and keeps the books."""

from __future__ import annotations

import contextlib
import logging
import socket
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pongrl.distributed.authentication  # noqa: F401  # before anything imports ray

# isort: split
import ray
from ray.exceptions import RayError, RayTaskError

from pongrl import cli
from pongrl.agent.commands import QUIT, WORDS, Commands, Controls
from pongrl.agent.desk import Desk, open_desk
from pongrl.agent.files import LATEST, prepare_directory
from pongrl.agent.learning import Learner
from pongrl.agent.start import Start
from pongrl.distributed.average import Average
from pongrl.distributed.last_words import last_words
from pongrl.distributed.worker import Answer, check_game, learner_of
from pongrl.distributed.workforce import Post, Workforce
from pongrl.errors import PongError, UsageError
from pongrl.wire.sockets import address_of

LOOK_SECONDS = 0.1  # until the driver looks at its console again
JOINING_SECONDS = 5.0  # until a cluster that does not answer is given up
CHECKPOINT_SECONDS = 10.0  # between two of interrupt.p, since Ray may end this process at any moment
DIED = (
    "error: Ray has died on this machine, and has taken this program with it: "
    "go on with --resume, {latest} is at most some ten seconds old"
)
RAY_PORT = 6379  # of a cluster's head, unless it was told another
STORE_BYTES = 256 << 20  # of shared memory: a model takes 4.6 MB, and so does a change


def train(start: Start, workers: int, address: str | None) -> None:
    """Train until told to stop, or until the length that was asked for is over.

    Args:
        start: what the run starts with.
        workers: how many.
        address: of the cluster; None to start Ray here.

    Raises:
        PongError: a problem that the user must fix; or the end could not be written.
    """
    commands, options = Commands(cli.say), start.options

    def stopping() -> contextlib.AbstractContextManager[None]:
        return cli.stop_signals(lambda: commands.enter(QUIT))

    with contextlib.ExitStack() as stack:
        stack.enter_context(stopping())
        stack.enter_context(last_words(DIED.format(latest=Path(options.directory, LATEST))))
        desk = stack.enter_context(open_desk(start, commands, cli.say, CHECKPOINT_SECONDS))
        if options.tensorboard is not None:
            _open_event_log(desk, options.tensorboard)
        learner = _learner_of(start, workers)
        desk.say(f"starting Ray, workers: {workers}")
        stack.enter_context(cluster(workers, address, options.debug))
        stack.enter_context(stopping())  # Ray has put its own handlers in the place of ours
        average = Average(learner, workers)
        workforce = stack.enter_context(contextlib.closing(Workforce(options, workers, average, desk.say)))
        stack.enter_context(_console(commands, lambda: desk.books.status(workforce.is_paused)))
        Driver(desk, learner, average, workforce).run()


def _open_event_log(desk: Desk, directory: str) -> None:
    from pongrl.ui.tensorboard import EventLog

    prepare_directory("--tensorboard", directory)
    options, points = desk.start.options, desk.books.progress.points
    desk.audience.add(EventLog(Path(directory), options.described, points, bool(options.resume), desk.say))


@contextlib.contextmanager
def _console(commands: Commands, status: Callable[[], str]) -> Iterator[None]:
    from pongrl.ui.console import Console

    with contextlib.closing(Console(WORDS, commands.enter, status)) as console:
        console.start()
        yield


@contextlib.contextmanager
def cluster(workers: int, address: str | None, debug: bool) -> Iterator[None]:
    """Start Ray on this machine, or join the cluster at an address; leave it at the end.

    Raises:
        PongError: it cannot be started or joined.
        UsageError: it has fewer cores than workers.
    """
    where: dict[str, Any] = {"address": address}
    if address is None:
        where = {"address": "local", "num_cpus": workers, "object_store_memory": STORE_BYTES,
                 "include_dashboard": False}  # fmt: skip
    try:
        if address not in (None, "auto"):  # Ray itself would try for a minute
            socket.create_connection(address_of(address, RAY_PORT), JOINING_SECONDS).close()
        ray.init(log_to_driver=debug, logging_level=logging.CRITICAL, **where)
    except (OSError, RuntimeError, ValueError, RayError) as error:
        reason = getattr(error, "strerror", None) or str(error).strip().split("\n")[0]
        what = f"joined at {address}" if address else "started"
        raise PongError(f"Ray cannot be {what} ({reason}): see what `ray status` says there") from error
    try:
        if not debug:  # Ray has no option against what it prints of workers that die
            ray._private.worker._worker_logs_enabled = False  # noqa: SLF001
        cores = int(ray.cluster_resources().get("CPU", 0))
        if cores < workers:
            raise UsageError(f"the cluster has {cores} cores: it cannot have --workers {workers}")
        yield
    finally:
        ray.shutdown()


class Driver:
    """Adds what the workers learn to the weights that all of them begin with.

    Args:
        desk: of the run.
        learner: for the files.
        average: of what the workers learn.
        workforce: the workers; none is hired yet.
    """

    def __init__(self, desk: Desk, learner: Learner, average: Average, workforce: Workforce) -> None:
        self._commands, self._books, self._say = desk.commands, desk.books, desk.say
        self._learner, self._average, self._workforce = learner, average, workforce
        self._controls = Controls(workforce, desk.books, desk.say)

    def run(self) -> None:
        """Train until the end, and leave everything on disk.

        Raises:
            PongError: a problem that the user must fix.
        """
        with self._books.finishing():
            self._workforce.hire_all()
            self._books.restart_clock()
            while not self._commands.has_quit and not self._books.is_complete():
                self._turn()

    def _turn(self) -> None:
        """Obey commands, and take in what comes from the workers within a short while."""
        self._commands.obey(self._controls)
        awaited = {post.answer: post for post in self._workforce.posts}
        ready, _ = ray.wait(list(awaited), timeout=LOOK_SECONDS)
        if self._workforce.is_playing:
            self._books.pass_time()
        else:
            self._books.restart_clock()
        for reference in ready:
            self._take(reference, awaited[reference])

    def _take(self, reference: Any, post: Post) -> None:
        """Take in an answer, or the death of a worker."""
        try:
            answer: Answer = ray.get(reference)
        except RayTaskError:  # a mistake in this program
            raise
        except RayError:
            self._workforce.replace(post)
            return
        for line in "\n".join(answer.said).splitlines():
            self._say(f"{post}: {line}")
        if answer.error:
            self._workforce.dismiss(post, answer.error)
            return
        post.is_playing = answer.is_playing
        self._learn_from(post, answer)

    def _learn_from(self, post: Post, answer: Answer) -> None:
        """Add what the worker has changed, if its round is over; enter what it has played into the books."""
        change = answer.change
        if change is not None and self._workforce.accept(post, change):
            self._average.add(change)
        if change is None:
            self._workforce.go_on(post)
        else:
            self._workforce.begin_round(post)
        self._count(answer)  # while the worker plays on

    def _count(self, answer: Answer) -> None:
        """Enter what a worker has played into the books; they are opened with the first of it."""
        tally = answer.tally
        if not tally.decisions:
            return
        self._books.open(self._learner, answer.level)
        self._workforce.is_connected = True
        self._books.count_decisions(tally.decisions, tally.frames)
        for won, lost in tally.points:
            self._books.count_points(won, lost)
        self._books.go_on()


def _learner_of(start: Start, workers: int) -> Learner:
    """Return the learner to start with; a new one if nothing was learned before.

    Raises:
        PongError: what was learned is another game.
    """
    if start.player is None:
        return learner_of(start.options, workers, start.rng)
    assert isinstance(start.player, Learner)
    check_game(start.player.policy)
    start.player.schedule = replace(start.player.schedule, workers=workers)
    return start.player
