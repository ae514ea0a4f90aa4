"""The store: one SQLite file that every apimctl process shares. The one place that opens it.

WAL, ``synchronous=FULL``, foreign keys; every write transaction is ``BEGIN IMMEDIATE``. A deferred
one that reads before it writes fails at once with "database is locked", whatever the busy timeout,
when another process wrote in between.
"""

import contextlib
import datetime as dt
import os
import shlex
import sqlite3
import stat
import time
from collections.abc import Iterator
from pathlib import Path
from sqlite3 import Connection

from apimctl.domain.models import (
    ADMIN,
    DEFAULT_APPLICATION,
    PRIMARY,
    UNLIMITED,
    Application,
    Tier,
    User,
)
from apimctl.errors import (
    StoreNewerError,
    StoreUnreadableError,
)
from apimctl.store_faults import explained
from apimctl.tables import applications, tiers, user_roles, users

SCHEMA_VERSION = 16
"""How many migrations this version knows; a store's ``user_version`` is how many it has."""

APPLICATION_ID = 0x61706963
"""``apic`` in the header of the file: this SQLite database is a store of apimctl."""

BUSY_TIMEOUT_SECONDS = 10.0
EAGER_MILLISECONDS = 3
"""SQLite asks again after 1 and after 3 ms."""

BUILT_IN_TIERS = (
    Tier(UNLIMITED, None, None, "No limit", is_built_in=True),
    Tier("Gold", 20, 60, "20 requests per minute", is_built_in=True),
    Tier("Silver", 5, 60, "5 requests per minute", is_built_in=True),
    Tier("Bronze", 1, 60, "1 request per minute", is_built_in=True),
    Tier("Unauthenticated", 60, 60, "60 requests per minute without a token", is_built_in=True),
)


class Store:
    """An open store.

    `is_new` says that it was made just now, `backup_path` where an older one was copied to before
    its migration.
    """

    def __init__(
        self, path: Path, connection: Connection, *, is_new: bool, backup_path: Path | None
    ) -> None:
        self.path = path
        self.is_new = is_new
        self.backup_path = backup_path
        self._connection = connection

    @contextlib.contextmanager
    def reading(self) -> Iterator[Connection]:
        """Give a connection that sees one state of the store throughout. Raises StoreError."""
        with explained(self.path):
            self._connection.execute("BEGIN")
            try:
                yield self._connection
            finally:
                self._connection.execute("ROLLBACK")

    @contextlib.contextmanager
    def transaction(self, *, dry_run: bool = False) -> Iterator[Connection]:
        """Give a connection whose writes are durable when the block ends, all or none.

        With `dry_run` they are undone instead. Raises StoreError.
        """
        with explained(self.path):
            begin_immediate(self._connection)
            with _undone_on_error(self._connection):
                yield self._connection
                self._connection.execute("ROLLBACK" if dry_run else "COMMIT")

    def check(self) -> list[str]:
        """Return what is wrong with the file, the rows and the rights, a line each."""
        with self.reading() as db:
            problems = [row[0] for row in db.execute("PRAGMA integrity_check") if row[0] != "ok"]
            problems += [
                f"row {rowid} of {table} refers to a row of {parent} that is not there"
                for table, rowid, parent, _ in db.execute("PRAGMA foreign_key_check")
            ]
        suffixes = ("", "-wal", "-shm", ".counters", ".key")
        for file in (Path(f"{self.path}{suffix}") for suffix in suffixes):
            mode = stat.S_IMODE(file.stat().st_mode) if file.exists() else 0
            if mode & 0o077:
                remedy = f"chmod 600 {shlex.quote(str(file))}"
                problems.append(f"others may use the file (mode {mode:03o}): {remedy}")
        return problems

    def close(self) -> None:
        """Close the connection."""
        self._connection.close()


def open_store(path: Path, *, now: int) -> Store:
    """Open the store, making it on first use and migrating an older one after a backup.

    `now` (UTC epoch seconds) dates what is made. Raises StoreError.
    """
    with explained(path):
        _make_file(path)
        connection = connect(path)
        try:
            is_new, backup_path = _bring_up_to_date(connection, path, now=now)
        except BaseException:
            connection.close()
            raise
    return Store(path, connection, is_new=is_new, backup_path=backup_path)


def rehearse_store(path: Path, *, now: int) -> Store:
    """Open the store for a dry run: as `open_store`, but what it had to make or migrate first.

    That is made in memory instead, and the file stays as it is. Raises StoreError.
    """
    if schema_version(path) == SCHEMA_VERSION:
        return open_store(path, now=now)
    with explained(path):
        copy = sqlite3.connect(":memory:", isolation_level=None)
        _configure(copy)
        try:
            if path.exists():
                with contextlib.closing(connect(path)) as connection:
                    connection.backup(copy)
            _make_schema(copy, path, now=now)
        except BaseException:
            copy.close()
            raise
    return Store(path, copy, is_new=False, backup_path=None)


def schema_version(path: Path) -> int:
    """Return the schema version of the store at this path, 0 if there is none yet.

    Changes nothing. Raises StoreError.
    """
    with explained(path):
        _refuse_no_file(path)
        if not path.exists():
            return 0
        connection = connect(path)
        try:
            return _schema_version(connection, path)
        finally:
            connection.close()


def connect(path: Path, *, busy_timeout_seconds: float = BUSY_TIMEOUT_SECONDS) -> Connection:
    """Return a connection to an existing store, in autocommit mode.

    Raises sqlite3.Error; `explained` turns that into a StoreError.
    """
    connection = sqlite3.connect(
        f"{path.absolute().as_uri()}?mode=rw",
        uri=True,
        isolation_level=None,
        timeout=busy_timeout_seconds,
        check_same_thread=False,
    )
    try:
        _configure(connection)
    except BaseException:
        connection.close()
        raise
    return connection


def _configure(connection: Connection) -> None:
    connection.execute("PRAGMA foreign_keys = ON")
    connection.execute("PRAGMA synchronous = FULL")


def begin_immediate(
    connection: Connection, *, busy_timeout_seconds: float = BUSY_TIMEOUT_SECONDS
) -> None:
    """Begin a write transaction as soon as no other process is in one.

    SQLite waits longer and longer, up to 100 ms at a time, and may so find the store taken each
    time while others write without a pause. This asks about every millisecond.

    Raises sqlite3.Error.
    """
    deadline = time.monotonic() + busy_timeout_seconds
    connection.execute(f"PRAGMA busy_timeout = {EAGER_MILLISECONDS}")
    try:
        while True:
            try:
                connection.execute("BEGIN IMMEDIATE")
            except sqlite3.OperationalError as error:
                is_busy = error.sqlite_errorcode & 0xFF == sqlite3.SQLITE_BUSY
                if not is_busy or time.monotonic() >= deadline:
                    raise
            else:
                return
    finally:
        connection.execute(f"PRAGMA busy_timeout = {int(busy_timeout_seconds * 1000)}")


def file_identity(path: Path) -> tuple[int, int]:
    """Return what tells this file from another one at the same path. Raises OSError."""
    status = path.stat()
    return status.st_dev, status.st_ino


def _make_file(path: Path) -> None:
    """Make an empty file that only its owner may read, and its folder, where there is none.

    An empty file is an empty database, so whoever is killed before the schema is committed
    leaves something that the next process goes on from.
    """
    _refuse_no_file(path)
    if path.exists():
        if path.stat().st_size == 0:
            path.chmod(0o600)
        return
    path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    with contextlib.suppress(FileExistsError):
        os.close(os.open(path, os.O_CREAT | os.O_EXCL | os.O_RDWR, 0o600))


def _refuse_no_file(path: Path) -> None:
    if path.is_dir():
        raise StoreUnreadableError(
            f"the store {path} is a folder", hint="Name a file in it, as --db FOLDER/apimctl.db."
        )
    if path.exists() and not path.is_file():
        raise StoreUnreadableError(
            f"the store {path} is a device, a pipe or a socket", hint="Name a file with --db."
        )
    for folder in path.parents:
        if folder.exists() and not folder.is_dir():
            raise StoreUnreadableError(
                f"the store {path} cannot be: {folder} is not a folder",
                hint="Name another file with --db.",
            )


def _bring_up_to_date(connection: Connection, path: Path, *, now: int) -> tuple[bool, Path | None]:
    """Return whether the store was made now, and where its backup is if it was migrated."""
    version = _schema_version(connection, path)
    _use_wal(connection)
    if version == SCHEMA_VERSION:
        return False, None
    backup_path = _back_up(connection, path, version, now=now) if version else None
    return _make_schema(connection, path, now=now), backup_path


def _make_schema(connection: Connection, path: Path, *, now: int) -> bool:
    """Migrate what is there, and return whether that was nothing: then it gets its first rows."""
    begin_immediate(connection)
    with _undone_on_error(connection):
        version = _schema_version(connection, path)
        if version < SCHEMA_VERSION:
            _migrate(connection)
            if version == 0:
                _seed(connection, now=now)
        connection.execute("COMMIT")
    return version == 0


@contextlib.contextmanager
def _undone_on_error(connection: Connection) -> Iterator[None]:
    """Roll back if the block fails, unless SQLite has already, as it does on a full disk."""
    try:
        yield
    except BaseException:
        if connection.in_transaction:
            connection.execute("ROLLBACK")
        raise


def _use_wal(connection: Connection) -> None:
    """Switch a new file to WAL, which stays with the file; on every other open this only reads."""
    (mode,) = connection.execute("PRAGMA journal_mode").fetchone()
    if mode != "wal":
        connection.execute("PRAGMA journal_mode = WAL")


def _schema_version(connection: Connection, path: Path) -> int:
    """Return how many migrations the store has, 0 for an empty file.

    Raises StoreUnreadableError for another program's database, StoreNewerError for a later store.
    """
    with one_state(connection):
        (tables,) = connection.execute("SELECT count(*) FROM sqlite_master").fetchone()
        (version,) = connection.execute("PRAGMA user_version").fetchone()
        (application_id,) = connection.execute("PRAGMA application_id").fetchone()
    if application_id != APPLICATION_ID and (tables or application_id or version):
        raise StoreUnreadableError(
            f"{path} is a database of another program",
            hint="Name the store with --db; it is made on first use.",
        )
    if version > SCHEMA_VERSION:
        raise StoreNewerError(
            f"the store {path} was made by a later apimctl (schema {version}, this one knows"
            f" {SCHEMA_VERSION})",
            hint="Upgrade apimctl, or name another store with --db.",
        )
    return int(version)


@contextlib.contextmanager
def one_state(connection: Connection) -> Iterator[None]:
    """See one state of the store throughout, whoever is making it at the same time."""
    if connection.in_transaction:
        yield
        return
    connection.execute("BEGIN")
    try:
        yield
    finally:
        connection.execute("ROLLBACK")


def _migrate(connection: Connection) -> None:
    from sqlite_utils import Database  # noqa: PLC0415 - 150 ms that only a migration pays

    from apimctl.migrations import migrations  # noqa: PLC0415 - as above

    migrations.apply(Database(connection, execute_plugins=False))
    connection.execute(f"PRAGMA application_id = {APPLICATION_ID}")
    connection.execute(f"PRAGMA user_version = {SCHEMA_VERSION}")


def _seed(connection: Connection, *, now: int) -> None:
    """Add what every store starts with (SPEC sections 1, 6, 8): `admin` has a role, no password."""
    for tier in BUILT_IN_TIERS:
        tiers.insert(connection, tier)
    users.insert(connection, User("admin", ADMIN, PRIMARY, None, now))
    user_roles.replace(connection, "admin", (ADMIN,))
    applications.insert(
        connection,
        Application("default", DEFAULT_APPLICATION, "admin", ADMIN, UNLIMITED, "", created_at=now),
    )


def _back_up(connection: Connection, path: Path, version: int, *, now: int) -> Path:
    moment = dt.datetime.fromtimestamp(now, dt.UTC).strftime("%Y%m%dT%H%M%SZ")
    target = path.with_name(f"{path.name}.schema-{version}.{moment}.backup")
    os.close(os.open(target, os.O_CREAT | os.O_RDWR, 0o600))
    copy = sqlite3.connect(target)
    try:
        connection.backup(copy)
    finally:
        copy.close()
    return target
