"""The processes of a gateway, as the system knows them."""

import contextlib
import os
import select
import signal
from collections.abc import Iterator
from pathlib import Path

from tests.binary import TIMEOUT_SECONDS


def workers(process_id: int) -> set[int]:
    """Return the ids of a supervisor's workers."""
    own = stack(process_id)
    return {child for child in children(process_id) if stack(child) == own}


def successor(process_id: int) -> int | None:
    """Return the id of the process that a supervisor hands over to, while it does."""
    others = children(process_id) - workers(process_id)
    return others.pop() if others else None


def children(process_id: int) -> set[int]:
    listed = Path(f"/proc/{process_id}/task/{process_id}/children").read_text()
    return set(map(int, listed.split()))


def stack(process_id: int) -> str:
    """Return where a program's stack begins: a fork has its parent's, another program its own."""
    with contextlib.suppress(OSError):
        return Path(f"/proc/{process_id}/stat").read_text().rpartition(")")[2].split()[25]
    return ""


def sockets(process_id: int) -> int:
    """Return how many sockets a process has open."""
    with contextlib.suppress(OSError):
        links = [file.readlink() for file in Path(f"/proc/{process_id}/fd").iterdir()]
        return sum(str(link).startswith("socket:") for link in links)
    return 0


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
