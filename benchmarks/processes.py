"""Starting what is measured, on cores of its own, and reading what it used."""

import contextlib
import os
import select
import socket
import subprocess
import tempfile
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import IO

PEER_CORE = "0"
LOAD_CORE = "1"
START_TRIES = 600


class NotStartedError(Exception):
    """A server ended, or hung, before it listened; the message ends with what it said."""


def free_port() -> int:
    """Return a port that nobody listens on right now."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port: int = listener.getsockname()[1]
        return port


@contextlib.contextmanager
def running(
    command: Sequence[str | Path],
    port: int,
    *,
    core: str,
    environ: dict[str, str] | None = None,
    folder: Path | None = None,
) -> Iterator[int]:
    """Run a server on one core until it listens; give its process id, and end it by that.

    Raises NotStartedError.
    """
    # Whatever goes through a proxy of the user's is not what is measured.
    inherited = {k: v for k, v in os.environ.items() if not k.lower().endswith("_proxy")}
    with tempfile.TemporaryFile() as said:
        process = subprocess.Popen(
            ["taskset", "--cpu-list", core, *command],
            env={**inherited, **(environ or {})},
            cwd=folder,
            stdout=said,
            stderr=said,
        )
        try:
            _await_port(process, port, said)
            yield process.pid
        finally:
            process.terminate()
            try:
                process.wait(20)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()


def cpu_seconds(process_id: int) -> float:
    """Return the processor time that a process and its children, living or ended, have used."""
    ticks = 0
    for pid in family(process_id):
        with contextlib.suppress(FileNotFoundError, ProcessLookupError):
            fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
            # utime, stime, and the same of the children it has waited for (proc_pid_stat(5))
            ticks += sum(map(int, fields[11:15]))
    return ticks / os.sysconf("SC_CLK_TCK")


def memory_mib(process_id: int) -> float:
    """Return the resident memory of a process and its children; shared pages count in each."""
    pages = 0
    for pid in family(process_id):
        with contextlib.suppress(FileNotFoundError, ProcessLookupError):
            pages += int(Path(f"/proc/{pid}/statm").read_text().split()[1])
    return pages * os.sysconf("SC_PAGE_SIZE") / (1 << 20)


def family(process_id: int) -> list[int]:
    """Return a process, its children, and theirs, whichever thread started them."""
    found = [process_id]
    for listed in Path(f"/proc/{process_id}/task").glob("*/children"):
        with contextlib.suppress(FileNotFoundError, ProcessLookupError):
            for child in listed.read_text().split():
                found += family(int(child))
    return found


def _await_port(process: subprocess.Popen[bytes], port: int, said: IO[bytes]) -> None:
    for _ in range(START_TRIES):
        with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", port), 0.5):
            return
        if process.poll() is not None:
            break
        select.select([], [], [], 0.1)
    said.seek(0)
    end = said.read().decode(errors="replace").strip()[-500:]
    raise NotStartedError(f"nobody listens on port {port}: {end}")
