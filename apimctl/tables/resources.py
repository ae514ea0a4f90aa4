"""The table ``api_resource``. Methods are kept in order, so that they are a key.

Scopes are kept as text, with spaces between: none holds a space.
"""

from collections.abc import Iterable
from sqlite3 import Connection

from apimctl.domain.models import AuthType, Resource

_COLUMNS = "pattern, methods, auth_type, tier, scopes"


def insert(db: Connection, api_id: str, resource: Resource) -> None:
    """Add a resource whose methods and pattern the API does not have."""
    db.execute(
        f"INSERT INTO api_resource (api_id, {_COLUMNS}) VALUES (?, ?, ?, ?, ?, ?)",
        (
            api_id,
            resource.pattern,
            _joined(resource.methods),
            resource.auth_type,
            resource.tier,
            " ".join(resource.scopes),
        ),
    )


def update(db: Connection, api_id: str, resource: Resource) -> None:
    """Write what the resource with these methods and this pattern asks for."""
    db.execute(
        "UPDATE api_resource SET auth_type = ?, tier = ?, scopes = ?"
        " WHERE api_id = ? AND pattern = ? AND methods = ?",
        (
            resource.auth_type,
            resource.tier,
            " ".join(resource.scopes),
            api_id,
            resource.pattern,
            _joined(resource.methods),
        ),
    )


def delete(db: Connection, api_id: str, resource: Resource) -> None:
    """Remove the resource with these methods and this pattern."""
    db.execute(
        "DELETE FROM api_resource WHERE api_id = ? AND pattern = ? AND methods = ?",
        (api_id, resource.pattern, _joined(resource.methods)),
    )


def list_of_api(db: Connection, api_id: str) -> list[Resource]:
    """Return the resources that the API declares, by pattern."""
    rows = db.execute(
        f"SELECT {_COLUMNS} FROM api_resource WHERE api_id = ? ORDER BY pattern, methods",
        (api_id,),
    )
    return [_resource(*row) for row in rows]


def list_by_api(db: Connection) -> dict[str, list[Resource]]:
    """Return the resources of every API that declares any, by the API's id."""
    found: dict[str, list[Resource]] = {}
    for api_id, *row in db.execute(
        f"SELECT api_id, {_COLUMNS} FROM api_resource ORDER BY api_id, pattern, methods"
    ):
        found.setdefault(api_id, []).append(_resource(*row))
    return found


def _joined(methods: Iterable[str]) -> str:
    return ",".join(sorted(methods))


def _resource(pattern: str, methods: str, auth_type: str, tier: str, scopes: str) -> Resource:
    return Resource(
        frozenset(methods.split(",")), pattern, AuthType(auth_type), tier, tuple(scopes.split())
    )
