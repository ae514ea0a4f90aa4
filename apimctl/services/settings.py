"""Settings live in a file; that it changed is announced in the store."""

from sqlite3 import Connection

from apimctl.domain.partitions import parse_partitions
from apimctl.services import partitions
from apimctl.tables import userstores
from apimctl.tables.changes import ChangeKind, announce

PARTITIONS = "tokens.partitions"


def announce_change(db: Connection) -> None:
    """Make the gateways that serve this store read their settings anew."""
    announce(db, ChangeKind.SETTINGS)


def prepare(db: Connection, key: str, value: str | None, *, now: int) -> list[str]:
    """Make what the new value of a setting asks of the store; None is the default.

    Returns what there is to say of that. Raises as `parse_partitions`.
    """
    if key != PARTITIONS or value is None:
        return []
    configured = parse_partitions(value)
    remarks = []
    if letters := partitions.create_missing(db, configured, now=now):
        remarks.append(f"new tables for partition {', '.join(letters)}")
    if unknown := [domain for domain in configured if userstores.find(db, domain) is None]:
        remarks.append(f"there is no user store {', '.join(unknown)} yet")
    return remarks
