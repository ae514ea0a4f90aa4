"""The processes of a gateway, as the system knows them."""

import contextlib
import os
import select
import signal
from collections.abc import Iterator
from pathlib import Path

from tests.binary import TIMEOUT_SECONDS

STEP_SECONDS = 0.02


def workers(process_id: int) -> set[int]:
    """Return the ids of a supervisor's workers."""
    listed = Path(f"/proc/{process_id}/task/{process_id}/children").read_text().split()
    own = command_line(process_id)
    # A successor is a child as well, until its predecessor ends; it runs a command of its own.
    return {child for child in map(int, listed) if command_line(child) == own}


def command_line(process_id: int) -> bytes:
    with contextlib.suppress(OSError):
        return Path(f"/proc/{process_id}/cmdline").read_bytes()
    return b""


@contextlib.contextmanager
def watched(*process_ids: int) -> Iterator[list[int]]:
    """Give descriptors that become readable as these processes end."""
    descriptors = [os.pidfd_open(process_id) for process_id in process_ids]
    try:
        yield descriptors
    finally:
        for descriptor in descriptors:
            os.close(descriptor)


def await_end(descriptors: list[int]) -> None:
    for descriptor in descriptors:
        readable, _, _ = select.select([descriptor], [], [], TIMEOUT_SECONDS)
        assert readable


def kill(gateway) -> None:
    """End a gateway as a power cut would: supervisor and workers, and none of them has a word."""
    fallen = workers(gateway.process.pid)
    with watched(*fallen) as descriptors:
        gateway.process.kill()
        for worker in fallen:
            os.kill(worker, signal.SIGKILL)
        await_end(descriptors)
    gateway.process.wait(TIMEOUT_SECONDS)


def wait_until(holds):
    """Look again and again until it holds; return what does."""
    for _ in range(int(TIMEOUT_SECONDS / STEP_SECONDS)):
        if found := holds():
            return found
        select.select([], [], [], STEP_SECONDS)
    raise AssertionError(holds)
