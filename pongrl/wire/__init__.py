"""The wire between a game server and its agents: both ends. It knows nothing of learning, or of Pong's rules.

From the bytes up; a module imports only from lines above its own:

    plain, arrays                values as safe pickles; arrays as values
    framing                      a message is kind, length, body; a Parser takes a stream apart
    session, step, view          the large messages
    messages                     the small ones, and the door to all of them
    handshake                    both sides prove the token; no socket
    limits                       what each side may send in which state: one table
    sockets, waiting             hosts and addresses; waiting for sockets and events
    listening                    sockets on all addresses of a host, and TLS
    allowance, throttle          how often a peer may do something; how often it may guess the token
    connection                   an authenticated peer, heartbeats, `wait`
    dial, client                 reach a server; PongClient and PongWatcher
    tokens, identity             the secret that both sides have; the one by which an agent is known again
    retry                        trying again until a server is there

The protocol itself is described in netproto.py, which lists the public names.
"""
