"""The agent: it connects to games, plays, learns, and keeps files.

To see how it learns, begin to read at `learning`, which lists the modules of that. What a run is made of is
listed in the order of reading in mainmodel.py, the agent's door. What those use:

files         checkpoints (and ranges of their numbers), progress, files (names), aside (of runs before)
servers       local_server (our own), partner and sparring (who plays at its right paddles), opponents, duels
counting      scoreboard, matches
evaluating    evaluation, checkpoint_evaluation, examinations (while it trains), misses
small ones    ping, units (which hidden units matter), work (that pauses), single_thread (for BLAS)
"""
