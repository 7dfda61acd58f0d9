"""A window that never opens: python -m tests.support.deaf_window."""

import sys

sys.stdin.read()
