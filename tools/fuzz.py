"""Send the programs random and mutated bytes: `python -m tools.fuzz --count 200000 --minutes 10 --seed 1`.

Most cases run in memory:

    stranger     anything   →  the server's half of the handshake, and its parser
    session      anything   →  the parser of an agent's messages after the handshake
    server       anything   →  the agent's half of the handshake
    pickle       anything   →  `loads`
    step         anything   →  `Step.parse`

One case in `WIRE_EVERY` goes over TCP, while a well-behaved agent plays on two of four servers:

    noise        random bytes, a crowd that says nothing              →  pong.py with an agent
    handshake    mutated HELLO and PROOF, wrong tokens, half of it    →  any pong.py
    second       a correct handshake, but the place is taken          →  pong.py with an agent
    play         a correct handshake, then anything                   →  any pong.py, at a free side
    impostor     a mutated or a correct handshake, then anything      →  PongClient

What must hold: only PongErrors are raised, with sentences that can be printed. No peer without the token is
let in. No message costs more than 16 MB. No wait is endless. At the end the servers run, have not grown, and
have no more files and threads than at the start; their agents have received every reply and every reward.

The exit code is 0 or 1, with one line that says what failed and how to repeat it. Nonces, and the moments at
which messages arrive, are not repeated. If a case never ends, its stack is printed.
"""

from __future__ import annotations

import argparse
import contextlib
import faulthandler
import itertools
import os
import random
import socket
import struct
import sys
import time
import traceback
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import asdict, replace
from types import SimpleNamespace
from typing import Any, TypeAlias

from pongrl.errors import PongError, Refusal, RefusedError
from pongrl.server.listener import PENDING_HANDSHAKES
from pongrl.wire.client import PongClient
from pongrl.wire.framing import Kind, Parser, message
from pongrl.wire.handshake import Admission, Handshake, client_handshake
from pongrl.wire.limits import CLIENT_HANDSHAKE_LIMITS, SERVER_HANDSHAKE_LIMITS, server_limits
from pongrl.wire.messages import MAX_GAMES, Role, Step, action, parse_action, parse_echo, parse_pause, refusal
from pongrl.wire.plain import loads
from tools.hostile import (
    SESSION,
    allowed,
    bad_session,
    bad_step,
    garbage,
    in_pieces,
    mutated,
    noise,
    server_half,
    some_pickle,
)
from tools.targets import DEADLINE, TOKEN, Field, Line, connect, introduce, receive, shake_hands
from tools.vitals import MEGABYTE

WIRE_EVERY = 16
STUCK_SECONDS = 120.0  # a batch of cases that takes longer ends the process, and its stack is printed
BATCH = 64
LARGEST_COST = 16 * MEGABYTE  # memory that one message may take
MANY_ADDRESSES = sys.platform == "linux"  # all of 127.0.0.0/8 is this machine

PLAYERS = (Role.LEFT, Role.RIGHT)

Case: TypeAlias = Callable[[random.Random, Field], str]


# ---------------------------------------------------------------------------------------------
# Cases in memory


def raised(call: Callable[..., object], *arguments: object) -> PongError | None:
    """Return the PongError that a call raises, or None; check that its sentence can be printed."""
    try:
        call(*arguments)
    except PongError as caught:
        error = caught
    else:
        return None
    assert str(error).isprintable(), f"a sentence cannot be printed: {str(error)!r}"
    assert not isinstance(error.__cause__, MemoryError), "it asked for more memory than there is"
    return error


def outcome_of(call: Callable[..., object], *arguments: object) -> str:
    """Say how a call ended: "read", or the name of the PongError."""
    error = raised(call, *arguments)
    return "read" if error is None else type(error).__name__


def fed(parser: Parser, pieces: Iterable[bytes]) -> Iterator[tuple[Kind, bytes]]:
    """Feed a parser, and yield the messages that come out."""
    for piece in pieces:
        parser.feed(piece)
        yield from iter(parser.next, None)


def finish(half: Handshake, messages: Iterable[tuple[Kind, bytes]]) -> Admission | None:
    """Send messages to a half of the handshake; return its admission, or None if it waits for more."""
    try:
        for came in messages:
            half.send(came)
    except StopIteration as done:
        admission: Admission = done.value
        return admission
    return None


def ask(half: Handshake, data: bytes, limits: Mapping[int, int]) -> bytes:
    """Return the answer of a half of the handshake to a message."""
    (came,) = fed(Parser(limits), [data])
    return half.send(came)


def stranger_case(rng: random.Random, _: Field) -> str:
    server, knows = server_half(TOKEN), rng.random() < 0.5
    client = client_handshake(TOKEN if knows else "guess", rng.choice(list(Role)))
    hello, admitted = next(client), False
    stage = rng.randrange(3)

    def talk() -> None:
        nonlocal admitted
        if stage == 0:
            sent = rng.choice((mutated(rng, hello), garbage(rng, SERVER_HANDSHAKE_LIMITS)))
        else:
            proof = ask(client, ask(server, hello, SERVER_HANDSHAKE_LIMITS), CLIENT_HANDSHAKE_LIMITS)
            other = rng.choice((mutated(rng, proof), garbage(rng, SERVER_HANDSHAKE_LIMITS)))
            sent = other if stage == 1 else proof + noise(rng)
        admitted = finish(server, fed(Parser(SERVER_HANDSHAKE_LIMITS), in_pieces(rng, sent))) is not None

    outcome = outcome_of(talk)
    assert knows or not admitted, "a peer without the token was let in"
    return "let in" if admitted else outcome.replace("read", "waits")


def session_case(rng: random.Random, _: Field) -> str:
    games = rng.choice((1, 2, MAX_GAMES))
    limits = server_limits(replace(SESSION, games=games))
    sent = rng.choice((allowed(rng, games), mutated(rng, allowed(rng, games)), garbage(rng, limits)))

    def read() -> None:
        for kind, body in fed(Parser(limits), in_pieces(rng, sent)):
            if kind is Kind.ACTION:
                parse_action(body, games)
            elif kind is Kind.PAUSE:
                parse_pause(body)
            elif kind is Kind.PING:
                parse_echo(body)

    return outcome_of(read)


def server_case(rng: random.Random, _: Field) -> str:
    knows, parameters = rng.random() < 0.7, some_pickle(rng)
    session: Any = SimpleNamespace(**asdict(SESSION) | {"serialize": lambda: parameters})
    server = server_half(TOKEN if knows else "guess", rng.choice((SESSION, session)))
    client = client_handshake(TOKEN, Role.LEFT)
    hello, admission = next(client), None
    stage = rng.randrange(3)

    def talk() -> None:
        nonlocal admission
        challenge = ask(server, hello, SERVER_HANDSHAKE_LIMITS)
        if stage == 0:
            sent = rng.choice((mutated(rng, challenge), garbage(rng, CLIENT_HANDSHAKE_LIMITS)))
        else:
            proof = ask(client, challenge, CLIENT_HANDSHAKE_LIMITS)
            welcome = welcome_of(server, proof)
            sent = welcome if stage == 1 else mutated(rng, welcome)
        admission = finish(client, fed(Parser(CLIENT_HANDSHAKE_LIMITS), in_pieces(rng, sent)))

    outcome = outcome_of(talk)
    assert knows or admission is None, "a server without the token was believed"
    return "believed" if admission is not None else outcome.replace("read", "waits")


def welcome_of(server: Handshake, proof: bytes) -> bytes:
    """Return what a server sends in answer to a PROOF."""
    try:
        return ask(server, proof, SERVER_HANDSHAKE_LIMITS)
    except StopIteration as done:
        return bytes(done.value.last)
    except RefusedError as error:
        return refusal(error)


PLAIN = {type(None), bool, int, float, str, bytes, list, tuple, dict}


def check_plain(value: Any) -> None:
    """Check that a value is made of plain values only."""
    todo = [value]
    while todo:
        each = todo.pop()
        assert type(each) in PLAIN, f"a pickle made a {type(each).__name__}"
        if isinstance(each, dict):
            todo += itertools.chain.from_iterable(each.items())
        elif isinstance(each, list | tuple):
            todo += each


def pickle_case(rng: random.Random, _: Field) -> str:
    return outcome_of(lambda: check_plain(loads(some_pickle(rng))))


def step_case(rng: random.Random, _: Field) -> str:
    return outcome_of(lambda: Step.parse(bad_step(rng), SESSION).frames)


# ---------------------------------------------------------------------------------------------
# Cases over TCP, against pong.py


def leave(rng: random.Random, sock: socket.socket) -> None:
    """Close a connection in one of three ways."""
    with contextlib.suppress(OSError):
        how = rng.randrange(3)
        if how == 0:
            sock.shutdown(socket.SHUT_WR)
        elif how == 1:
            sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))  # RST
    sock.close()


def write(rng: random.Random, sock: socket.socket, data: bytes) -> bool:
    """Send bytes in some pieces, and return True if the peer was there until the last."""
    try:
        for piece in in_pieces(rng, data):
            sock.sendall(piece)
    except ConnectionError:
        return False
    return True


def some_address(rng: random.Random) -> str:
    """Return an address of this machine: one of very many, or one of a few that return often."""
    if rng.random() < 0.5:
        return f"127.7.{rng.randrange(256)}.{rng.randint(1, 254)}"
    return f"127.8.0.{rng.randint(1, 4)}"


def noise_case(rng: random.Random, field: Field) -> str:
    target = rng.choice(field.taken)
    if rng.random() < 0.02:
        field.send_loiterers_home()
        with contextlib.ExitStack() as crowd:
            for _ in range(PENDING_HANDSHAKES + 16):
                crowd.enter_context(connect(target.port))
        return "a silent crowd"
    sock = connect(target.port)
    whole = write(rng, sock, rng.choice((noise(rng, 5000), garbage(rng, SERVER_HANDSHAKE_LIMITS), b"")))
    if rng.random() < 0.2 and len(field.loiterers) < PENDING_HANDSHAKES // 2:
        field.loiterers.append(sock)
        return "stays"
    leave(rng, sock)
    return "sent" if whole else "cut off"


def handshake_case(rng: random.Random, field: Field) -> str:
    target = rng.choice(field.targets)
    proving = MANY_ADDRESSES and rng.random() < 0.5  # from another address than those that know the token
    with connect(target.port, some_address(rng) if proving else "127.0.0.1") as sock:
        client = client_handshake("guess", rng.choice(list(Role)))
        hello = next(client)
        if not proving:
            sent = rng.choice((mutated(rng, hello), hello[: rng.randrange(len(hello))], hello))
            outcome = "sent" if write(rng, sock, sent) else "cut off"
        else:
            _, _, proof = introduce(sock, "guess")
            sent = rng.choice((proof, proof + noise(rng), mutated(rng, proof), proof[:-1]))
            outcome = "proof sent" if write(rng, sock, sent) else "cut off"
        leave(rng, sock)
    return outcome


def second_case(rng: random.Random, field: Field) -> str:
    with connect(rng.choice(field.taken).port) as sock:
        client, parser, proof = introduce(sock)
        write(rng, sock, proof)
        error = raised(finish, client, [receive(sock, parser)])
        assert isinstance(error, RefusedError), f"a second agent got {error!r}"
        assert error.reason is Refusal.BUSY, f"a second agent got {error!r}"
        leave(rng, sock)
    return "refused"


def play_case(rng: random.Random, field: Field) -> str:
    # Where an agent has the left paddle, the right one is free, and that agent must not notice.
    target, role = rng.choice(
        [
            *((free, role) for free in field.free for role in PLAYERS),
            *((one, Role.RIGHT) for one in field.taken),
        ]
    )
    line = shake_hands(target.port, role)
    with line.sock:
        for _ in range(rng.randint(0, 5)):
            play_well(rng, line)
        whole = write(rng, line.sock, play_badly(rng, line.number))
        if rng.random() < 0.5:
            leave(rng, line.sock)
            return "left" if whole else "cut off"
        with contextlib.suppress(OSError):
            line.sock.shutdown(socket.SHUT_WR)
        return "closed in order" if line.read_to_the_end() else "cut off"


def play_badly(rng: random.Random, number: int) -> bytes:
    """Return what an agent may not send after the handshake, or not at this moment."""
    limits, right = server_limits(SESSION), action(number, rng.randbytes(2))
    several = allowed(rng, 2)
    return rng.choice(
        (
            garbage(rng, limits),
            several,
            mutated(rng, several),
            several[: rng.randrange(len(several))],
            mutated(rng, right),
            right * 2,
            right + garbage(rng, limits),
            next(client_handshake(TOKEN, rng.choice(PLAYERS))),
        )
    )


def play_well(rng: random.Random, line: Line) -> None:
    """Do something that an agent may do, and check the reply."""
    what = rng.randrange(4)
    if what == 0:
        echo = rng.randbytes(8)
        line.sock.sendall(message(Kind.PING, echo))
        assert line.wait_for(Kind.PONG) == echo, "the answer to another PING"
    elif what == 1:
        line.sock.sendall(message(Kind.PAUSE, b"\1") + message(Kind.HEARTBEAT) + message(Kind.PAUSE, b"\0"))
    else:
        line.act(bytes(rng.choices(range(3), k=2)))


# ---------------------------------------------------------------------------------------------
# Cases over TCP, against PongClient


def impostor_case(rng: random.Random, field: Field) -> str:
    stage = rng.randrange(8)  # stage of the handshake with a mistake; none from 2 on
    sent = bad_session(rng)
    silent = stage == 0 and rng.random() < 0.05
    how = random.Random(rng.random())  # the impostor is another thread, and needs its own

    def script(sock: socket.socket) -> None:
        welcome(how, sock, stage, silent)
        write(how, sock, sent)
        leave(how, sock)

    field.impostor.serve(script)
    with PongClient(port=field.impostor.port, token=TOKEN, timeout=0.1 if silent else DEADLINE) as client:
        return outcome_of(use, rng, client)


def welcome(rng: random.Random, sock: socket.socket, stage: int, silent: bool) -> None:
    """Shake hands as a server does, with a mistake in the message of one stage."""
    server, parser = server_half(TOKEN), Parser(SERVER_HANDSHAKE_LIMITS)
    challenge = server.send(receive(sock, parser))
    if stage == 0:
        if silent:
            sock.recv(1)  # wait until the client hangs up
        write(rng, sock, rng.choice((mutated(rng, challenge), garbage(rng, CLIENT_HANDSHAKE_LIMITS))))
        return
    write(rng, sock, challenge)
    answer = welcome_of(server, message(*receive(sock, parser)))
    say = refusal(RefusedError(rng.choice(list(Refusal)), "no\x1b[2J\n\u202e"))
    wrong = rng.choice((mutated(rng, answer), garbage(rng, CLIENT_HANDSHAKE_LIMITS), mutated(rng, say), say))
    write(rng, sock, wrong if stage == 1 else answer)


def use(rng: random.Random, client: PongClient) -> None:
    """Do what an agent may do until it fails, as it must: the server leaves."""
    client.connect()
    while True:
        what = rng.randrange(6)
        if what == 0:
            client.ping()
        elif what == 1:
            client.poll()
        elif what == 2:
            client.attend(0)
        elif what == 3:
            client.pause(rng.random() < 0.5)
        else:
            client.step(rng.choices(range(3), k=2))


# ---------------------------------------------------------------------------------------------
# The command

IN_MEMORY: dict[str, tuple[Case, int]] = {
    "stranger": (stranger_case, 4), "session": (session_case, 4), "server": (server_case, 3),
    "pickle": (pickle_case, 6), "step": (step_case, 4),
}  # fmt: skip
ON_THE_WIRE: dict[str, tuple[Case, int]] = {
    "noise": (noise_case, 3), "handshake": (handshake_case, 4), "second": (second_case, 2),
    "play": (play_case, 4), "impostor": (impostor_case, 4),
}  # fmt: skip


def kind_of(number: int, rng: random.Random) -> str:
    """Draw the kind of a case."""
    kinds = ON_THE_WIRE if number % WIRE_EVERY == WIRE_EVERY - 1 else IN_MEMORY
    return rng.choices([*kinds], [weight for _, weight in kinds.values()])[0]


def peak() -> int:
    """Return the largest memory this process ever had, in bytes; 0 if the system does not say."""
    if sys.platform != "linux":
        return 0
    import resource

    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024


class FailureError(Exception):
    """One line that says what failed, and how to repeat it."""


class Run:
    """One run of the command: its cases and their outcomes."""

    def __init__(self, seed: int, first: int, count: int, minutes: float) -> None:
        self.seed, self.first, self.count, self.seconds = seed, first, count, 60 * minutes
        self.outcomes: Counter[tuple[str, str]] = Counter()
        self._begin = self._told = time.monotonic()

    @property
    def age(self) -> float:
        """Seconds since the beginning."""
        return time.monotonic() - self._begin

    def run(self) -> None:
        """Run the cases until time is over, and check what must hold at the end.

        Raises:
            FailureError: something does not hold.
        """
        with contextlib.ExitStack() as stack:
            stack.callback(faulthandler.cancel_dump_traceback_later)
            self._watch()
            field, warm = Field(stack), False
            for done in range(self.count):
                if self.age > self.seconds:
                    break
                if not warm and (done >= self.count / 4 or self.age > self.seconds / 4):
                    field.note_memory()
                    warm = True
                if done % BATCH == 0:
                    self._watch()
                    self._tell(self.first + done)
                self._try(self.first + done, field)
            self._watch()
            self._report(self._check(field))

    @staticmethod
    def _watch() -> None:
        """Print the stack and end the process unless this is called again in time; C code cannot stop it."""
        faulthandler.dump_traceback_later(STUCK_SECONDS, exit=True)

    def _tell(self, number: int) -> None:
        """Report progress every ten seconds."""
        if time.monotonic() - self._told >= 10:
            self._told = time.monotonic()
            print(f"case {number:,}, {self.age:.0f} s", file=sys.stderr, flush=True)

    def _try(self, number: int, field: Field) -> None:
        rng = random.Random(f"{self.seed}:{number}")
        kind, before = kind_of(number, rng), peak()
        case, _ = IN_MEMORY.get(kind) or ON_THE_WIRE[kind]
        try:
            outcome = case(rng, field)
            taken = peak() - before
            assert taken <= LARGEST_COST, f"it took {taken / MEGABYTE:.0f} MB"
        except Exception as error:
            raise FailureError(f"case {number} ({kind}): {told(error)}; {self._again(number, 1)}") from error
        self.outcomes[kind, outcome] += 1

    def _again(self, first: int, count: int) -> str:
        return f"repeat with: python -m tools.fuzz --seed {self.seed} --first {first} --count {count}"

    def _check(self, field: Field) -> list[str]:
        try:
            return field.check()
        except Exception as error:
            raise FailureError(f"at the end: {told(error)}; {self._again(self.first, self.count)}") from error

    def _report(self, said: list[str]) -> None:
        total, wire = self.outcomes.total(), 0
        lines = []
        for kind in (*IN_MEMORY, *ON_THE_WIRE):
            each = {outcome: n for (of, outcome), n in sorted(self.outcomes.items()) if of == kind}
            wire += sum(each.values()) if kind in ON_THE_WIRE else 0
            lines.append(f"{kind:10} " + ", ".join(f"{outcome} {n:,}" for outcome, n in each.items()))
        print(f"{total:,} of {self.count:,} cases, {wire:,} over TCP, in {self.age:.0f} s, seed {self.seed}:")
        print("\n".join(f"  {line}" for line in lines + said))
        print("all is well")


def told(error: BaseException) -> str:
    """Say in one line what was raised and where."""
    last = traceback.extract_tb(error.__traceback__)[-1]
    where = f"{os.path.basename(last.filename)}:{last.lineno}"
    return " ".join(f"{type(error).__name__}: {error} ({where})".split())


def main(argv: list[str] | None = None) -> int:
    """Run the command and return its exit code."""
    parser = argparse.ArgumentParser(
        prog="python -m tools.fuzz", description="Send the programs random and mutated bytes."
    )
    parser.add_argument("--count", type=int, default=200_000, help="cases (default %(default)s)")
    parser.add_argument(
        "--minutes", type=float, default=10.0, help="end after this time (default %(default)g)"
    )
    parser.add_argument("--seed", type=int, default=1, help="seed of everything random (default %(default)s)")
    parser.add_argument("--first", type=int, default=0, help="number of the first case, to repeat it")
    options = parser.parse_args(argv)
    try:
        Run(options.seed, options.first, options.count, options.minutes).run()
    except FailureError as failure:
        print(f"FAILED {failure}", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
