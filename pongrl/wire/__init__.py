"""The wire between a game server and its agents: both ends. It knows nothing of Pong or of learning.

From the bytes up; a module imports only from lines above its own:

    plain, arrays, text          values as safe pickles; arrays as values; text that may be printed
    framing                      a message is kind, length, body; a Parser takes a stream apart
    session, step, view          the large messages
    messages                     the small ones, and the door to all of them
    handshake                    both sides prove the token; no socket
    limits                       what each side may send in which state: one table
    sockets, waiting             hosts and addresses; waiting for sockets and events
    connection                   an authenticated peer, heartbeats, `wait`
    dial, client                 reach a server; PongClient and PongWatcher
    tokens, retry                the secret that both sides have; trying again until a server is there

The protocol itself is described in netproto.py, which lists the public names.
"""
