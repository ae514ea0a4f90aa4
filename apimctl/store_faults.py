"""What SQLite and the file system say is wrong with the store, in words a user can act on."""

import contextlib
import sqlite3
from collections.abc import Iterator
from pathlib import Path

from apimctl.errors import StoreBusyError, StoreError, StoreUnreadableError


@contextlib.contextmanager
def explained(path: Path) -> Iterator[None]:
    """Turn the faults of SQLite and the file system into a StoreError that says what to try."""
    try:
        yield
    except (sqlite3.IntegrityError, sqlite3.ProgrammingError):
        raise
    except sqlite3.Error as error:
        raise _explain(path, error) from error
    except OSError as error:
        raise StoreUnreadableError(
            f"the store {path} cannot be opened: {(error.strerror or str(error)).lower()}",
            hint="Name another file with --db, or mend the rights of this one.",
        ) from error


def _explain(path: Path, error: sqlite3.Error) -> StoreError:
    primary_code = getattr(error, "sqlite_errorcode", 0) & 0xFF
    if primary_code in {sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED}:
        return StoreBusyError(
            f"the store {path} is busy: another process is writing",
            hint="Try again; if it stays so, look for a process that hangs.",
        )
    if primary_code == sqlite3.SQLITE_READONLY:
        return StoreUnreadableError(
            f"the store {path} is read-only", hint="Mend the rights of the file and its folder."
        )
    if primary_code == sqlite3.SQLITE_NOTADB:
        return StoreUnreadableError(
            f"{path} is not a database", hint="Name the store with --db; it is made on first use."
        )
    if primary_code == sqlite3.SQLITE_CORRUPT:
        return StoreUnreadableError(
            f"the store {path} is damaged: {error}", hint="Restore the file from a backup."
        )
    if primary_code == sqlite3.SQLITE_FULL:
        return StoreUnreadableError(
            f"the disk of the store {path} is full", hint="Make room; nothing was written."
        )
    return StoreUnreadableError(
        f"the store {path} cannot be used: {error}", hint="Name another file with --db."
    )
