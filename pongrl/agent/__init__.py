"""The agent: it connects to games, plays, learns, and keeps files.

To see how it learns, begin to read at `learning`. The rest, what a run is made of, is listed in the order of
reading in mainmodel.py, the agent's door.
"""
