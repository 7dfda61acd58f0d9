"""The agent's page, in a process of its own: python -m pongrl.web.agent_site. See pongrl.web.

Viewers are sent `hello` once, `look` for a decision that is shown, `units` when the hidden units were looked
at again, `state` when something has changed, and `said` for each line of the terminal. They may say words of
the console. GET /run.json has the curve, /files/NAME the files.
"""

from __future__ import annotations

import asyncio
import base64
import os
import shutil
import sys
import tempfile
import time
from collections import deque
from pathlib import Path
from typing import IO, Any

import numpy as np
import numpy.typing as npt
from aiohttp import web

from pongrl.agent.policy import MOVES
from pongrl.game.moves import MOVE_NAMES
from pongrl.ui.agent_look import Look, UnitPictures
from pongrl.ui.agent_tape import Activity, Moment, difference
from pongrl.web.crowd import Viewer, framed
from pongrl.web.gate import Right
from pongrl.web.hosting import Hosting
from pongrl.web.run_files import Rows, files_in, told, what_is
from pongrl.web.serving import Tell, serve
from pongrl.web.site import AgentFacts, Lines, Site
from pongrl.wire.allowance import Allowance
from pongrl.wire.sockets import Address

SAID_LINES = 100  # that who comes later is shown
STATE_SECONDS = 0.5  # between two times that counters are told
COMMANDS_AT_ONCE, COMMANDS_PER_SECOND = 10, 1  # of all visitors together; each takes time from training
CURVES_AT_ONCE, CURVES_PER_SECOND = 100, 20  # answers of all visitors together
CHUNK_BYTES = 1 << 16  # of a file, at once
STEERERS_ONLY = "taking files needs the link for steering"
NO_FILE = "there is no such file"


class AgentSite:
    """The agent's page.

    Args:
        site: what is served, and to whom; `about` has AgentFacts.
        tell: tells the program.
    """

    def __init__(self, site: Site, tell: Tell) -> None:
        self._site, self._tell = site, tell
        self._facts: AgentFacts = site.about
        routes = {"/run.json": self._tell_run, "/files/{name}": self._send_file}
        self._hosting = Hosting(site, "agent.html", self, routes)
        self._crowd = self._hosting.crowd
        self._rows = Rows(Path(self._facts.directory) / "progress.csv")
        self._said: deque[str] = deque(maxlen=SAID_LINES)
        self._commands = Allowance(COMMANDS_AT_ONCE, COMMANDS_PER_SECOND)
        self._curves = Allowance(CURVES_AT_ONCE, CURVES_PER_SECOND)
        self._steering: set[Viewer] = set()
        self._state: dict[str, Any] = {}
        self._state_due = 0.0
        self._units: dict[str, Any] = {}
        self._chosen: list[int] = []  # the units that are shown
        self._activity, self._moment = Activity(), list[Moment]()  # the last one, if there is one

    async def open(self) -> list[Address]:
        """Listen, and return where."""
        return await self._hosting.open()

    def show(self, value: Look | Lines) -> None:
        """Show what the program has sent: a look at the run, or lines of the terminal."""
        if isinstance(value, Lines):
            for line in value.lines:
                self._said.append(line)
                for viewer in self._steering:
                    viewer.tell({"said": line})
            return
        self._show_state(value)
        if value.pictures is not None:
            self._units, self._chosen = units_of(value.pictures), value.pictures.chosen
            self._crowd.tell({"units": self._units})
        if value.moment is not None:
            self._show_moment(value.moment, value.is_live)

    def _show_state(self, look: Look) -> None:
        state, before, now = state_of(look), self._state, time.monotonic()
        is_urgent = any(state[name] != before.get(name) for name in ("paused", "connected", "notice"))
        if is_urgent or (state != before and now >= self._state_due):
            self._state, self._state_due = state, now + STATE_SECONDS
            self._crowd.tell({"state": state})

    def _show_moment(self, moment: Moment, is_live: bool) -> None:
        change = difference(self._moment[0] if self._moment else None, moment)
        self._moment = [moment]
        active = self._activity.share(moment.hidden)[self._chosen]
        self._crowd.show(
            framed(
                {
                    "look": {
                        "frame": text_of(moment.frame),
                        "shape": moment.frame.shape,
                        "change": text_of((change // 2).astype(np.int8)),
                        "moves": [MOVE_NAMES[move] for move in MOVES[: len(moment.probabilities)]],
                        "chances": rounded(moment.probabilities),
                        "chosen": moment.chosen,
                        "value": round(moment.value, 3),
                        "reward": moment.reward,
                        "points": moment.points,
                        "number": moment.number,
                        "active": rounded(active),
                        "live": is_live,
                    }
                }
            )
        )

    # The guide of its viewers

    def welcome(self, viewer: Viewer, right: Right) -> None:
        """Tell a viewer whose page it is, and how things stand."""
        steers = right is Right.STEER
        if steers:
            self._steering.add(viewer)
        hello = {
            "title": self._site.title,
            "steers": steers,
            "commands": self._facts.commands,
            "said": list(self._said) if steers else [],
        }
        viewer.tell({"hello": hello})
        if self._state:
            viewer.tell({"state": self._state})
        if self._units:
            viewer.tell({"units": self._units})
        self._tell({"viewers": len(self._crowd)})

    def hear(self, viewer: Viewer, said: dict[str, Any]) -> None:
        """Do what a viewer asks for; what makes no sense is left out."""
        match said:
            case {"say": str(word)} if word in self._facts.commands and self._commands.take():
                self._tell({"say": word})

    def part(self, viewer: Viewer) -> None:
        """Forget a viewer."""
        self._steering.discard(viewer)
        self._tell({"viewers": len(self._crowd)})

    async def close(self) -> None:
        """Tell all that the run is over, and end."""
        self._crowd.tell({"bye": "the agent has ended"})
        await self._hosting.close()

    # What else is asked for

    async def _tell_run(self, request: web.Request, right: Right) -> web.StreamResponse:
        if not self._curves.take():
            raise web.HTTPTooManyRequests(text="too many ask for the curve: wait a second")
        count, step = _whole(request.query.get("after", "0")), _whole(request.query.get("step", "1"))
        directory = Path(self._facts.directory) if right is Right.STEER else None
        return web.json_response(told(count, step, self._rows, directory))

    async def _send_file(self, request: web.Request, right: Right) -> web.StreamResponse:
        if right is not Right.STEER:
            raise web.HTTPForbidden(text=STEERERS_ONLY)
        name, directory = request.match_info["name"], Path(self._facts.directory)
        if name not in {file.name for file in files_in(directory, what_is)}:
            raise web.HTTPNotFound(text=NO_FILE)
        with await asyncio.to_thread(_opened, directory / name) as file:
            response = web.StreamResponse(headers={"Content-Disposition": "attachment"})
            response.content_length = os.fstat(file.fileno()).st_size
            await response.prepare(request)
            while data := file.read(CHUNK_BYTES):
                await response.write(data)
        await response.write_eof()
        return response


def _opened(path: Path) -> IO[bytes]:
    """Open a file that may be replaced meanwhile; what was opened stays whole."""
    if sys.platform != "win32":
        return open(path, "rb")
    copy = tempfile.TemporaryFile()  # noqa: SIM115  # Windows replaces no file that is open
    with open(path, "rb") as file:
        shutil.copyfileobj(file, copy)
    copy.flush()
    copy.seek(0)
    return copy


def text_of(array: npt.NDArray[Any]) -> str:
    """Return the bytes of an array as base64."""
    return base64.b64encode(array.tobytes()).decode()


def rounded(numbers: npt.NDArray[Any]) -> list[float]:
    """Return numbers with as many digits as are seen."""
    return [round(float(number), 3) for number in numbers]


def units_of(pictures: UnitPictures) -> dict[str, Any]:
    """Return the message that shows hidden units."""
    return {
        "shape": pictures.effects.shape[2:],
        "weights": [round(weight, 3) for weight in pictures.weights],
        "effects": [[text_of(picture) for picture in pair] for pair in pictures.effects],
    }


def state_of(look: Look) -> dict[str, Any]:
    """Return the message that says how the run stands."""
    return {
        "status": look.status,
        "points": look.points,
        "share": round(look.win_rate, 4),
        "score": None if look.match_score is None else round(look.match_score, 1),
        "frames": look.frames,
        "decisions_per_second": round(look.decisions_per_second) or None,
        "paused": look.is_paused,
        "connected": look.is_connected,
        "notice": look.notice,
    }


def _whole(text: str) -> int:
    """Read a whole number that a browser sends; anything else is 0."""
    return int(text) if text.isascii() and text.isdigit() and len(text) < 10 else 0


if __name__ == "__main__":
    serve(AgentSite)
