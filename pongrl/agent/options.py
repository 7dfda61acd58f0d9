"""The options of a run, checked and frozen: `RunOptions` is made once and given to all parts of the agent.

The options are declared, with their explanations, by the programs that a person starts: `PolicyGradient` in
mainmodel.py and `TrainRay` in pongrl.distributed. `RunOptions.of` takes the values from such a program.
SERVES is the table of the modes in which each option serves, CHECKS that of what else may be wrong.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, fields
from pathlib import Path
from typing import Any, ClassVar

from pongrl.agent.files import BEST
from pongrl.checks import LARGEST_SEED, settle_types, whole, within
from pongrl.cli import asked_of, flag_of, given_to
from pongrl.errors import CheckpointError, UsageError
from pongrl.modes import Mode, refuse_idle
from pongrl.wire.messages import MAX_GAMES, Role
from pongrl.wire.sockets import address_of

EVALUATION_SEED = 1_000_000  # is added to the run's seed, so that the games differ from the training's


@dataclass(frozen=True, kw_only=True)
class RunOptions:
    """What a person asked for. The fields are explained where the programs declare them.

    Raises:
        UsageError: an option is out of its range, or does not go with another.
    """

    resume: bool | str
    host: str | tuple[str, ...] | None
    port: int
    hiddenUnits: int
    batch_size: int
    learningRate: float
    gamma: float
    decayRate: float
    moves: int
    side: str
    local: bool | int
    level: int | None
    games: int | None
    points: int | None
    minutes: float | None
    seed: int | None
    directory: str
    tensorboard: str | None
    token_file: str | None
    ca: str | None
    debug: bool
    evaluate_every: int | None
    token: str | None = field(repr=False)
    given: frozenset[str]  # the names of the options that the person gave
    # A program that does nothing but train has no options for these.
    render: bool = False
    name: str = ""
    env: str | None = None
    play: bool | str = False
    watch: bool = False
    evaluate: bool | str = False
    matches: int | None = None
    sample: bool = False
    record: str | None = None
    opponents: str | None = None
    snapshot_every: int | None = None
    plot: tuple[str, ...] = ()
    output: str | None = None
    find: bool = False
    web: bool | int = False
    web_host: str | None = None
    certificate: str | None = None
    key: str | None = None

    KEPT: ClassVar = (
        "hiddenUnits", "batch_size", "learningRate", "gamma", "decayRate", "moves", "level", "games",
    )  # fmt: skip
    """The options that a checkpoint keeps; --resume takes them from there unless they are given."""

    KEPT_FOR_OWN_SERVERS: ClassVar = ("games",)
    """Those of them that only a run with servers of its own takes from there."""

    def __post_init__(self) -> None:
        for check in CHECKS:
            check(self)

    @classmethod
    def of(cls, program: Any) -> RunOptions:
        """Take the options from a program, which is a dataclass with options of these names.

        Raises:
            UsageError: an option is of another type, out of its range, does not go with another, or would do
                nothing.
        """
        settle_types(program)
        ours = {each.name for each in fields(cls)}
        values = {each.name: getattr(program, each.name) for each in fields(program) if each.name in ours}
        options = cls(**values | {"given": given_to(program)})
        refuse_idle(SERVES, options.mode, asked_of(program))
        return options

    @property
    def mode(self) -> Mode:
        """What is asked for."""
        if self.plot:
            return PLOT
        if self.watch:
            return WATCH
        named, own = _EVALUATING if self.evaluate else _PLAYING if self.play else _TRAINING
        return own if self.has_own_servers else named

    @property
    def addresses(self) -> tuple[tuple[str, int], ...]:
        """Hosts and ports of the servers that are named, or of the default one."""
        hosts = (self.host,) if isinstance(self.host, str) else tuple(self.host or ())
        return tuple(address_of(host, self.port) for host in hosts) or (("127.0.0.1", self.port),)

    @property
    def has_own_servers(self) -> bool:
        """Whether the run starts its servers. An evaluation does so too, unless a server is named."""
        is_named = self.host is not None or self.find or "port" in self.given or self.side == "right"
        return bool(self.local) or (bool(self.evaluate) and not is_named)

    @property
    def second_level(self) -> int | None:
        """The level of every second game on our own servers, if it is another than that of the run.

        Whoever begins at level 3 sees few points: the AI hardly misses slow balls. At level 2 fast ones come
        more often, and what they teach holds at both levels.
        """
        is_training = self.mode in _TRAINING
        is_alone = self.games == 1
        return 2 if is_training and self.has_own_servers and self.level == 3 and not is_alone else None

    @property
    def resumes_here(self) -> bool:
        """Whether the run goes on from a checkpoint in its own directory, so that its rows go on too."""
        if isinstance(self.resume, str):
            return Path(self.resume).resolve().parent == Path(self.directory).resolve()
        return self.resume

    def is_resumed(self, path: Path) -> bool:
        """Whether this is the file that --resume names."""
        return isinstance(self.resume, str) and Path(self.resume).resolve() == path.resolve()

    @property
    def role(self) -> Role:
        """The role in which to connect to a server that is named."""
        return Role[self.side.upper()]

    @property
    def kept(self) -> dict[str, Any]:
        """What a checkpoint keeps of the options."""
        return {name: getattr(self, name) for name in self.KEPT}

    @property
    def described(self) -> dict[str, Any]:
        """What a log of the run tells of the options."""
        level = self.level if self.has_own_servers else None  # else the server's counts
        return self.kept | {"level": level, "seed": self.seed, "host": self.host, "local": self.local}

    def checkpoint(self, option: bool | str) -> Path:
        """Return the file that --play or --evaluate means: the one named, or save.p.

        Raises:
            CheckpointError: none is named, and there is no save.p.
        """
        if isinstance(option, str):
            return Path(option)
        path = Path(self.directory, BEST)
        if not path.exists():
            raise CheckpointError(
                f"there is no {path} yet: train first (python mainmodel.py --local), "
                "or name the checkpoint of another run"
            )
        return path


# What the options are for

_OWN = "on a server of our own: leave it out, or name a server that is running with --host"
_NAMED = "on a server that is running: leave it out, or add --local"
TRAIN, TRAIN_OWN = Mode("training", _NAMED), Mode("training", _OWN)
PLAY, PLAY_OWN = Mode("--play", _NAMED), Mode("--play", _OWN)
EVALUATE, EVALUATE_OWN = Mode("--evaluate", _NAMED), Mode("--evaluate", _OWN)
WATCH, PLOT = Mode("--watch"), Mode("--plot")

_TRAINING, _PLAYING, _EVALUATING = (TRAIN, TRAIN_OWN), (PLAY, PLAY_OWN), (EVALUATE, EVALUATE_OWN)
_GAMES = (*_TRAINING, *_PLAYING, *_EVALUATING)
_RUNNING = (TRAIN, PLAY, EVALUATE, WATCH)  # on a server that is running

SERVES: Mapping[str, tuple[Mode, ...]] = {
    "resume": _TRAINING,
    "render": (*_TRAINING, *_PLAYING),
    "host": _RUNNING,
    "port": _RUNNING,
    "find": _RUNNING,
    "hiddenUnits": _TRAINING,
    "batch_size": _TRAINING,
    "learningRate": _TRAINING,
    "gamma": _TRAINING,
    "decayRate": _TRAINING,
    "moves": _TRAINING,
    "side": (TRAIN, PLAY, EVALUATE),
    "name": (TRAIN, PLAY),
    "local": _GAMES,
    "level": (TRAIN_OWN, EVALUATE_OWN),
    "env": (TRAIN_OWN, EVALUATE_OWN),
    "games": (*_TRAINING, EVALUATE_OWN),
    "points": _GAMES,
    "minutes": (*_TRAINING, *_PLAYING),
    "seed": (*_TRAINING, *_EVALUATING),
    "directory": _GAMES,
    "tensorboard": _TRAINING,
    "token_file": (*_RUNNING, TRAIN_OWN, PLAY_OWN),
    "ca": _RUNNING,
    "evaluate_every": _TRAINING,
    "opponents": (TRAIN_OWN,),
    "snapshot_every": (TRAIN_OWN,),
    "play": _PLAYING,
    "watch": (WATCH,),
    "evaluate": _EVALUATING,
    "matches": _EVALUATING,
    "sample": _EVALUATING,
    "record": (*_GAMES, WATCH),
    "output": (PLOT, *_EVALUATING),
    "token": (*_RUNNING, TRAIN_OWN, PLAY_OWN),
    "web": (*_TRAINING, *_PLAYING),
    "web_host": (*_TRAINING, *_PLAYING),
    "certificate": (*_TRAINING, *_PLAYING),
    "key": (*_TRAINING, *_PLAYING),
}
"""The modes in which each option serves; what is not here serves in all."""

# The checks

Check = Callable[[RunOptions], None]
"""Raises UsageError if something is wrong."""


def _whole(name: str, low: int, high: int) -> Check:
    """Make a check that an option is a whole number in a range."""
    return lambda options: whole(flag_of(name), getattr(options, name), low, high)


def _within(name: str, low: float, high: float) -> Check:
    """Make a check that an option is a number in a range."""
    return lambda options: within(flag_of(name), getattr(options, name), low, high)


def _if_set(name: str, check: Check) -> Check:
    """Make a check that is skipped while an option has no value."""
    return lambda options: None if getattr(options, name) is None else check(options)


def _refuse(is_wrong: Callable[[RunOptions], object], sentence: str) -> Check:
    """Make a check that refuses with a sentence; `{o}` in the sentence stands for the options."""

    def check(options: RunOptions) -> None:
        if is_wrong(options):
            raise UsageError(sentence.format(o=options))

    return check


def _local(options: RunOptions) -> None:
    if options.local is not False:
        whole("--local", int(options.local), 1, MAX_GAMES)


def _web(options: RunOptions) -> None:
    if options.web is not False:
        whole("--web", int(options.web), 0, 65535)


def _addresses(options: RunOptions) -> None:
    _ = options.addresses  # raises UsageError for a port that is none


CHECKS: tuple[Check, ...] = (
    _whole("port", 1, 65535),
    _whole("hiddenUnits", 2, 100_000),
    _refuse(
        lambda o: o.hiddenUnits % 2,
        "--hidden-units must be even, since they come in mirrored pairs, not {o.hiddenUnits}",
    ),
    _whole("batch_size", 1, 1_000_000),
    _within("learningRate", 1e-9, 10.0),
    _within("gamma", 0.0, 1.0),
    _within("decayRate", 0.0, 0.999999),
    _whole("moves", 2, 3),
    _if_set("points", _whole("points", 1, 1_000_000_000)),
    _if_set("matches", _whole("matches", 1, 1_000_000)),
    _refuse(
        lambda o: o.matches is not None and o.points is not None,
        "--points and --matches both say how long to play: drop one",
    ),
    _refuse(
        lambda o: o.evaluate and isinstance(o.host, tuple) and len(o.host) > 1,
        "--evaluate plays on one server: give one --host",
    ),
    _refuse(
        lambda o: (o.evaluate or o.play) and int(o.local) > 1,
        "--local {o.local} starts servers to train on, and here one is enough: give --local without a number",
    ),
    _if_set("minutes", _within("minutes", 0.001, 1e6)),
    _if_set("games", _whole("games", 1, MAX_GAMES)),
    _if_set("level", _whole("level", 1, 3)),
    _if_set("seed", _whole("seed", 0, LARGEST_SEED - EVALUATION_SEED)),
    _if_set("evaluate_every", _whole("evaluate_every", 1, 1_000_000_000)),
    _if_set("snapshot_every", _whole("snapshot_every", 1, 1_000_000_000)),
    _refuse(
        lambda o: o.snapshot_every is not None and o.opponents is None,
        "--snapshot-every says how often a snapshot joins the opponents: add --opponents",
    ),
    _refuse(
        lambda o: o.local and o.host is not None,
        "--local starts a server of its own and needs no --host: drop one",
    ),
    _refuse(
        lambda o: o.find and (o.host is not None or o.local),
        "--find looks for a server, which --host and --local do not need: drop one",
    ),
    _refuse(
        lambda o: o.env and o.level is not None,
        "--level is that of our own game's AI, and --env {o.env} has none: drop one",
    ),
    _refuse(
        lambda o: o.env and o.opponents is not None,
        "--opponents play our own game, and --env {o.env} has its own player: drop one",
    ),
    _refuse(lambda o: o.side not in ("left", "right"), "--side must be left or right, not {o.side}"),
    _refuse(
        lambda o: o.side == "right" and o.has_own_servers,
        "--side right would leave nobody at the left of a server of our own: "
        "start one with python pong.py, and leave out --local",
    ),
    _local,
    _web,
    _refuse(
        lambda o: o.web is False and (o.web_host or o.certificate),
        "--web-host and --certificate are for the page: add --web",
    ),
    _refuse(
        lambda o: (o.token_file or o.token) and o.has_own_servers and not o.evaluate and o.web is False,
        "a token does nothing on a server of our own without a page: leave it out, add --web where there is "
        "one, or name a server that is running with --host",
    ),
    _refuse(lambda o: o.key and not o.certificate, "--key belongs to a --certificate: give that too"),
    _addresses,
)
"""What may be wrong, in the order in which it is looked for."""
