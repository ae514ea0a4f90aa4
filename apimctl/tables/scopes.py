"""The table ``api_scope``. Roles are kept as text, with spaces between: none holds a space."""

from sqlite3 import Connection

from apimctl.domain.models import Scope

_COLUMNS = "name, api_name, description, roles, created_at"


def insert(db: Connection, scope: Scope) -> None:
    """Add a scope whose name is free."""
    db.execute(
        f"INSERT INTO api_scope ({_COLUMNS}) VALUES (?, ?, ?, ?, ?)",
        (scope.name, scope.api_name, scope.description, " ".join(scope.roles), scope.created_at),
    )


def update(db: Connection, scope: Scope) -> None:
    """Write the description and the roles of the scope of that name."""
    db.execute(
        "UPDATE api_scope SET description = ?, roles = ? WHERE name = ?",
        (scope.description, " ".join(scope.roles), scope.name),
    )


def find(db: Connection, name: str) -> Scope | None:
    """Return the scope of that name."""
    row = db.execute(f"SELECT {_COLUMNS} FROM api_scope WHERE name = ?", (name,)).fetchone()
    return _scope(*row) if row else None


def list_all(db: Connection) -> list[Scope]:
    """Return all scopes by API and name."""
    rows = db.execute(f"SELECT {_COLUMNS} FROM api_scope ORDER BY api_name, name")
    return [_scope(*row) for row in rows]


def list_of_api(db: Connection, api_name: str) -> list[Scope]:
    """Return the scopes that the API of that name declares, by name."""
    rows = db.execute(
        f"SELECT {_COLUMNS} FROM api_scope WHERE api_name = ? ORDER BY name", (api_name,)
    )
    return [_scope(*row) for row in rows]


def declared_since(db: Connection) -> dict[str, int]:
    """Return since when each scope is declared, by name."""
    return dict(db.execute("SELECT name, created_at FROM api_scope"))


def delete(db: Connection, name: str) -> None:
    """Remove the scope of that name."""
    db.execute("DELETE FROM api_scope WHERE name = ?", (name,))


def delete_of_api(db: Connection, api_name: str) -> None:
    """Remove the scopes that the API of that name declares."""
    db.execute("DELETE FROM api_scope WHERE api_name = ?", (api_name,))


def _scope(name: str, api_name: str, description: str, roles: str, created_at: int) -> Scope:
    return Scope(name, api_name, description, tuple(roles.split()), created_at)
