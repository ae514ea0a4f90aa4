"""Settings live in a file; that it changed is announced in the store."""

from sqlite3 import Connection

from apimctl.tables.changes import ChangeKind, announce


def announce_change(db: Connection) -> None:
    """Make the gateways that serve this store read their settings anew."""
    announce(db, ChangeKind.SETTINGS)
