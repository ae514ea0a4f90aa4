"""The names of applications, for whoever tells people of them outside the event loop."""

import sqlite3
from pathlib import Path
from sqlite3 import Connection
from typing import NamedTuple

from apimctl.store import connect, file_identity
from apimctl.tables import applications

BUSY_TIMEOUT_SECONDS = 0.25


class ApplicationName(NamedTuple):
    """How an application is called; one that the store does not know is called by its id."""

    name: str
    owner: str


class ApplicationNames:
    """Names by id, on a connection of its own. For one thread at a time."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._names: dict[str, ApplicationName] = {}
        self._db: Connection | None = None
        self._identity: tuple[int, int] | None = None
        self._data_version = -1

    def refresh(self) -> None:
        """Forget the names if anybody has committed since. Without a store, the old ones stay."""
        try:
            identity = file_identity(self._path)
            if self._db is None or identity != self._identity:
                self.close()
                self._db = connect(self._path, busy_timeout_seconds=BUSY_TIMEOUT_SECONDS)
                self._identity = identity
                self._names.clear()
            (data_version,) = self._db.execute("PRAGMA data_version").fetchone()
        except (sqlite3.Error, OSError):
            self.close()
            return
        if data_version != self._data_version:
            self._data_version = data_version
            self._names.clear()

    def find(self, application_id: str) -> ApplicationName:
        """Return the name and the owner of an application, as of the last `refresh`."""
        known = self._names.get(application_id)
        if known is not None:
            return known
        nameless = ApplicationName(application_id, "")
        if self._db is None:
            return nameless
        try:
            found = applications.find(self._db, application_id)
        except sqlite3.Error:
            self.close()
            return nameless
        name = nameless if found is None else ApplicationName(found.name, found.owner)
        self._names[application_id] = name
        return name

    def close(self) -> None:
        """Close the connection."""
        if self._db is not None:
            self._db.close()
            self._db = None
