"""The table ``user_account``."""

from collections.abc import Collection
from sqlite3 import Connection

from apimctl.domain.models import PRIMARY, User
from apimctl.tables import likeness

MOST_AT_ONCE = 500
"""How many are asked for by one statement."""

_COLUMNS = "id, name, userstore, password_hash, created_at"
_FOUND = (
    "FROM user_account WHERE (:userstore IS NULL OR userstore = :userstore)"
    f" AND lower(CASE userstore WHEN '{PRIMARY}' THEN name ELSE userstore || '/' || name END)"
    f" {likeness.CLAUSE}"
)
_OWNED = "(SELECT count(*) FROM application WHERE owner_id = user_account.id)"


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


def get_several(db: Connection, user_ids: Collection[str]) -> dict[str, User]:
    """Return the users with these ids, by id."""
    ids = list(user_ids)
    found: dict[str, User] = {}
    for start in range(0, len(ids), MOST_AT_ONCE):
        some = ids[start : start + MOST_AT_ONCE]
        marks = ", ".join("?" * len(some))
        rows = db.execute(f"SELECT {_COLUMNS} FROM user_account WHERE id IN ({marks})", some)
        found |= {row[0]: User(*row) for row in rows}
    return found


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


def list_found(
    db: Connection, *, search: str, userstore: str | None, limit: int, offset: int
) -> list[tuple[User, int]]:
    """Return the users whose name holds a text, each with how many applications it owns.

    They are sorted by user store and name; None stands for all user stores.
    """
    rows = db.execute(
        f"SELECT {_COLUMNS}, {_OWNED} {_FOUND} ORDER BY userstore, name"
        " LIMIT :limit OFFSET :offset",
        {**_sought(search, userstore), "limit": limit, "offset": offset},
    )
    return [(User(*row[:-1]), row[-1]) for row in rows]


def count_found(db: Connection, *, search: str, userstore: str | None) -> int:
    """Return how many users `list_found` has."""
    (count,) = db.execute(f"SELECT count(*) {_FOUND}", _sought(search, userstore)).fetchone()
    return int(count)


def list_unusual_names(db: Connection, userstore: str) -> list[str]:
    """Return the names in a user store with more than small letters, digits and ``. _ @ + -``."""
    rows = db.execute(
        "SELECT name FROM user_account WHERE userstore = ? AND name GLOB '*[^a-z0-9._@+-]*'",
        (userstore,),
    )
    return [name for (name,) in rows]


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


def _sought(search: str, userstore: str | None) -> dict[str, str | None]:
    return {"pattern": likeness.containing(search), "userstore": userstore}
