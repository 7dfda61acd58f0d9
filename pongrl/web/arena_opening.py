"""Opens an arena and its page, as `pong.py --arena` asks for."""

from __future__ import annotations

from collections.abc import Callable

from pongrl.arena.program import ArenaUser, arena_options, file_of, greeting_of
from pongrl.arena.run import ArenaRun
from pongrl.arena.visitors import Visitors
from pongrl.server.entrance import Entrance
from pongrl.web.arena_page import ArenaPage, open_arena_page


def open_arena(
    user: ArenaUser, entrance: Entrance, web: bool | int, say: Callable[[str], None]
) -> tuple[ArenaRun, ArenaPage | None]:
    """Open an arena, and a page of it if that is wanted; both play and say where they listen.

    Args:
        user: The user's options.
        entrance: Where agents come in.
        web: The page's port; True for the usual one, False for no page.
        say: Takes lines for people.

    Raises:
        PongError: The file cannot be used, or one of the two cannot listen there.
    """
    options, path, visitors = arena_options(user), file_of(user.arena), Visitors()
    run = ArenaRun(options, path, entrance, visitors)
    page = None
    try:
        if web is not False:
            page = open_arena_page(
                web, options.lockstep, options.points_to_win, entrance, path, visitors, say
            )
            run.show_to(page)
        run.start()
    except BaseException:
        run.close()
        if page is not None:
            page.close()
        raise
    for line in greeting_of(options, path, entrance, run.addresses):
        say(line)
    if page is not None:
        page.greet(say)
    return run, page
