"""Rows that are over, in whatever table: counted, and removed in small batches.

What is over is known by one column, the end of its time. A token that ended before its time is
dated first (`date_ended_tokens`), so that the same holds for it.
"""

from collections.abc import Iterator
from enum import StrEnum
from sqlite3 import Connection

from apimctl.tables import partitions


class Leftover(StrEnum):
    """What can be over."""

    ACCESS_TOKENS = "access_tokens"
    REFRESH_TOKENS = "refresh_tokens"
    AUTHORIZATION_CODES = "authorization_codes"
    WEB_SESSIONS = "web_sessions"
    FAILED_ATTEMPTS = "failed_attempts"
    KNOWN_NETWORKS = "known_networks"
    AUDIT_ENTRIES = "audit_entries"


# By way of the keys, as the index on the expiry begins with them.
_OVER_BY_KEY = (
    "application_key CROSS JOIN {table} AS token"
    " WHERE token.consumer_key = application_key.consumer_key AND expires_at <= :before"
)
_ROWS = {
    Leftover.ACCESS_TOKENS: ("digest", _OVER_BY_KEY),
    Leftover.REFRESH_TOKENS: ("digest", "{table} WHERE expires_at <= :before"),
    Leftover.AUTHORIZATION_CODES: ("digest", "{table} WHERE expires_at <= :before"),
    Leftover.WEB_SESSIONS: ("digest", "{table} WHERE expires_at <= :before"),
    Leftover.FAILED_ATTEMPTS: ("subject", "{table} WHERE forgotten_at <= :before"),
    Leftover.KNOWN_NETWORKS: ("subject", "{table} WHERE forgotten_at <= :before"),
    # The log has no index on its time. Its oldest entries come first, and those that do not go
    # yet keep later ones from being looked at.
    Leftover.AUDIT_ENTRIES: (
        "id",
        "(SELECT id, at FROM {table} ORDER BY id LIMIT :limit) AS oldest WHERE at <= :before",
    ),
}
"""The column that a row is known by, and which rows are over."""

_TABLES = {
    Leftover.AUTHORIZATION_CODES: "authorization_code",
    Leftover.WEB_SESSIONS: "web_session",
    Leftover.FAILED_ATTEMPTS: "failed_attempt",
    Leftover.KNOWN_NETWORKS: "known_network",
    Leftover.AUDIT_ENTRIES: "audit_entry",
}
_PARTITIONED = {
    Leftover.ACCESS_TOKENS: partitions.tables_of("access_token"),
    Leftover.REFRESH_TOKENS: partitions.tables_of("refresh_token"),
}

_ENDED = {
    Leftover.ACCESS_TOKENS: "state <> 'ACTIVE'",
    # A spent one is no leftover before its time: a replay of it revokes its family.
    Leftover.REFRESH_TOKENS: "state = 'REVOKED'",
}
_BEYOND = ("expires_at IS NULL", "expires_at > :latest")
ANY_NUMBER = 1 << 62
"""The limit of what is not limited."""


def count(db: Connection, kind: Leftover, *, before: int) -> int:
    """Return how many rows were over at that moment."""
    values = {"before": before, "limit": ANY_NUMBER}
    rows = _ROWS[kind][1]
    return sum(
        int(db.execute(f"SELECT count(*) FROM {rows.format(table=table)}", values).fetchone()[0])
        for table in _tables(db, kind)
    )


def delete(db: Connection, kind: Leftover, *, before: int, limit: int) -> int:
    """Remove at most `limit` rows that were over at that moment, and return how many."""
    column, rows = _ROWS[kind]
    removed = 0
    for table in _tables(db, kind):
        over = f"SELECT {column} FROM {rows.format(table=table)} LIMIT :limit"
        removed += db.execute(
            f"DELETE FROM {table} WHERE {column} IN ({over})",
            {"before": before, "limit": limit - removed},
        ).rowcount
        if removed == limit:
            break
    return removed


def date_ended_tokens(db: Connection, kind: Leftover, *, now: int, latest: int, limit: int) -> int:
    """Let tokens that were ended, and would expire after `latest` or never, expire now.

    Dates at most `limit`, and returns how many.
    """
    dated = 0
    for table in _tables(db, kind):
        for beyond in _BEYOND:
            ended = f"SELECT digest FROM {table} WHERE {_ENDED[kind]} AND {beyond} LIMIT :limit"
            dated += db.execute(
                f"UPDATE {table} SET expires_at = :now WHERE digest IN ({ended})",
                {"now": now, "latest": latest, "limit": limit - dated},
            ).rowcount
    return dated


def _tables(db: Connection, kind: Leftover) -> Iterator[str]:
    if kind in _PARTITIONED:
        for partition in partitions.list_all(db):
            yield _PARTITIONED[kind][partition]
    else:
        yield _TABLES[kind]
