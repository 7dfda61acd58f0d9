"""A module that cannot be imported, since it does something wrong."""

raise RuntimeError("it does not load")
