"""One thread that writes, many writes to a commit.

A durable commit costs about as much as seven rows, so what waits together is committed together.
Each piece of work runs in a savepoint of its own, and its result is handed out after the commit,
never before.
"""

import asyncio
import queue
import threading
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from sqlite3 import Connection
from typing import Any, TypeVar

from apimctl.edge.live_connection import LiveConnection
from apimctl.store import BUSY_TIMEOUT_SECONDS, begin_immediate, connect
from apimctl.store_faults import explained

MOST_AT_ONCE = 200

_Result = TypeVar("_Result")


@dataclass(slots=True)
class _Job:
    work: Callable[[Connection], Any]
    future: asyncio.Future[Any]
    result: Any = None
    error: Exception | None = None


class Writer:
    """Runs work on the store in a thread of its own, on behalf of the running event loop."""

    def __init__(self, path: Path, *, busy_timeout_seconds: float = BUSY_TIMEOUT_SECONDS) -> None:
        self.path = path
        self._busy_timeout_seconds = busy_timeout_seconds
        self._loop = asyncio.get_running_loop()
        self._jobs: queue.SimpleQueue[_Job | None] = queue.SimpleQueue()
        self._connection = LiveConnection(
            path, lambda at: connect(at, busy_timeout_seconds=busy_timeout_seconds)
        )
        self._thread = threading.Thread(target=self._run, name="apimctl-writer", daemon=True)
        self._thread.start()

    async def submit(self, work: Callable[[Connection], _Result]) -> _Result:
        """Return what `work` returns on a connection, once that is durable.

        Raises what `work` raises, with nothing written, and StoreError.
        """
        future: asyncio.Future[_Result] = self._loop.create_future()
        self._jobs.put(_Job(work, future))
        return await future

    async def close(self) -> None:
        """Finish what was submitted and end the thread."""
        self._jobs.put(None)
        await asyncio.to_thread(self._thread.join)

    def _run(self) -> None:
        while batch := self._next_batch():
            try:
                with explained(self.path):
                    self._commit(batch)
            except Exception as error:  # noqa: BLE001 - whoever waits is told, whatever it is
                self._connection.close()
                for job in batch:
                    job.error = job.error or error
            self._loop.call_soon_threadsafe(_hand_out, batch)
        self._connection.close()

    def _next_batch(self) -> list[_Job]:
        """Return the jobs that wait, at least one; none at the end."""
        job = self._jobs.get()
        batch = []
        while job is not None:
            batch.append(job)
            if len(batch) == MOST_AT_ONCE or self._jobs.empty():
                return batch
            job = self._jobs.get()
        if batch:
            self._jobs.put(None)
        return batch

    def _commit(self, batch: list[_Job]) -> None:
        db = self._connection.current()
        begin_immediate(db, busy_timeout_seconds=self._busy_timeout_seconds)
        try:
            for job in batch:
                self._attempt(db, job)
            db.execute("COMMIT")
        except BaseException:
            if db.in_transaction:
                db.execute("ROLLBACK")
            raise

    def _attempt(self, db: Connection, job: _Job) -> None:
        if job.future.cancelled():
            return
        db.execute("SAVEPOINT job")
        try:
            with explained(self.path):
                job.result = job.work(db)
        except Exception as error:  # noqa: BLE001 - it is the submitter's to handle
            db.execute("ROLLBACK TO job")
            job.error = error
        db.execute("RELEASE job")


def _hand_out(batch: list[_Job]) -> None:
    for job in batch:
        if job.future.done():
            continue
        if job.error is not None:
            job.future.set_exception(job.error)
        else:
            job.future.set_result(job.result)
