"""Starting what is measured, on cores of its own, and reading what it used."""

import contextlib
import os
import select
import socket
import subprocess
from collections.abc import Iterator, Sequence
from pathlib import Path

PEER_CORE = "0"
LOAD_CORE = "1"
START_TRIES = 600


def free_port() -> int:
    """Return a port that nobody listens on right now."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port: int = listener.getsockname()[1]
        return port


@contextlib.contextmanager
def running(
    command: Sequence[str | Path], port: int, *, core: str, environ: dict[str, str] | None = None
) -> Iterator[int]:
    """Run a server on one core until it listens; give its process id, and end it by that."""
    process = subprocess.Popen(
        ["taskset", "--cpu-list", core, *command],
        env={**os.environ, **(environ or {})},
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    try:
        _await_port(process, port)
        yield process.pid
    finally:
        process.terminate()
        try:
            process.wait(20)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()


def cpu_seconds(process_id: int) -> float:
    """Return the processor time that a process and its children have used."""
    ticks = 0
    for pid in (process_id, *_children(process_id)):
        with contextlib.suppress(FileNotFoundError):
            fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
            ticks += int(fields[11]) + int(fields[12])
    return ticks / os.sysconf("SC_CLK_TCK")


def memory_mib(process_id: int) -> float:
    """Return the resident memory of a process and its children."""
    pages = 0
    for pid in (process_id, *_children(process_id)):
        with contextlib.suppress(FileNotFoundError):
            pages += int(Path(f"/proc/{pid}/statm").read_text().split()[1])
    return pages * os.sysconf("SC_PAGE_SIZE") / (1 << 20)


def _children(process_id: int) -> list[int]:
    listed = Path(f"/proc/{process_id}/task/{process_id}/children")
    direct = [int(pid) for pid in listed.read_text().split()] if listed.exists() else []
    return [pid for child in direct for pid in (child, *_children(child))]


def _await_port(process: subprocess.Popen[bytes], port: int) -> None:
    for _ in range(START_TRIES):
        with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", port), 0.5):
            return
        if process.poll() is not None:
            break
        select.select([], [], [], 0.1)
    raise RuntimeError(f"{process.args!r} does not listen on {port}")
