"""The table ``application``. Lists are kept as text, with spaces between: none holds a space."""

from sqlite3 import Connection
from typing import Any

from apimctl.domain.models import Application, GrantType, TokenFormat
from apimctl.tables import likeness

_OWNER = (
    "CASE userstore WHEN 'PRIMARY' THEN user_account.name"
    " ELSE userstore || '/' || user_account.name END"
)
_FROM = "FROM application JOIN user_account ON user_account.id = owner_id"
COLUMNS = (
    f"application.id, application.name, owner_id, {_OWNER},"
    " tier, description, application.created_at, callback_urls, grants, token_format, is_public"
)
"""Of an application joined with its owner, as `from_row` reads them."""

_SELECT = f"SELECT {COLUMNS} {_FROM}"
_FOUND = (
    f"{_FROM} WHERE lower(application.name) {likeness.CLAUSE} OR lower({_OWNER}) {likeness.CLAUSE}"
)
_COUNTS = (
    "(SELECT count(*) FROM subscription WHERE application_id = application.id),"
    " (SELECT count(*) FROM application_key WHERE application_id = application.id)"
)

_FIND_TOKEN_FORMAT = "SELECT token_format FROM application WHERE id = ?"  # noqa: S105 - a query


def insert(db: Connection, application: Application) -> None:
    """Add an application whose name is free for its owner."""
    db.execute(
        "INSERT INTO application (id, name, owner_id, tier, description, created_at,"
        " callback_urls, grants, token_format, is_public)"
        " VALUES (:id, :name, :owner_id, :tier, :description, :created_at,"
        " :callback_urls, :grants, :token_format, :is_public)",
        _values(application),
    )


def update(db: Connection, application: Application) -> None:
    """Write what can be changed of the application: all but its owner."""
    db.execute(
        "UPDATE application SET name = :name, tier = :tier, description = :description,"
        " callback_urls = :callback_urls, grants = :grants, token_format = :token_format,"
        " is_public = :is_public WHERE id = :id",
        _values(application),
    )


def list_all(db: Connection) -> list[Application]:
    """Return all applications by name and owner."""
    rows = db.execute(f"{_SELECT} ORDER BY application.name, user_account.name")
    return [from_row(row) for row in rows]


def list_found(
    db: Connection, *, search: str, limit: int, offset: int
) -> list[tuple[Application, int, int]]:
    """Return the applications in whose name or owner's name a text is found, by name and owner.

    Each comes with how many subscriptions and how many keys it has.
    """
    rows = db.execute(
        f"SELECT {COLUMNS}, {_COUNTS} {_FOUND} ORDER BY application.name, user_account.name"
        " LIMIT :limit OFFSET :offset",
        {"pattern": likeness.containing(search), "limit": limit, "offset": offset},
    )
    return [(from_row(row[:-2]), row[-2], row[-1]) for row in rows]


def count_found(db: Connection, *, search: str) -> int:
    """Return how many applications `list_found` has."""
    (count,) = db.execute(
        f"SELECT count(*) {_FOUND}", {"pattern": likeness.containing(search)}
    ).fetchone()
    return int(count)


def list_owned(db: Connection, owner_id: str) -> list[Application]:
    """Return a user's applications by name."""
    rows = db.execute(f"{_SELECT} WHERE owner_id = ? ORDER BY application.name", (owner_id,))
    return [from_row(row) for row in rows]


def list_named(db: Connection, name: str) -> list[Application]:
    """Return the applications of that name, one per owner."""
    rows = db.execute(f"{_SELECT} WHERE application.name = ? ORDER BY user_account.name", (name,))
    return [from_row(row) for row in rows]


def find(db: Connection, application_id: str) -> Application | None:
    """Return an application, None where there is none of that id."""
    row = db.execute(f"{_SELECT} WHERE application.id = ?", (application_id,)).fetchone()
    return from_row(row) if row else None


def find_tier(db: Connection, application_id: str) -> str | None:
    """Return the name of the application's tier, None where there is no such application."""
    row = db.execute("SELECT tier FROM application WHERE id = ?", (application_id,)).fetchone()
    return str(row[0]) if row else None


def find_token_format(db: Connection, application_id: str) -> TokenFormat | None:
    """Return what the application's access tokens look like, None if there is none of that id."""
    row = db.execute(_FIND_TOKEN_FORMAT, (application_id,)).fetchone()
    return TokenFormat(row[0]) if row else None


def count_owned(db: Connection, owner_id: str) -> int:
    """Return how many applications a user owns."""
    (count,) = db.execute(
        "SELECT count(*) FROM application WHERE owner_id = ?", (owner_id,)
    ).fetchone()
    return int(count)


def delete(db: Connection, application_id: str) -> None:
    """Remove an application, with its subscriptions, keys and tokens."""
    db.execute("DELETE FROM application WHERE id = ?", (application_id,))


def _values(application: Application) -> dict[str, Any]:
    grants = application.grants
    return {
        "id": application.id,
        "name": application.name,
        "owner_id": application.owner_id,
        "tier": application.tier,
        "description": application.description,
        "created_at": application.created_at,
        "callback_urls": " ".join(application.callback_urls) or None,
        "grants": None if grants is None else " ".join(sorted(grants)),
        "token_format": application.token_format,
        "is_public": application.is_public,
    }


def from_row(row: tuple[Any, ...]) -> Application:
    """Return the application that a row of `COLUMNS` holds."""
    application_id, name, owner_id, owner, tier, description, created_at = row[:7]
    callback_urls, grants, token_format, is_public = row[7:]
    return Application(
        application_id,
        name,
        owner_id,
        owner,
        tier,
        description,
        created_at,
        callback_urls=tuple((callback_urls or "").split()),
        grants=None if grants is None else frozenset(GrantType(name) for name in grants.split()),
        token_format=TokenFormat(token_format),
        is_public=bool(is_public),
    )
