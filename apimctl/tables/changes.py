"""The table ``changes``: what the gateway may have in memory and must forget.

A change is written in the same transaction as what it announces. The table is a feed, not a
history: old entries go, and a reader that finds a gap forgets everything.
"""

from dataclasses import dataclass
from enum import StrEnum
from sqlite3 import Connection

KEPT_CHANGES = 10_000


class ChangeKind(StrEnum):
    """What changed; the subject says which one."""

    API = "api"
    """Any API: the subject is empty, the routes are read anew."""
    KEY = "key"
    """The key with this consumer key: its domains, or that it is there."""
    SUBSCRIPTIONS = "subscriptions"
    """Subscriptions of the application with this id."""
    APPLICATION = "application"
    """The application with this id: its tier."""
    TIER = "tier"
    """The tier of this name."""
    TOKEN = "token"  # noqa: S105 - a kind of change
    """The access token with this digest."""
    TOKENS_OF_KEY = "tokens_of_key"
    """All access tokens of this consumer key."""
    TOKENS_OF_USER = "tokens_of_user"
    """All access tokens of the user with this id."""
    SETTINGS = "settings"
    """The configuration file: the subject is empty."""
    EVERYTHING = "everything"
    """Whatever there is; also a kind that only a later apimctl knows."""

    @classmethod
    def _missing_(cls, value: object) -> "ChangeKind":  # noqa: ARG003 - whatever it is
        return cls.EVERYTHING


@dataclass(frozen=True, slots=True)
class Change:
    """One entry of the feed."""

    id: int
    kind: ChangeKind
    subject: str


def announce(db: Connection, kind: ChangeKind, subject: str = "") -> None:
    """Add a change to the feed, and drop what is too old."""
    row = db.execute(
        "INSERT INTO changes (kind, subject) VALUES (?, ?) RETURNING id", (kind, subject)
    ).fetchone()
    db.execute("DELETE FROM changes WHERE id <= ?", (row[0] - KEPT_CHANGES,))


def list_after(db: Connection, last_id: int) -> list[Change]:
    """Return the changes behind `last_id`, in order."""
    rows = db.execute("SELECT id, kind, subject FROM changes WHERE id > ? ORDER BY id", (last_id,))
    return [Change(change_id, ChangeKind(kind), subject) for change_id, kind, subject in rows]


def newest_id(db: Connection) -> int:
    """Return the id of the newest change, 0 if there was none."""
    (newest,) = db.execute("SELECT coalesce(max(id), 0) FROM changes").fetchone()
    return int(newest)
