"""The table ``audit_entry``: who did what, in the order it was done.

It is written a thousand times for once that it is read, so it has no index but its ids: what is
searched for by time is found by bisection. Entries are in the order of their time but for
`LATEST_SECONDS`: a command is dated when it starts, and may wait for an answer before it writes.
"""

import json
from dataclasses import dataclass
from sqlite3 import Connection
from typing import Any

from apimctl.domain.models import Actor, AuditEntry, Via

LATEST_SECONDS = 3600
HIGHEST_ID = 2**63 - 1
"""SQLite takes no higher number."""

_COLUMNS = "at, actor, via, action, target, details"


@dataclass(frozen=True, slots=True)
class AuditFilter:
    """Which entries are wanted; None for any.

    `action` may be a noun with a dot behind it. `since` and `until` are UTC epoch seconds, the
    first within and the second without. `before_id` is where the page before this one ended.
    """

    action: str | None = None
    actor: str | None = None
    target: str | None = None
    via: Via | None = None
    since: int | None = None
    until: int | None = None
    before_id: int | None = None


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


def get(db: Connection, entry_id: int) -> AuditEntry | None:
    """Return the entry with that number."""
    if not 0 < entry_id <= HIGHEST_ID:
        return None
    row = db.execute(f"SELECT id, {_COLUMNS} FROM audit_entry WHERE id = ?", (entry_id,)).fetchone()
    return _entry(*row) if row else None


def list_newest(db: Connection, wanted: AuditFilter, *, limit: int) -> list[AuditEntry]:
    """Return at most `limit` of the entries that are wanted, the newest first."""
    conditions, values = ["1 = 1"], dict[str, Any](limit=limit)
    for name in ("actor", "target", "via"):
        if getattr(wanted, name) is not None:
            conditions.append(f"{name} = :{name}")
            values[name] = getattr(wanted, name)
    if wanted.action is not None:
        is_noun = wanted.action.endswith(".")
        conditions.append("substr(action, 1, :length) = :action" if is_noun else "action = :action")
        values |= {"action": wanted.action, "length": len(wanted.action)}
    if wanted.since is not None:
        conditions.append("id >= :first_id AND at >= :since")
        first_id = _first_id_from(db, wanted.since - LATEST_SECONDS)
        values |= {"first_id": first_id, "since": wanted.since}
    if wanted.until is not None:
        conditions.append("id < :end_id AND at < :until")
        end_id = _first_id_from(db, wanted.until + LATEST_SECONDS)
        values |= {"end_id": end_id, "until": wanted.until}
    if wanted.before_id is not None:
        conditions.append("id < :before_id")
        values["before_id"] = min(max(wanted.before_id, 0), HIGHEST_ID)
    rows = db.execute(
        f"SELECT id, {_COLUMNS} FROM audit_entry WHERE {' AND '.join(conditions)}"
        " ORDER BY id DESC LIMIT :limit",
        values,
    )
    return [_entry(*row) for row in rows]


def _first_id_from(db: Connection, at: int) -> int:
    """Return the lowest id from which on all entries are of that time or later, by bisection."""
    low, end = db.execute(
        "SELECT coalesce(min(id), 1), coalesce(max(id), 0) + 1 FROM audit_entry"
    ).fetchone()
    while low < end:
        middle = (low + end) // 2
        row = db.execute(
            "SELECT at FROM audit_entry WHERE id >= ? ORDER BY id LIMIT 1", (middle,)
        ).fetchone()
        if row is not None and row[0] < at:
            low = middle + 1
        else:
            end = middle
    return int(low)


def _entry(*row: Any) -> AuditEntry:
    entry_id, at, actor, via, action, target, details = row
    return AuditEntry(at, Actor(actor, Via(via)), action, target, json.loads(details), entry_id)
