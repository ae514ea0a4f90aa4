"""The table ``user_account``."""

from sqlite3 import Connection

from apimctl.domain.models import User

_COLUMNS = "id, name, userstore, password_hash, created_at"


def insert(db: Connection, user: User) -> None:
    """Add a user whose name is free in its user store."""
    db.execute(
        f"INSERT INTO user_account ({_COLUMNS}) VALUES (?, ?, ?, ?, ?)",
        (user.id, user.name, user.userstore, user.password_hash, user.created_at),
    )


def find(db: Connection, name: str, *, userstore: str) -> User | None:
    """Return the user of that name in that user store."""
    row = db.execute(
        f"SELECT {_COLUMNS} FROM user_account WHERE userstore = ? AND name = ?", (userstore, name)
    ).fetchone()
    return User(*row) if row else None


def get(db: Connection, user_id: str) -> User | None:
    """Return the user with that id."""
    row = db.execute(f"SELECT {_COLUMNS} FROM user_account WHERE id = ?", (user_id,)).fetchone()
    return User(*row) if row else None


def list_all(db: Connection) -> list[User]:
    """Return all users by user store and name."""
    rows = db.execute(f"SELECT {_COLUMNS} FROM user_account ORDER BY userstore, name")
    return [User(*row) for row in rows]


def list_of(db: Connection, userstore: str) -> list[User]:
    """Return the users of a user store by name."""
    rows = db.execute(
        f"SELECT {_COLUMNS} FROM user_account WHERE userstore = ? ORDER BY name", (userstore,)
    )
    return [User(*row) for row in rows]


def count_of(db: Connection, userstore: str) -> int:
    """Return how many users a user store has here."""
    (count,) = db.execute(
        "SELECT count(*) FROM user_account WHERE userstore = ?", (userstore,)
    ).fetchone()
    return int(count)


def has_password(db: Connection) -> bool:
    """Return whether any user has a password here."""
    return (
        db.execute("SELECT 1 FROM user_account WHERE password_hash IS NOT NULL LIMIT 1").fetchone()
        is not None
    )


def rename(db: Connection, user_id: str, name: str) -> None:
    """Give the user another name."""
    db.execute("UPDATE user_account SET name = ? WHERE id = ?", (name, user_id))


def set_password_hash(db: Connection, user_id: str, password_hash: str) -> None:
    """Replace the user's password hash."""
    db.execute("UPDATE user_account SET password_hash = ? WHERE id = ?", (password_hash, user_id))


def delete(db: Connection, user_id: str) -> None:
    """Remove a user who owns no application, with the user's tokens."""
    db.execute("DELETE FROM user_account WHERE id = ?", (user_id,))
