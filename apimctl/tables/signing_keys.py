"""The table ``signing_key``."""

import json
from sqlite3 import Connection
from typing import Any

from apimctl.domain.models import SigningAlgorithm, SigningKey

_COLUMNS = "id, algorithm, public_jwk, sealed_private_jwk, created_at, retired_at, newest_expiry_at"
_FIND_CURRENT = f"""
    SELECT {_COLUMNS} FROM signing_key WHERE retired_at IS NULL ORDER BY created_at DESC, id LIMIT 1
"""


def insert(db: Connection, key: SigningKey) -> None:
    """Add a key."""
    db.execute(
        f"INSERT INTO signing_key ({_COLUMNS}) VALUES (?, ?, ?, ?, ?, ?, ?)",
        (
            key.id,
            key.algorithm,
            json.dumps(key.public_jwk),
            key.sealed_private_jwk,
            key.created_at,
            key.retired_at,
            key.newest_expiry_at,
        ),
    )


def find_current(db: Connection) -> SigningKey | None:
    """Return the key that signs, None if there is none."""
    row = db.execute(_FIND_CURRENT).fetchone()
    return _key(*row) if row else None


def get(db: Connection, key_id: str) -> SigningKey | None:
    """Return the key with that id."""
    row = db.execute(f"SELECT {_COLUMNS} FROM signing_key WHERE id = ?", (key_id,)).fetchone()
    return _key(*row) if row else None


def list_all(db: Connection) -> list[SigningKey]:
    """Return all keys, the one that signs first, then the newest."""
    rows = db.execute(
        f"SELECT {_COLUMNS} FROM signing_key"
        " ORDER BY CASE WHEN retired_at IS NULL THEN 0 ELSE 1 END, created_at DESC, id"
    )
    return [_key(*row) for row in rows]


def extend(db: Connection, key_id: str, *, until: int) -> None:
    """Note that a token of this key lives until then."""
    db.execute(
        "UPDATE signing_key SET newest_expiry_at = ? WHERE id = ? AND newest_expiry_at < ?",
        (until, key_id, until),
    )


def retire(db: Connection, *, at: int) -> None:
    """Let no key sign any more."""
    db.execute("UPDATE signing_key SET retired_at = ? WHERE retired_at IS NULL", (at,))


def delete(db: Connection, key_id: str) -> None:
    """Remove a key."""
    db.execute("DELETE FROM signing_key WHERE id = ?", (key_id,))


def delete_spent(db: Connection, *, now: int) -> None:
    """Remove the retired keys whose tokens are all over."""
    db.execute(
        "DELETE FROM signing_key WHERE retired_at IS NOT NULL AND newest_expiry_at <= ?", (now,)
    )


def _key(*row: Any) -> SigningKey:
    key_id, algorithm, public_jwk, *rest = row
    return SigningKey(key_id, SigningAlgorithm(algorithm), json.loads(public_jwk), *rest)
