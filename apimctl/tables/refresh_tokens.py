"""The table ``refresh_token``."""

from sqlite3 import Connection

from apimctl.domain.models import RefreshToken, TokenState

_COLUMNS = "digest, family_id, consumer_key, user_id, state, scope, hint, issued_at, expires_at"


def insert(db: Connection, token: RefreshToken) -> None:
    """Add a token."""
    db.execute(
        f"INSERT INTO refresh_token ({_COLUMNS}) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)",
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


def find(db: Connection, digest: str) -> RefreshToken | None:
    """Return the token with that digest."""
    row = db.execute(f"SELECT {_COLUMNS} FROM refresh_token WHERE digest = ?", (digest,)).fetchone()
    if row is None:
        return None
    found, family_id, consumer_key, user_id, state, *rest = row
    return RefreshToken(found, family_id, consumer_key, user_id, TokenState(state), *rest)


def end_active_of_family(db: Connection, family_id: str, state: TokenState) -> None:
    """Give the family's ACTIVE tokens another state."""
    db.execute(
        "UPDATE refresh_token SET state = ? WHERE family_id = ? AND state = 'ACTIVE'",
        (state, family_id),
    )


def revoke_active_of_key(db: Connection, consumer_key: str) -> None:
    """Revoke every ACTIVE token of a key."""
    db.execute(
        "UPDATE refresh_token SET state = 'REVOKED' WHERE consumer_key = ? AND state = 'ACTIVE'",
        (consumer_key,),
    )
