"""A process in place of a sparring partner that says a line, and does not end when it should."""

import threading

print('{"said": "deaf"}', flush=True)
threading.Event().wait()
