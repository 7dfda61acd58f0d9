"""What every test of the server is given."""

from tests.support.engines import (
    nothing_comes_in_and_nothing_is_left as nothing_comes_in_and_nothing_is_left,
)
