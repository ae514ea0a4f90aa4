"""The table ``user_role``."""

from collections.abc import Iterable, Sequence
from sqlite3 import Connection


def replace(db: Connection, user_id: str, roles: Iterable[str]) -> None:
    """Give a user these roles and no others."""
    db.execute("DELETE FROM user_role WHERE user_id = ?", (user_id,))
    db.executemany(
        "INSERT INTO user_role (user_id, role) VALUES (?, ?)",
        [(user_id, role) for role in sorted(set(roles))],
    )


def list_of(db: Connection, user_id: str) -> tuple[str, ...]:
    """Return a user's roles, by name."""
    rows = db.execute("SELECT role FROM user_role WHERE user_id = ? ORDER BY role", (user_id,))
    return tuple(role for (role,) in rows)


def list_by_user(db: Connection) -> dict[str, tuple[str, ...]]:
    """Return the roles of all users who have any, by the user's id."""
    return _by_user(db.execute("SELECT user_id, role FROM user_role ORDER BY user_id, role"))


def list_of_users(db: Connection, user_ids: Sequence[str]) -> dict[str, tuple[str, ...]]:
    """Return the roles of those of some users who have any, by the user's id."""
    places = ", ".join("?" * len(user_ids))
    rows = db.execute(
        f"SELECT user_id, role FROM user_role WHERE user_id IN ({places}) ORDER BY user_id, role",
        user_ids,
    )
    return _by_user(rows)


def _by_user(rows: Iterable[tuple[str, str]]) -> dict[str, tuple[str, ...]]:
    found: dict[str, tuple[str, ...]] = {}
    for user_id, role in rows:
        found[user_id] = (*found.get(user_id, ()), role)
    return found
