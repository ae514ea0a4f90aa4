"""The tables ``application_key`` and ``consumer_secret``."""

import json
from sqlite3 import Connection
from typing import Any

from apimctl.domain.models import ConsumerSecret, Key, KeyType

_COLUMNS = (
    "consumer_key, application_id, key_type, allowed_domains, validity_seconds,"
    " current_token_id, created_at"
)
_COLUMNS_OF_SECRET = "digest, consumer_key, hint, created_at, expires_at"  # noqa: S105 - columns


def insert(db: Connection, key: Key) -> None:
    """Add the key of an application that has none of this key type."""
    db.execute(
        f"INSERT INTO application_key ({_COLUMNS}) VALUES (?, ?, ?, ?, ?, ?, ?)",
        (
            key.consumer_key,
            key.application_id,
            key.key_type,
            json.dumps(key.allowed_domains),
            key.validity_seconds,
            key.current_token_id,
            key.created_at,
        ),
    )


def update(db: Connection, key: Key) -> None:
    """Write the key's allowed domains, validity and current token."""
    db.execute(
        "UPDATE application_key SET allowed_domains = ?, validity_seconds = ?,"
        " current_token_id = ? WHERE consumer_key = ?",
        (
            json.dumps(key.allowed_domains),
            key.validity_seconds,
            key.current_token_id,
            key.consumer_key,
        ),
    )


def get(db: Connection, consumer_key: str) -> Key | None:
    """Return the key with that consumer key."""
    row = db.execute(
        f"SELECT {_COLUMNS} FROM application_key WHERE consumer_key = ?", (consumer_key,)
    ).fetchone()
    return from_row(row) if row else None


def list_all(db: Connection) -> list[Key]:
    """Return all keys, the oldest first."""
    rows = db.execute(f"SELECT {_COLUMNS} FROM application_key ORDER BY created_at, consumer_key")
    return [from_row(row) for row in rows]


def list_of_application(db: Connection, application_id: str) -> list[Key]:
    """Return the application's keys, production before sandbox."""
    rows = db.execute(
        f"SELECT {_COLUMNS} FROM application_key WHERE application_id = ? ORDER BY key_type",
        (application_id,),
    )
    return [from_row(row) for row in rows]


def list_owned(db: Connection, owner_id: str) -> list[Key]:
    """Return the keys of a user's applications, production before sandbox."""
    rows = db.execute(
        f"SELECT {_COLUMNS} FROM application_key WHERE application_id IN"
        " (SELECT id FROM application WHERE owner_id = ?) ORDER BY application_id, key_type",
        (owner_id,),
    )
    return [from_row(row) for row in rows]


def list_secrets(db: Connection, consumer_key: str, *, now: int) -> list[ConsumerSecret]:
    """Return the secrets of a key that are valid by then, the newest first."""
    rows = db.execute(
        f"SELECT {_COLUMNS_OF_SECRET} FROM consumer_secret WHERE consumer_key = ?"
        " AND (expires_at IS NULL OR expires_at > ?) ORDER BY created_at DESC, expires_at",
        (consumer_key, now),
    )
    return [ConsumerSecret(*row) for row in rows]


def delete(db: Connection, consumer_key: str) -> None:
    """Remove a key, with its secrets and tokens."""
    db.execute("DELETE FROM application_key WHERE consumer_key = ?", (consumer_key,))


def has_had_secret(db: Connection, consumer_key: str, digest: str) -> bool:
    """Return whether the digest is that of a secret of the key, ended or not."""
    row = db.execute(
        "SELECT 1 FROM consumer_secret WHERE digest = ? AND consumer_key = ?",
        (digest, consumer_key),
    ).fetchone()
    return row is not None


def insert_secret(db: Connection, secret: ConsumerSecret) -> None:
    """Add a secret to a key."""
    db.execute(
        f"INSERT INTO consumer_secret ({_COLUMNS_OF_SECRET}) VALUES (?, ?, ?, ?, ?)",
        (secret.digest, secret.consumer_key, secret.hint, secret.created_at, secret.expires_at),
    )


def end_secrets(db: Connection, consumer_key: str, *, expires_at: int) -> None:
    """Let all secrets of a key end then, unless they end sooner."""
    db.execute(
        "UPDATE consumer_secret SET expires_at = :expires_at WHERE consumer_key = :consumer_key"
        " AND (expires_at IS NULL OR expires_at > :expires_at)",
        {"consumer_key": consumer_key, "expires_at": expires_at},
    )


def delete_secrets_of_application(db: Connection, application_id: str) -> None:
    """Remove all secrets of all keys of an application."""
    db.execute(
        "DELETE FROM consumer_secret WHERE consumer_key IN"
        " (SELECT consumer_key FROM application_key WHERE application_id = ?)",
        (application_id,),
    )


def delete_secrets_ended(db: Connection, consumer_key: str, *, now: int) -> None:
    """Remove the secrets of a key whose time was over by then."""
    db.execute(
        "DELETE FROM consumer_secret WHERE consumer_key = ? AND expires_at <= ?",
        (consumer_key, now),
    )


def from_row(row: tuple[Any, ...]) -> Key:
    """Return the key that a row of all columns holds."""
    consumer_key, application_id, key_type, allowed_domains, *rest = row
    return Key(
        consumer_key,
        application_id,
        KeyType(key_type),
        () if allowed_domains == "[]" else tuple(json.loads(allowed_domains)),
        *rest,
    )
