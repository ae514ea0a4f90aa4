"""The table ``access_token``."""

from sqlite3 import Connection
from typing import Any

from apimctl.domain.models import AccessToken, TokenState

_COLUMNS = "digest, id, consumer_key, user_id, family_id, state, scope, hint, issued_at, expires_at"
_FIND = f"SELECT {_COLUMNS} FROM access_token WHERE digest = ?"


def insert(db: Connection, token: AccessToken) -> None:
    """Add a token."""
    db.execute(
        f"INSERT INTO access_token ({_COLUMNS}) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
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


def find(db: Connection, digest: str) -> AccessToken | None:
    """Return the token with that digest."""
    row = db.execute(_FIND, (digest,)).fetchone()
    return _token(row) if row else None


def get(db: Connection, token_id: str) -> AccessToken | None:
    """Return the token with that id."""
    row = db.execute(f"SELECT {_COLUMNS} FROM access_token WHERE id = ?", (token_id,)).fetchone()
    return _token(row) if row else None


def set_state(db: Connection, digest: str, state: TokenState) -> None:
    """Write a token's state."""
    db.execute("UPDATE access_token SET state = ? WHERE digest = ?", (state, digest))


def set_expiry(db: Connection, digest: str, expires_at: int) -> None:
    """Let a token end then."""
    db.execute("UPDATE access_token SET expires_at = ? WHERE digest = ?", (expires_at, digest))


def end_active_of_family(db: Connection, family_id: str, state: TokenState) -> list[str]:
    """Give the family's ACTIVE tokens another state and return their digests."""
    rows = db.execute(
        "UPDATE access_token SET state = ? WHERE family_id = ? AND state = 'ACTIVE'"
        " RETURNING digest",
        (state, family_id),
    )
    return [digest for (digest,) in rows.fetchall()]


def revoke_active_of_key(db: Connection, consumer_key: str) -> int:
    """Revoke every ACTIVE token of a key and return how many there were."""
    return db.execute(
        "UPDATE access_token SET state = 'REVOKED' WHERE consumer_key = ? AND state = 'ACTIVE'",
        (consumer_key,),
    ).rowcount


def list_newest(
    db: Connection,
    *,
    consumer_keys: list[str] | None,
    state: TokenState | None,
    now: int,
    limit: int,
) -> list[AccessToken]:
    """Return at most `limit` tokens, the newest first, of these keys (None: of all).

    `state` is the state as a user sees it at `now`: a stored ACTIVE may be EXPIRED.
    """
    conditions, values = ["1 = 1"], list[Any]()
    if consumer_keys is not None:
        conditions.append(f"consumer_key IN ({', '.join('?' * len(consumer_keys))})")
        values += consumer_keys
    if state in {TokenState.ACTIVE, TokenState.EXPIRED}:
        comparison = "IS NULL OR expires_at > ?" if state is TokenState.ACTIVE else "<= ?"
        conditions.append(f"state = 'ACTIVE' AND (expires_at {comparison})")
        values.append(now)
    elif state is not None:
        conditions.append("state = ?")
        values.append(state)
    rows = db.execute(
        f"SELECT {_COLUMNS} FROM access_token WHERE {' AND '.join(conditions)}"
        " ORDER BY issued_at DESC, id LIMIT ?",
        (*values, limit),
    )
    return [_token(row) for row in rows]


def _token(row: tuple[Any, ...]) -> AccessToken:
    digest, token_id, consumer_key, user_id, family_id, state, *rest = row
    return AccessToken(digest, token_id, consumer_key, user_id, family_id, TokenState(state), *rest)
