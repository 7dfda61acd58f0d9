"""Pong with reinforcement learning over a socket: game, wire, server, agent, and what people look at."""

__version__ = "1.0.0"
