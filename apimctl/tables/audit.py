"""The table ``audit_entry``: who did what, in the order it was done."""

import json
from sqlite3 import Connection

from apimctl.domain.models import AuditEntry

_COLUMNS = "at, actor, via, action, target, details"


def insert(db: Connection, entry: AuditEntry) -> None:
    """Add an entry; its number is the store's to give."""
    db.execute(
        f"INSERT INTO audit_entry ({_COLUMNS}) VALUES (?, ?, ?, ?, ?, ?)",
        (
            entry.at,
            entry.actor.name,
            entry.actor.via,
            entry.action,
            entry.target,
            json.dumps(entry.details) if entry.details else "{}",
        ),
    )
