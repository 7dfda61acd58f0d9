"""The words that people read in the header and the title of the window.

A status is parts with three spaces between them. Only its first part is bright in the window.
"""

from __future__ import annotations

from collections.abc import Sequence

from pongrl.game.people import Keys
from pongrl.server.options import GameOptions
from pongrl.server.playing import Talker
from pongrl.wire.messages import Role
from pongrl.wire.sockets import spelled


def status(options: GameOptions, talks: Sequence[Talker], idle: str, has_guest: bool = False) -> str:
    """Say who is here, who pauses, and who has the right paddle: an agent, a guest, or who else it is."""
    words = presence(talks, idle if options.serves else unserved(options))
    for talk in talks:
        if talk.side is Role.RIGHT:
            return f"{words}   right paddle: agent at {talk.peer}"
    if has_guest:
        return f"{words}   right paddle: a person on the page"
    return words + right_paddle(options) if options.serves else words


def with_people(words: str, keys: Keys, has_left: bool) -> str:
    """Add what people at the server do: they pause, or `has_left`, one of them moves the left paddle."""
    if keys.paused:
        return f"paused at the server   {words}"
    if has_left:
        who = "a person on the page has" if keys.has_left else "keys have"
        return f"{words}   {who} the left paddle"
    return words


def presence(talks: Sequence[Talker], idle: str) -> str:
    """Say who has the left paddle or pauses; `idle` is for nobody."""
    peers = {talk.side: talk.peer for talk in talks}
    pausing = [talk for talk in talks if talk.paused]
    if len(pausing) == 2:
        return "paused by both agents"
    if pausing:
        (talk,) = pausing
        name = "agent" if list(peers) == [Role.LEFT] else talk.name
        return f"paused by the {name} at {talk.peer}"
    return f"agent connected from {peers[Role.LEFT]}" if Role.LEFT in peers else idle


def waiting(address: tuple[str, int]) -> str:
    """Say where the server waits for an agent."""
    return f"waiting for an agent on {spelled(*address)}"


def unserved(options: GameOptions) -> str:
    """Say who has which paddle, where people play without a server."""
    if options.level == 4:
        return right_paddle(options)
    keys = "W/S" if options.opponent == "human" else "W/S or arrow keys"
    return f"left paddle: {keys}{right_paddle(options)}"


def serve_waits(options: GameOptions) -> tuple[str, ...]:
    """Say for whom a serve waits, and what to do about it: a headline, and what stands below it."""
    if options.opponent == "human":
        return "waiting for an agent", "the ball is served when it comes"
    return "waiting for an agent", "or hold W, S or an arrow key to play yourself"


def right_paddle(options: GameOptions) -> str:
    """Say who has the right paddle; it begins with the spaces that part it from what stands before."""
    if options.level == 4:
        return "   level 4 plays both paddles"
    if options.opponent == "human":
        keys = "W/S or arrow keys" if options.serves else "arrow keys"
        return f"   right paddle: {keys}"
    return f"   right paddle: level {options.level}"


def title(options: GameOptions) -> str:
    """Return the window's title."""
    if options.opponent == "human":
        return "Pong, against you" if options.serves else "Pong, two players"
    return "Pong, against the built-in AI" if options.people.choose_level else f"Pong, level {options.level}"
