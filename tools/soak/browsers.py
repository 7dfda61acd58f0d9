"""People at a page who look on, pause and send nonsense until standard input ends; then all are gone at once.

In an arena they play, too. Elsewhere the soak's games are too fast for people, and every seat is refused.

python -m tools.soak.browsers LINK SEED
"""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import os
import random
import sys
from collections.abc import Callable
from typing import Any

import aiohttp
from yarl import URL

MOST = 30  # people
SAYINGS: tuple[Callable[[random.Random], Any], ...] = (
    lambda rng: {"sit": rng.choice(("left", "right", None, 7))},
    lambda rng: {"hold": rng.choice(("up", "down", None, "both"))},
    lambda rng: {"to": rng.uniform(-500, 1000)},
    lambda rng: {"pause": rng.choice((True, False, 1))},
    lambda rng: {"level": rng.randint(-1, 9)},
    lambda rng: {"watch": rng.choice((None, rng.randint(-1, 50)))},
    lambda rng: {"come": {"name": rng.choice(("\u202e<b>", "", 7)), "key": rng.choice(("soak", 7))}},
    lambda rng: {"leave": True},
    lambda rng: {rng.choice("abc"): [rng.random()] * rng.randint(0, 20)},
)


async def person(client: aiohttp.ClientSession, link: URL, number: int, rng: random.Random) -> None:
    """Come, stay for a while, and come again; in an arena each person has a name of their own."""
    headers = {"Origin": str(link.origin())}
    entrance = {"come": {"name": f"Ann {number}", "key": f"{number:032x}"}}
    while True:
        with contextlib.suppress(aiohttp.ClientError, OSError):
            async with client.get(link.origin().with_path(f"/{rng.choice(('', 'static/x', 'matches.csv'))}")):
                pass
            async with client.ws_connect(link.origin() / "live", headers=headers) as socket:
                for _ in range(rng.randint(1, 60)):
                    await asyncio.sleep(rng.random() / 20)
                    if rng.random() < 0.02:
                        await socket.send_bytes(rng.randbytes(rng.randint(0, 600)))
                    comes = rng.random() < 0.05
                    await socket.send_json(entrance if comes else rng.choice(SAYINGS)(rng))
        await asyncio.sleep(rng.random())


async def crowd(link: URL, rng: random.Random) -> None:
    """Let people come until standard input ends."""
    jar = aiohttp.CookieJar(unsafe=True)
    async with aiohttp.ClientSession(cookie_jar=jar, connector=aiohttp.TCPConnector(limit=0)) as client:
        with contextlib.suppress(aiohttp.ClientError, OSError):  # the page may be stopped, or gone
            async with client.get(link):
                pass
        count = rng.randint(1, MOST)
        people = [asyncio.ensure_future(person(client, link, number, rng)) for number in range(1, count + 1)]
        await asyncio.to_thread(sys.stdin.read)
        assert not any(each.done() for each in people), "somebody has failed"
    os._exit(0)  # nobody says goodbye


def main() -> None:
    """Run the command."""
    parser = argparse.ArgumentParser(prog="python -m tools.soak.browsers", description=__doc__)
    parser.add_argument("link", type=URL, help="the page's link for those who play")
    parser.add_argument("seed", type=int)
    options = parser.parse_args()
    asyncio.run(crowd(options.link, random.Random(options.seed)))


if __name__ == "__main__":
    main()
