"""Train while processes die and the network fails: `python -m tools.soak --minutes 120`.

A real agent trains on a real server, with a relay between them: on pong.py, with --arena in an arena, and
with --env on another game. The server has a page. A seed decides the order of the faults:

    server killed, agent killed     SIGKILL, and a new start after a while, the agent with --resume
    server stopped, agent stopped   SIGSTOP, and SIGCONT after up to 20 seconds
    page killed, page stopped       the same for the page's process; only a new server brings a page back
    game killed                     SIGKILL of a game's process, where each has its own
    browsers                        people look on, pause and send nonsense, and in an arena play; then all
                                    are gone at once
    cut with RST, cut with FIN      the relay ends the connection
    delays                          every piece takes up to 50 ms longer, for some seconds
    held                            the network delivers nothing for up to 20 seconds, then everything
    swallowed                       the network delivers nothing for up to 20 seconds, and loses it
    garbage                         strangers send the server random bytes and messages
    silent crowd                    many strangers connect to the server and say nothing

No fault is longer than a twentieth of the run. After each fault the soak waits until the game goes on. Now
and then a short fault happens during a long one. Faults of pages and games need Linux, whose /proc tells
which processes they are.

What must hold: the server and the agent end only when they are killed, except that an agent that could not
connect may end with one sentence; it is started again. The game goes on after each fault. On each connection
the relay finds that every reward is a change of the score. Checkpoints always load, and their points and
updates never decrease. A resumed agent goes on from the best checkpoint. In an arena, every match that the
server has told of is in its file. Neither the server nor the agent grows after its warm-up. No process that a
server has started outlives it. The soak prints a summary in Markdown; its exit code is 0 or 1.

    __main__    the command, and its summary
    worlds      what is served
    system      the processes and the relay, and what must hold
    faults      what happens to them
    browsers    people at the page, a process of their own
"""
