"""Benchmarks: they print figures and assert none. The README quotes them.

__main__        python -m tools.bench: the table of speed, delay, bytes, processor time and memory
measures        its rows, one function for each choice of --only
table           how a row reads, and how it gets into the README
processes       the programs as processes, and what /proc tells of them (so: Linux)
delay           a proxy that delays like a network, and counts
echo            a bare socket's round trip, to measure ours against
player          an agent that answers at once and writes down when each state came
seed_protocol   the loop and the messages of the program that this one goes back to
learning        python -m tools.bench.learning: tables and curves of learning
"""
