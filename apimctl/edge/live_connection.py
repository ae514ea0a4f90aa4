"""A connection to the file that stands at the store's path now: it may be replaced meanwhile."""

from collections.abc import Callable
from pathlib import Path
from sqlite3 import Connection

from apimctl.store import file_identity


class LiveConnection:
    """The connection of one thread, opened when it is asked for.

    What is written to a file that was deleted or replaced would be acknowledged and lost, and what
    is read from it would be long past.
    """

    def __init__(self, path: Path, connect: Callable[[Path], Connection]) -> None:
        self._path = path
        self._connect = connect
        self._db: Connection | None = None
        self._identity: tuple[int, int] | None = None

    def current(self) -> Connection:
        """Return the connection. Raises OSError, sqlite3.Error."""
        identity = file_identity(self._path)
        if self._db is None or identity != self._identity:
            self.close()
            self._db = self._connect(self._path)
            self._identity = identity
        return self._db

    def close(self) -> None:
        """Close it; who asks again gets another one."""
        if self._db is not None:
            self._db.close()
            self._db = None
