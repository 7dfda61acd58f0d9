"""Benchmarks. They print figures and check nothing; docs/speed.md and docs/learning.md quote them.

__main__        `python -m tools.bench`: the table of speed, delay, bytes, processor time and memory
measures        the rows of that table, one function for each choice of --only
table           how a row reads, and how a table gets into the documentation
processes       the programs as processes, and what /proc tells about them (Linux only)
delay           a proxy that delays traffic like a network, and counts it
echo            the round trip of a bare socket, to compare with ours
player          an agent that answers at once and notes when each state came
seed_protocol   the loop and the messages of the program that this project began with
learning        `python -m tools.bench.learning`: tables and curves of learning
"""
