"""Waiting for what another process does in its own time."""

import select


def until(condition):
    """Wait for something that happens within a second or two, by asking again."""
    for _ in range(1200):
        if found := condition():
            return found
        select.select([], [], [], 0.05)
    raise AssertionError(condition)
