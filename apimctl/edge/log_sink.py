"""Where the lines of the access log go: a file that every worker appends to, or stdout."""

import contextlib
import fcntl
import os
import select
import stat
from pathlib import Path

from apimctl.errors import InvalidInputError

PIPE_BYTES = 4096
"""No more than this goes into a pipe in one piece (PIPE_BUF of Linux)."""

FILE_BYTES = 256 * 1024

_FLAGS = os.O_WRONLY | os.O_APPEND | os.O_CREAT | os.O_CLOEXEC | os.O_NOCTTY


class Sink:
    """An open file, pipe or terminal. What is written is there whole, or not at all.

    Several workers write to the same one: into a file under a lock (``flock``), into a pipe in
    pieces that the kernel does not split.
    """

    def __init__(self, path: Path | None, *, stdout: int = 1) -> None:
        """Open the file, made for its owner alone, or `stdout`. Raises InvalidInputError."""
        self._path = path
        try:
            self._descriptor = os.dup(stdout) if path is None else _open(path)
        except OSError as error:
            reason = (error.strerror or str(error)).lower()
            raise InvalidInputError(
                f"the access log {path or 'on stdout'} cannot be written: {reason}",
                hint="Name a file with --access-log-file, in a folder that is there.",
            ) from None
        self._is_file = _is_regular(self._descriptor)

    @property
    def longest_write(self) -> int:
        """How many bytes `write` takes at most."""
        return FILE_BYTES if self._is_file else PIPE_BYTES

    def write(self, data: bytes) -> None:
        """Write whole lines, as soon as they are taken. Raises OSError, with none written."""
        if self._is_file and self._path is not None:
            self._append(data)
        else:
            _write_all(self._descriptor, data)

    def reopen(self) -> None:
        """Go on with the file that stands at the path now. Raises OSError and keeps the old."""
        if self._path is None:
            return
        descriptor = _open(self._path)
        os.close(self._descriptor)
        self._descriptor, self._is_file = descriptor, _is_regular(descriptor)

    def close(self) -> None:
        """Close it."""
        os.close(self._descriptor)

    def _append(self, data: bytes) -> None:
        """Append to the file; a disk that is full takes a part, which is taken back."""
        descriptor = self._descriptor
        fcntl.flock(descriptor, fcntl.LOCK_EX)
        try:
            end = os.fstat(descriptor).st_size
            try:
                _write_all(descriptor, data)
            except OSError:
                os.ftruncate(descriptor, end)
                raise
        finally:
            fcntl.flock(descriptor, fcntl.LOCK_UN)


def _open(path: Path) -> int:
    # A named pipe that nobody reads is an error at once, and nothing to wait for.
    descriptor = os.open(path, _FLAGS | os.O_NONBLOCK, 0o600)
    os.set_blocking(descriptor, True)
    return descriptor


def _is_regular(descriptor: int) -> bool:
    return stat.S_ISREG(os.fstat(descriptor).st_mode)


def _write_all(descriptor: int, data: bytes) -> None:
    rest = memoryview(data)
    while rest:
        with contextlib.suppress(BlockingIOError):  # whoever shares stdout may have made it so
            rest = rest[os.write(descriptor, rest) :]
            continue
        select.select([], [descriptor], [])
