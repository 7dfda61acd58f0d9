"""Other learners beside ours on Atari's Pong: `python -m tools.atari_peers --help`. Curves for docs/atari.md.

Every learner trains for the same time on ALE/Pong-v5 as it comes: actions repeated with probability 0.25, and
four frames in a decision. Afterwards each plays the same matches.

__main__   the command line: train, evaluate, and draw curves
curve      how training goes: the clock, the rows of curve.csv, the picture
matches    the matches of an evaluation, counted in the same way for all
plain      the policy gradient as it is commonly published, in numpy
ppo        Stable-Baselines3's PPO with the settings of RL Baselines3 Zoo
ours       ours over the wire, and ours in one process without it
"""
