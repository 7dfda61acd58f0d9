"""Benchmarks: they print figures and assert none. The README quotes them."""
