"""The table ``userstore``: all but PRIMARY, which is always there. Settings are kept as JSON."""

import json
from dataclasses import asdict
from sqlite3 import Connection
from typing import Any

from apimctl.domain.ldap import LdapSettings
from apimctl.domain.userstores import UserStore, UserStoreType

_COLUMNS = "domain, type, settings, sealed_bind_password, created_at"


def insert(db: Connection, store: UserStore) -> None:
    """Add a user store whose domain is free."""
    db.execute(
        f"INSERT INTO userstore ({_COLUMNS})"
        " VALUES (:domain, :type, :settings, :sealed_bind_password, :created_at)",
        _values(store),
    )


def update(db: Connection, store: UserStore) -> None:
    """Write what can be changed of the user store: its settings and its bind password."""
    db.execute(
        "UPDATE userstore SET settings = :settings, sealed_bind_password = :sealed_bind_password"
        " WHERE domain = :domain",
        _values(store),
    )


def find(db: Connection, domain: str) -> UserStore | None:
    """Return the user store of that domain, which is in capitals."""
    row = db.execute(f"SELECT {_COLUMNS} FROM userstore WHERE domain = ?", (domain,)).fetchone()
    return _user_store(*row) if row else None


def is_empty(db: Connection) -> bool:
    """Return whether there is no user store but PRIMARY."""
    return db.execute("SELECT 1 FROM userstore LIMIT 1").fetchone() is None


def list_all(db: Connection) -> list[UserStore]:
    """Return all user stores by domain."""
    rows = db.execute(f"SELECT {_COLUMNS} FROM userstore ORDER BY domain")
    return [_user_store(*row) for row in rows]


def delete(db: Connection, domain: str) -> None:
    """Remove a user store that has no users any more."""
    db.execute("DELETE FROM userstore WHERE domain = ?", (domain,))


def _values(store: UserStore) -> dict[str, Any]:
    return {
        "domain": store.domain,
        "type": store.type,
        "settings": json.dumps(asdict(store.ldap) if store.ldap else {}),
        "sealed_bind_password": store.sealed_bind_password,
        "created_at": store.created_at,
    }


def _user_store(
    domain: str, kind: str, settings: str, sealed_bind_password: str | None, created_at: int
) -> UserStore:
    store_type = UserStoreType(kind)
    ldap = LdapSettings(**json.loads(settings)) if store_type is UserStoreType.LDAP else None
    return UserStore(domain, store_type, created_at, ldap, sealed_bind_password)
