"""A file that several processes of one machine have in their memory at the same time.

It begins with what it is: its format, its size, the boot it was made in. One that is of no use, or
not there, is made anew, by one of those who open it at once. A file of another format is replaced
and not written to: who still uses it goes on with it.
"""

import contextlib
import fcntl
import mmap
import os
import secrets
from collections.abc import Iterator
from pathlib import Path

from apimctl.errors import StoreUnreadableError
from apimctl.store import file_identity

HEADER_BYTES = mmap.PAGESIZE
SALT_BYTES = 16


class MappedFile:
    """An open file and its memory. Only its owner may read it.

    `memory` begins with a header of `HEADER_BYTES`; behind it are `size` bytes, zeros at first.
    `salt` is random, and the same for everybody who uses the file.
    """

    def __init__(self, path: Path, *, kind: bytes, size: int) -> None:
        """Open the file, or make it. `kind` tells it from one that is of no use.

        Raises StoreUnreadableError.
        """
        with explained(path):
            self.descriptor = _open(path, kind, HEADER_BYTES + size)
            self.memory = mmap.mmap(self.descriptor, HEADER_BYTES + size)
        self.salt = self.memory[len(kind) : len(kind) + SALT_BYTES]
        self._path = path

    def is_current(self) -> bool:
        """Return whether this is the file at its path, still."""
        return _is_at(self._path, self.descriptor)

    def close(self) -> None:
        """Leave the file to the others. The memory may not be in use."""
        self.memory.close()
        os.close(self.descriptor)


@contextlib.contextmanager
def explained(path: Path) -> Iterator[None]:
    """Turn the faults of the file system into a StoreUnreadableError."""
    try:
        yield
    except OSError as error:
        raise unreadable(path, error) from error


def unreadable(path: Path, error: OSError) -> StoreUnreadableError:
    """Return the error that says what is wrong with the file."""
    reason = (error.strerror or str(error)).lower()
    return StoreUnreadableError(
        f"the file {path} cannot be used: {reason}",
        hint="Mend the rights of its folder, or make room on its disk.",
    )


def _open(path: Path, kind: bytes, size: int) -> int:
    while True:
        descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_NOFOLLOW, 0o600)
        try:
            if _make(path, descriptor, kind, size):
                return descriptor
        except BaseException:
            os.close(descriptor)
            raise
        os.close(descriptor)


def _make(path: Path, descriptor: int, kind: bytes, size: int) -> bool:
    """Make the file if it is new, and return whether it is of use; if not, it is gone."""
    fcntl.lockf(descriptor, fcntl.LOCK_EX, 1)
    try:
        if not _is_at(path, descriptor):
            return False
        found = os.fstat(descriptor).st_size
        if found == 0:
            # Zeros that are written have their room on the disk. A hole would look for it when it
            # is written to, and kill the process if there is none.
            with open(descriptor, "wb", closefd=False) as file:
                file.write(bytes(size))
            # Last: who dies before leaves a file that is of no use to anybody.
            os.pwrite(descriptor, kind + secrets.token_bytes(SALT_BYTES), 0)
        elif found != size or os.pread(descriptor, len(kind), 0) != kind:
            path.unlink()
            return False
        return True
    finally:
        fcntl.lockf(descriptor, fcntl.LOCK_UN, 1)


def _is_at(path: Path, descriptor: int) -> bool:
    status = os.fstat(descriptor)
    try:
        return file_identity(path) == (status.st_dev, status.st_ino)
    except OSError:  # whatever stands in the way, our file is not there
        return False
