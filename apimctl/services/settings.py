"""Settings live in a file; that it changed is announced in the store."""

from sqlite3 import Connection

from apimctl.domain.partitions import parse_partitions
from apimctl.services import partitions
from apimctl.tables.changes import ChangeKind, announce

PARTITIONS = "tokens.partitions"


def announce_change(db: Connection) -> None:
    """Make the gateways that serve this store read their settings anew."""
    announce(db, ChangeKind.SETTINGS)


def new_partitions(db: Connection, key: str, value: str | None, *, now: int) -> list[str]:
    """Make the tables that the new value of a setting asks for, so that its first token finds them.

    Returns the letters of the partitions that were not there. Raises as `parse_partitions`.
    """
    if key != PARTITIONS or value is None:
        return []
    return partitions.create_missing(db, parse_partitions(value), now=now)
