"""What every test of the server is given."""

from tests.support.engines import nothing_is_left as nothing_is_left
