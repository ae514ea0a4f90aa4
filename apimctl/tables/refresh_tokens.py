"""The table ``refresh_token``, and the one of each partition, as `apimctl.tables.access_tokens`."""

from sqlite3 import Connection

from apimctl.domain.models import RefreshToken, TokenState
from apimctl.tables import partitions

_COLUMNS = "digest, family_id, consumer_key, user_id, state, scope, hint, issued_at, expires_at"
_TABLES = partitions.tables_of("refresh_token")


def insert(db: Connection, token: RefreshToken) -> None:
    """Add a token to its partition, which is there."""
    db.execute(
        f"INSERT INTO {_TABLES[token.partition]} ({_COLUMNS}) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)",
        (
            token.digest,
            token.family_id,
            token.consumer_key,
            token.user_id,
            token.state,
            token.scope,
            token.hint,
            token.issued_at,
            token.expires_at,
        ),
    )


def find(db: Connection, digest: str, *, partition: str) -> RefreshToken | None:
    """Return the token with that digest, if that partition is there and has it."""
    if not partitions.is_there(db, partition):
        return None
    row = db.execute(
        f"SELECT {_COLUMNS}, '{partition}' FROM {_TABLES[partition]} WHERE digest = ?", (digest,)
    ).fetchone()
    if row is None:
        return None
    found, family_id, consumer_key, user_id, state, *rest = row
    return RefreshToken(found, family_id, consumer_key, user_id, TokenState(state), *rest)


def end_active_of_family(db: Connection, family_id: str, state: TokenState) -> None:
    """Give the family's ACTIVE tokens another state."""
    for partition in partitions.list_all(db):
        db.execute(
            f"UPDATE {_TABLES[partition]} SET state = ? WHERE family_id = ? AND state = 'ACTIVE'",
            (state, family_id),
        )


def revoke_active_of_key(db: Connection, consumer_key: str) -> None:
    """Revoke every ACTIVE token of a key."""
    for partition in partitions.list_all(db):
        db.execute(
            f"UPDATE {_TABLES[partition]} SET state = 'REVOKED'"
            " WHERE consumer_key = ? AND state = 'ACTIVE'",
            (consumer_key,),
        )
