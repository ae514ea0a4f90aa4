"""The table ``application``."""

from sqlite3 import Connection

from apimctl.domain.models import Application

_SELECT = (
    "SELECT application.id, application.name, owner_id,"
    " CASE userstore WHEN 'PRIMARY' THEN user_account.name"
    " ELSE userstore || '/' || user_account.name END,"
    " tier, description, callback_url, application.created_at"
    " FROM application JOIN user_account ON user_account.id = owner_id"
)


def insert(db: Connection, application: Application) -> None:
    """Add an application whose name is free for its owner."""
    db.execute(
        "INSERT INTO application"
        " (id, name, owner_id, tier, description, callback_url, created_at)"
        " VALUES (?, ?, ?, ?, ?, ?, ?)",
        (
            application.id,
            application.name,
            application.owner_id,
            application.tier,
            application.description,
            application.callback_url,
            application.created_at,
        ),
    )


def update(db: Connection, application: Application) -> None:
    """Write the application's name, tier, description and callback URL."""
    db.execute(
        "UPDATE application SET name = ?, tier = ?, description = ?, callback_url = ? WHERE id = ?",
        (
            application.name,
            application.tier,
            application.description,
            application.callback_url,
            application.id,
        ),
    )


def list_all(db: Connection) -> list[Application]:
    """Return all applications by name and owner."""
    rows = db.execute(f"{_SELECT} ORDER BY application.name, user_account.name")
    return [Application(*row) for row in rows]


def list_named(db: Connection, name: str) -> list[Application]:
    """Return the applications of that name, one per owner."""
    rows = db.execute(f"{_SELECT} WHERE application.name = ? ORDER BY user_account.name", (name,))
    return [Application(*row) for row in rows]


def find(db: Connection, application_id: str) -> Application | None:
    """Return an application, None where there is none of that id."""
    row = db.execute(f"{_SELECT} WHERE application.id = ?", (application_id,)).fetchone()
    return Application(*row) if row else None


def find_tier(db: Connection, application_id: str) -> str | None:
    """Return the name of the application's tier, None where there is no such application."""
    row = db.execute("SELECT tier FROM application WHERE id = ?", (application_id,)).fetchone()
    return str(row[0]) if row else None


def count_owned(db: Connection, owner_id: str) -> int:
    """Return how many applications a user owns."""
    (count,) = db.execute(
        "SELECT count(*) FROM application WHERE owner_id = ?", (owner_id,)
    ).fetchone()
    return int(count)


def delete(db: Connection, application_id: str) -> None:
    """Remove an application, with its subscriptions, keys and tokens."""
    db.execute("DELETE FROM application WHERE id = ?", (application_id,))
