"""What pages cost: browsers that look on, as a crowd of WebSockets in a process of its own.

python -m tools.bench.viewers LINK COUNT opens a page so many times and takes what it is sent, until its input
ends; then it prints how many pictures each was sent. `page` and `agent_page` are rows of the benchmark.
"""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import statistics
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import aiohttp
import numpy as np
from yarl import URL

from tools.bench.processes import Process, Server, cpu_seconds, training
from tools.bench.table import Row
from tools.vitals import children

SETTLING_SECONDS = 2.0


async def look(link: URL, count: int) -> list[int]:
    """Look on, `count` times, until standard input ends; return how many pictures each was sent."""
    sent = [0] * count
    jar = aiohttp.CookieJar(unsafe=True)
    async with aiohttp.ClientSession(cookie_jar=jar, connector=aiohttp.TCPConnector(limit=0)) as client:
        async with client.get(link) as answer:
            answer.raise_for_status()
        headers = {"Origin": str(link.origin())}

        async def one(number: int) -> None:
            async with client.ws_connect(link.origin() / "live", headers=headers) as socket:
                async for message in socket:
                    sent[number] += message.data.startswith(('{"view"', '{"look"'))

        tasks = [asyncio.ensure_future(one(number)) for number in range(count)]
        print("looking", flush=True)
        await asyncio.to_thread(sys.stdin.read)
        for task in tasks:
            task.cancel()
    return sent


def main() -> None:
    """Run the crowd from its command line."""
    parser = argparse.ArgumentParser(prog="python -m tools.bench.viewers", description=__doc__)
    parser.add_argument("link", type=URL, help="the page's link")
    parser.add_argument("count", type=int, help="how many look on")
    options = parser.parse_args()
    sent = asyncio.run(look(options.link, options.count))
    print(f"pictures {min(sent)} {statistics.median(sent):g} {max(sent)}", flush=True)


@contextlib.contextmanager
def crowd(link: str, count: int) -> Iterator[None]:
    """Let so many look on for a `with` block."""
    if not count:
        yield
        return
    with Process("-m", "tools.bench.viewers", link, str(count)) as viewers:
        viewers.find("looking")
        yield
        assert viewers.process.stdin is not None
        viewers.process.stdin.close()
        viewers.find("^pictures")


def link_of(program: Process, words: str) -> str:
    """Return the link that a program has printed behind these words."""
    return program.find(words).text.split()[-1]


def share_of_core(pid: int, seconds: float) -> float:
    """Return the share of a core, in per cent, that a process and those it started need."""
    pids = [pid, *children(pid)]
    begin, before = time.monotonic(), [cpu_seconds(each) for each in pids]
    time.sleep(seconds)
    used = sum(cpu_seconds(each) for each in pids) - sum(before)
    return 100 * used / (time.monotonic() - begin)


def page(seconds: float) -> Iterator[Row]:
    """Measure a server in real time while nobody looks at its page, one, ten and a hundred do."""
    with Server("--level", "4", "--web", "0") as server:
        link = link_of(server, "see the game")
        shares = {}
        for count in (0, 1, 10, 100):
            with crowd(link, count):
                time.sleep(SETTLING_SECONDS)
                shares[count] = share_of_core(server.pid, seconds)
    for count in (1, 10, 100):
        more, bound = shares[count] - shares[0], 20.0 if count == 100 else None
        note = f"{shares[count]:.1f} % in all, where nobody looks {shares[0]:.1f} %"
        yield Row(
            f"the game's page: {count} looking on need more of a core", more, "%", 1, note, at_most=bound
        )


def agent_page(seconds: float) -> Iterator[Row]:
    """Measure training without a page, with one that nobody looks at, and with three who do, in turn."""
    ways = {"without": ((), 0), "nobody": (("--web", "0"), 0), "three": (("--web", "0"), 3)}
    rates: dict[str, list[float]] = {how: [] for how in ways}
    for number in range(4):
        order = list(ways) if number % 2 else list(ways)[::-1]  # the machine's speed drifts
        for how in order:
            flags, count = ways[how]
            with training(600, "--local", "--games", "16", "--level", "2", *flags) as (agent, directory):
                link = link_of(agent, "see the agent") if flags else ""
                agent.find("^100 points")
                with crowd(link, count):
                    time.sleep(SETTLING_SECONDS)
                    before = progress(directory)
                    time.sleep(seconds)
                    made, passed = np.subtract(progress(directory), before)
                    rates[how].append(made / passed)
    base = rates["without"]
    for how, words, most in (("nobody", "nobody looks", 5), ("three", "three look", 10)):
        cost = 100 * (1 - statistics.median(np.divide(rates[how], base)))
        medians = statistics.median(rates[how]), statistics.median(base)
        note = "{:,.0f} decisions/s, without a page {:,.0f}".format(*medians)
        yield Row(f"the agent's page: training costs while {words}", cost, "%", 1, note, at_most=most)


def progress(directory: Path) -> tuple[float, float]:
    """Return how many decisions a run has made, and in how many seconds, by the last row of progress.csv."""
    head, *_, last = (directory / "progress.csv").read_text().splitlines()
    row = dict(zip(head.split(","), last.split(","), strict=True))
    return float(row["decisions"]), float(row["seconds"])


if __name__ == "__main__":
    main()
