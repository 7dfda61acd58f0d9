"""Pong itself: its rules, who can play it, and what an agent sees of it. No server, no clock, no window."""
