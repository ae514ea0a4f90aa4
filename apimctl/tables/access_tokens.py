"""The table ``access_token``, and the one of each partition (SPEC section 7).

A digest is looked up in one partition, the one that the token's text names. What is known by
another name is looked for in all of them.
"""

from sqlite3 import Connection
from typing import Any

from apimctl.domain.models import AccessToken, TokenState
from apimctl.tables import partitions

_COLUMNS = "digest, id, consumer_key, user_id, family_id, state, scope, hint, issued_at, expires_at"
_TABLES = partitions.tables_of("access_token")
SELECT = {
    partition: f"SELECT {_COLUMNS}, '{partition}' FROM {table}"
    for partition, table in _TABLES.items()
}
_FIND = {partition: f"{select} WHERE digest = ?" for partition, select in SELECT.items()}
_INSERT = {
    partition: f"INSERT INTO {table} ({_COLUMNS}) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)"
    for partition, table in _TABLES.items()
}


def insert(db: Connection, token: AccessToken) -> None:
    """Add a token to its partition, which is there."""
    db.execute(
        _INSERT[token.partition],
        (
            token.digest,
            token.id,
            token.consumer_key,
            token.user_id,
            token.family_id,
            token.state,
            token.scope,
            token.hint,
            token.issued_at,
            token.expires_at,
        ),
    )


def find(db: Connection, digest: str, *, partition: str) -> AccessToken | None:
    """Return the token with that digest, if that partition is there and has it."""
    if not partitions.is_there(db, partition):
        return None
    row = db.execute(_FIND[partition], (digest,)).fetchone()
    return from_row(row) if row else None


def get(db: Connection, token_id: str) -> AccessToken | None:
    """Return the token with that id, of whatever partition."""
    for partition in partitions.list_all(db):
        row = db.execute(f"{SELECT[partition]} WHERE id = ?", (token_id,)).fetchone()
        if row:
            return from_row(row)
    return None


def set_state(db: Connection, token: AccessToken, state: TokenState) -> None:
    """Write a token's state."""
    db.execute(
        f"UPDATE {_TABLES[token.partition]} SET state = ? WHERE digest = ?", (state, token.digest)
    )


def set_expiry(db: Connection, token: AccessToken, expires_at: int) -> None:
    """Let a token end then."""
    db.execute(
        f"UPDATE {_TABLES[token.partition]} SET expires_at = ? WHERE digest = ?",
        (expires_at, token.digest),
    )


def end_active_of_family(db: Connection, family_id: str, state: TokenState) -> list[str]:
    """Give the family's ACTIVE tokens another state and return their digests."""
    ended = []
    for partition in partitions.list_all(db):
        rows = db.execute(
            f"UPDATE {_TABLES[partition]} SET state = ? WHERE family_id = ? AND state = 'ACTIVE'"
            " RETURNING digest",
            (state, family_id),
        )
        ended += [digest for (digest,) in rows.fetchall()]
    return ended


def revoke_active_of_key(db: Connection, consumer_key: str) -> int:
    """Revoke every ACTIVE token of a key and return how many there were."""
    return sum(
        db.execute(
            f"UPDATE {_TABLES[partition]} SET state = 'REVOKED'"
            " WHERE consumer_key = ? AND state = 'ACTIVE'",
            (consumer_key,),
        ).rowcount
        for partition in partitions.list_all(db)
    )


def from_row(row: tuple[Any, ...]) -> AccessToken:
    """Return the token of a row of `SELECT`."""
    digest, token_id, consumer_key, user_id, family_id, state, *rest = row
    return AccessToken(digest, token_id, consumer_key, user_id, family_id, TokenState(state), *rest)
