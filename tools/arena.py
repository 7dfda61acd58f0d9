"""Fill an arena with agents, good and bad, kill its server now and then, and check what it keeps.

    python -m tools.arena --minutes 30 --policy save.p

Thirty agents come: some follow the ball, some draw their moves, some play a checkpoint; others are late,
fall asleep, die, lie, flood, pause, come twice, or try others' names. At the end this must hold:

    - each match that the server told of is in the file, also those told just before a kill
    - the players' counters are the sums of their matches, and the ratings those that the matches give
    - random < level 1 < level 2 < predictor, and a checkpoint between the last two
    - honest agents were hardly ever late
"""

from __future__ import annotations

import argparse
import contextlib
import random
import re
import subprocess
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Callable, Iterator
from pathlib import Path

from pongrl.arena.ladder import ladder
from pongrl.arena.ledger import Ledger
from pongrl.arena.ranking import FORFEIT
from pongrl.arena.rating import Rating, rated
from tools.processes import ROOT, Program
from tools.vitals import HAS_PROC, MEGABYTE, memory

CREW = (
    ["random"] * 3 + ["follower"] * 9 + ["trained"] * 4 + ["late"] * 3 + ["sleeper"] * 2
    + ["crasher"] * 2 + ["liar"] * 2 + ["flooder"] * 2 + ["pauser", "twin", "renamer"]
)  # fmt: skip
LATE_SHARE = 0.01  # of an honest agent's answers, at most


class Server:
    """The arena's server, which is killed and started again on the same port.

    Args:
        path: The arena's file.
        flags: Further options.
    """

    def __init__(self, path: Path, *flags: str) -> None:
        self.path, self._flags = path, flags
        self.port, self.kills = 0, 0
        self.told: set[int] = set()  # the numbers of the matches that it told of, before it was killed
        self.memory: list[float] = []  # in MB, each time it was looked at
        self._start()

    def _start(self) -> None:
        options = ("--lockstep", "--port", str(self.port), "--agents-per-address", "100", *self._flags)
        self._program = Program("pong.py", "--arena", str(self.path), *options, development=False)
        self.port = self._program.wait_for_port()

    def look(self) -> None:
        """Note its memory."""
        process = self._program.process
        assert process.poll() is None, f"the server has ended: {self._program.output}"
        if HAS_PROC:
            self.memory.append(memory(process.pid) / MEGABYTE)

    def kill(self) -> None:
        """Kill it, and start it again."""
        self.kills += 1
        self._end(self._program.close)
        self._start()

    def end(self) -> None:
        """Let it end in order."""
        self._end(self._program.end)
        self._program.close()

    def _end(self, how: Callable[[], object]) -> None:
        """Let the server end, and note of which matches it has told."""
        how()
        self.told |= {int(number) for number in re.findall(r" match (\d+): ", self._program.output)}


@contextlib.contextmanager
def crew(server: Server, directory: Path, policies: list[str]) -> Iterator[list[subprocess.Popen[bytes]]]:
    """Start the agents, and kill those that are in the list at the end."""
    started: list[subprocess.Popen[bytes]] = []
    try:
        for command in commands(server, directory, policies):
            started.append(subprocess.Popen(command, stdin=subprocess.DEVNULL, cwd=ROOT))
        yield started
    finally:
        for agent in started:
            agent.kill()
            agent.wait()


def commands(server: Server, directory: Path, policies: list[str]) -> Iterator[list[str]]:
    """Give the command line of each agent."""
    counts: Counter[str] = Counter()
    for kind in CREW:
        counts[kind] += 1
        number = counts[kind]
        name = f"twin-{(number + 1) // 2}" if kind == "twin" else f"{kind}-{number}"
        base = [sys.executable, "-m", "tools.arena_agents"]
        common = [name, str(server.port), str(directory / "identities")]
        if kind != "trained":
            yield [*base, kind, *common]
        elif policies:
            yield [*base, kind, *common, "--policy", policies[(number - 1) % len(policies)]]
        if kind == "twin":  # a second one by the same name
            yield [*base, kind, *common]


def play(server: Server, directory: Path, policies: list[str], seconds: float, kill_seconds: float) -> None:
    """Let them play for so long, with a kill of the server now and then."""
    begin, rng = time.monotonic(), random.Random(1)
    kill_at = begin + rng.expovariate(1 / kill_seconds)
    with crew(server, directory, policies) as agents:
        lines = list(commands(server, directory, policies))
        while (now := time.monotonic()) < begin + seconds:
            time.sleep(1.0)
            server.look()
            for place, agent in enumerate(agents):
                if agent.poll() is not None:  # a crasher
                    agents[place] = subprocess.Popen(lines[place], stdin=subprocess.DEVNULL, cwd=ROOT)
            if now >= kill_at:
                kill_at = now + rng.expovariate(1 / kill_seconds)
                server.kill()


def check(server: Server, seconds: float) -> None:
    """Check what is in the file, and print what was seen."""
    ledger = Ledger(server.path)
    standings, matches = ledger.standings(), list(ledger.matches())
    ledger.close()
    for line in ladder(standings):
        print(line)
    told = server.told
    numbers = {match[0] for match in matches}
    assert told <= numbers, f"matches that were told are not kept: {sorted(told - numbers)}"
    ratings: dict[str, Rating] = {}
    played: Counter[str] = Counter()
    for match in matches:
        left, right, winner = match[5], match[6], match[9]
        pair = ratings.get(left, Rating()), ratings.get(right, Rating())
        ratings[left], ratings[right] = rated(*pair, winner, match[10].startswith(FORFEIT))
        played.update((left, right))
    for row in standings.rows:
        assert row.matches == played[row.name], (
            f"{row.name} has {row.matches} matches, not {played[row.name]}"
        )
        assert row.rating == ratings.get(row.name, Rating()), f"the rating of {row.name} is another"
    mu = {row.name: row.rating.mu for row in standings.rows}
    order = ["random", "level 1", "level 2", "predictor"]
    assert [mu[name] for name in order] == sorted(mu[name] for name in order), "the order is another"
    for row in standings.rows:
        if row.name.startswith("trained"):
            assert mu["level 2"] < row.rating.mu < mu["predictor"], f"{row.name} is not where it belongs"
        if row.name.startswith(("trained", "follower-", "random-")):
            share = row.answers.late / max(row.answers.asked, 1)
            assert share <= LATE_SHARE, f"{row.name} was late with {share:.1%} of its answers"
    ended = Counter(match[10].split(" by ")[0] for match in matches)
    print()
    print(
        f"{len(matches):,} matches in {seconds / 60:.0f} minutes: {60 * len(matches) / seconds:.0f} a minute"
    )
    print(f"ended by {', '.join(f'{words}: {count:,}' for words, count in ended.most_common())}")
    print(f"the server was killed {server.kills} times; {len(told):,} matches were told, and all are kept")
    if server.memory:
        print(f"its memory: {server.memory[0]:.0f} MB at first, {max(server.memory):.0f} MB at most")


def main() -> None:
    """Run, check and print."""
    parser = argparse.ArgumentParser(
        prog="python -m tools.arena", description=(__doc__ or "").splitlines()[0]
    )
    parser.add_argument("--minutes", type=float, default=30.0, help="how long they play")
    parser.add_argument("--kill-seconds", type=float, default=300.0, help="between two kills, on average")
    parser.add_argument("--points-to-win", type=int, default=11, help="points that win a match")
    parser.add_argument("--policy", action="append", default=[], help="checkpoint to play; repeat it")
    options = parser.parse_args()
    policies = [str(Path(path).resolve()) for path in options.policy]
    with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as name:
        directory = Path(name)
        server = Server(directory / "arena.db", "--points-to-win", str(options.points_to_win))
        try:
            play(server, directory, policies, 60 * options.minutes, options.kill_seconds)
        finally:
            server.end()
        check(server, 60 * options.minutes)


if __name__ == "__main__":
    main()
