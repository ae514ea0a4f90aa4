"""Whether anybody has committed to a store, read off the memory that SQLite shares.

In WAL mode, all connections to a database share its wal-index, the file ``-shm``. The header of
that changes with every commit ("WAL-mode File Format", section 2.1). `PRAGMA data_version` compares
it as well, but takes and gives back a lock for that: some twenty times the price.

What is read may be half written. Then it is a header that nobody has seen yet, as a new one is.
"""

import mmap
import os
from pathlib import Path
from sqlite3 import Connection

HEADER_BYTES = 48

_MAPPED: dict[tuple[int, int], mmap.mmap] = {}
"""All that were ever opened, by device and inode.

Nothing here is closed while the process lives: closing a descriptor of a file drops every lock that
the process has on it (fcntl(2)), and so those that SQLite keeps on this one.
"""


class WalIndex:
    """The wal-index of one open database."""

    def __init__(self, db: Connection) -> None:
        """Find the wal-index that `db` uses, which was read before. Raises sqlite3.Error."""
        (journal_mode,) = db.execute("PRAGMA journal_mode").fetchone()
        # Where the store is a link, SQLite's files lie beside what it leads to.
        _, _, path = db.execute("PRAGMA database_list").fetchone()
        self._memory = _mapped(Path(f"{path}-shm")) if journal_mode == "wal" else None

    def header(self) -> bytes | None:
        """Return what changes with every commit; None where only SQLite can tell.

        To be called only while the database is open: its locks keep the file as long as it is.
        """
        return None if self._memory is None else self._memory[:HEADER_BYTES]


def _mapped(path: Path) -> mmap.mmap | None:
    """Return the file in memory, None if it is not there or not such a file."""
    try:
        status = path.stat()
        inode = (status.st_dev, status.st_ino)
        if inode not in _MAPPED and status.st_size >= HEADER_BYTES:
            descriptor = os.open(path, os.O_RDONLY | os.O_NOFOLLOW)
            _MAPPED[inode] = mmap.mmap(descriptor, HEADER_BYTES, access=mmap.ACCESS_READ)
    except OSError:
        return None
    return _MAPPED.get(inode)
