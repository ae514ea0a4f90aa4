"""The table ``authorization_code``."""

from sqlite3 import Connection
from typing import Any

from apimctl.domain.models import AuthorizationCode

_COLUMNS = (
    "digest, consumer_key, user_id, family_id, redirect_uri, code_challenge, scope, is_spent,"
    " issued_at, expires_at"
)


def insert(db: Connection, code: AuthorizationCode) -> None:
    """Add a code."""
    db.execute(
        f"INSERT INTO authorization_code ({_COLUMNS}) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
        (
            code.digest,
            code.consumer_key,
            code.user_id,
            code.family_id,
            code.redirect_uri,
            code.code_challenge,
            code.scope,
            code.is_spent,
            code.issued_at,
            code.expires_at,
        ),
    )


def find(db: Connection, digest: str) -> AuthorizationCode | None:
    """Return the code with that digest."""
    row = db.execute(
        f"SELECT {_COLUMNS} FROM authorization_code WHERE digest = ?", (digest,)
    ).fetchone()
    return _code(row) if row else None


def spend(db: Connection, digest: str) -> None:
    """Note that a code was used."""
    db.execute("UPDATE authorization_code SET is_spent = 1 WHERE digest = ?", (digest,))


def _code(row: tuple[Any, ...]) -> AuthorizationCode:
    digest, consumer_key, user_id, family_id, redirect_uri, code_challenge, scope, *rest = row
    is_spent, issued_at, expires_at = rest
    return AuthorizationCode(
        digest,
        consumer_key,
        user_id,
        family_id,
        redirect_uri,
        code_challenge,
        scope,
        is_spent=bool(is_spent),
        issued_at=issued_at,
        expires_at=expires_at,
    )
