"""Waiting for what another process does in its own time."""

import select

from tests.binary import TIMEOUT_SECONDS

STEP_SECONDS = 0.02


def until(holds):
    """Look again and again until it holds; return what does."""
    for _ in range(int(TIMEOUT_SECONDS / STEP_SECONDS)):
        if found := holds():
            return found
        select.select([], [], [], STEP_SECONDS)
    raise AssertionError(holds)
