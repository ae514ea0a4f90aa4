"""One thread that reads, beside the one that writes: who only looks waits for no writer."""

import asyncio
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from sqlite3 import Connection
from typing import TypeVar

from apimctl.edge.live_connection import LiveConnection
from apimctl.store import connect
from apimctl.store_faults import explained

_Result = TypeVar("_Result")


class Reader:
    """Reads the store in a thread of its own, on behalf of the running event loop."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._connection = LiveConnection(path, _connect)
        self._thread = ThreadPoolExecutor(1, thread_name_prefix="apimctl-reader")

    async def submit(self, work: Callable[[Connection], _Result]) -> _Result:
        """Return what `work` returns on a connection that sees one state of the store throughout.

        Raises what `work` raises, and StoreError.
        """
        loop = asyncio.get_running_loop()
        return await loop.run_in_executor(self._thread, self._read, work)

    async def close(self) -> None:
        """Finish what was submitted and end the thread."""
        loop = asyncio.get_running_loop()
        await loop.run_in_executor(self._thread, self._connection.close)
        self._thread.shutdown()

    def _read(self, work: Callable[[Connection], _Result]) -> _Result:
        with explained(self._path):
            db = self._connection.current()
            db.execute("BEGIN")
            try:
                return work(db)
            finally:
                db.execute("ROLLBACK")


def _connect(path: Path) -> Connection:
    db = connect(path)
    db.execute("PRAGMA query_only = ON")
    return db
