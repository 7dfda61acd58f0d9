"""A process in place of a sparring partner that dies while it tells something, and takes no answer."""

import os

os.close(0)  # so that what the training answers finds no reader
os.write(1, b'{"results": [{"opponent": "one", "won": 1, "lost": 0}]}\n{"said": "I am dy')
