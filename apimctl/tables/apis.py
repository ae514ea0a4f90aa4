"""The tables ``api``, ``api_tier`` and ``api_cors``: a row where an API lists origins."""

from collections.abc import Iterable
from sqlite3 import Connection
from typing import Any, NamedTuple

from apimctl.domain.models import Api, ApiState

_COLUMNS = (
    "id, name, version, context, state, blocked_from, is_default_version, production_url,"
    " sandbox_url, description, created_at"
)
_STATES = {str(state): state for state in ApiState}
_SELECT = f"SELECT {_COLUMNS}, origins, has_credentials FROM api LEFT JOIN api_cors ON api_id = id"
_SUBSCRIBED = "(SELECT api_id FROM subscription WHERE application_id = ?)"


class Listed(NamedTuple):
    """What a list says of an API: with a thousand of them, the rest would be most of the work."""

    name: str
    version: str
    context: str
    description: str
    state: ApiState
    is_default_version: bool


def insert(db: Connection, api: Api) -> None:
    """Add an API whose name and version are free, its tiers and its origins."""
    db.execute(
        f"INSERT INTO api ({_COLUMNS}) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
        (
            api.id,
            api.name,
            api.version,
            api.context,
            api.state,
            api.blocked_from,
            int(api.is_default_version),
            api.production_url,
            api.sandbox_url,
            api.description,
            api.created_at,
        ),
    )
    _insert_tiers(db, api.id, api.tiers)
    _insert_cors(db, api)


def update(db: Connection, api: Api) -> None:
    """Write everything of the API but its name, version and context."""
    db.execute(
        "UPDATE api SET state = ?, blocked_from = ?, is_default_version = ?, production_url = ?,"
        " sandbox_url = ?, description = ? WHERE id = ?",
        (
            api.state,
            api.blocked_from,
            int(api.is_default_version),
            api.production_url,
            api.sandbox_url,
            api.description,
            api.id,
        ),
    )
    db.execute("DELETE FROM api_tier WHERE api_id = ?", (api.id,))
    _insert_tiers(db, api.id, api.tiers)
    db.execute("DELETE FROM api_cors WHERE api_id = ?", (api.id,))
    _insert_cors(db, api)


def clear_default_version(db: Connection, name: str) -> None:
    """Mark no version of the API of that name as the default one."""
    db.execute("UPDATE api SET is_default_version = 0 WHERE name = ?", (name,))


def list_all(db: Connection) -> list[Api]:
    """Return all APIs by name, the oldest version first."""
    rows = db.execute(f"{_SELECT} ORDER BY name, created_at, version")
    tiers = _tiers_by_api(db)
    return [_api(row, tiers.get(row[0], ())) for row in rows]


def list_briefly(db: Connection) -> list[Listed]:
    """Return what there is to say in a list, in the order of `list_all`."""
    rows = db.execute(
        "SELECT name, version, context, description, state, is_default_version FROM api"
        " ORDER BY name, created_at, version"
    )
    return [
        Listed(name, version, context, description, _STATES[state], bool(is_default))
        for name, version, context, description, state, is_default in rows
    ]


def list_named(db: Connection, name: str) -> list[Api]:
    """Return the versions of the API of that name, the oldest first."""
    rows = db.execute(f"{_SELECT} WHERE name = ? ORDER BY created_at, version", (name,))
    tiers = _tiers_by_api(db, "WHERE api_id IN (SELECT id FROM api WHERE name = ?)", (name,))
    return [_api(row, tiers.get(row[0], ())) for row in rows]


def list_subscribed(db: Connection, application_id: str) -> list[Api]:
    """Return the APIs that an application has subscribed to, in the order of `list_all`."""
    values = (application_id,)
    rows = db.execute(
        f"{_SELECT} WHERE id IN {_SUBSCRIBED} ORDER BY name, created_at, version", values
    )
    tiers = _tiers_by_api(db, f"WHERE api_id IN {_SUBSCRIBED}", values)
    return [_api(row, tiers.get(row[0], ())) for row in rows]


def delete(db: Connection, api_id: str) -> None:
    """Remove an API, with its subscriptions."""
    db.execute("DELETE FROM api WHERE id = ?", (api_id,))


def _insert_tiers(db: Connection, api_id: str, tiers: Iterable[str]) -> None:
    db.executemany(
        "INSERT INTO api_tier (api_id, position, tier) VALUES (?, ?, ?)",
        [(api_id, position, tier) for position, tier in enumerate(tiers)],
    )


def _insert_cors(db: Connection, api: Api) -> None:
    if api.cors_origins:
        db.execute(
            "INSERT INTO api_cors (api_id, origins, has_credentials) VALUES (?, ?, ?)",
            (api.id, ",".join(api.cors_origins), int(api.cors_credentials)),
        )


def _tiers_by_api(
    db: Connection, where: str = "", values: tuple[str, ...] = ()
) -> dict[str, tuple[str, ...]]:
    tiers: dict[str, tuple[str, ...]] = {}
    rows = db.execute(
        f"SELECT api_id, tier FROM api_tier {where} ORDER BY api_id, position", values
    )
    for api_id, tier in rows:
        tiers[api_id] = (*tiers.get(api_id, ()), tier)
    return tiers


def _api(row: tuple[Any, ...], tiers: tuple[str, ...]) -> Api:
    api_id, name, version, context, state, blocked_from, is_default, *rest = row
    production_url, sandbox_url, description, created_at, origins, has_credentials = rest
    return Api(
        id=api_id,
        name=name,
        version=version,
        context=context,
        state=ApiState(state),
        is_default_version=bool(is_default),
        production_url=production_url,
        sandbox_url=sandbox_url,
        description=description,
        created_at=created_at,
        tiers=tiers,
        blocked_from=ApiState(blocked_from) if blocked_from else None,
        cors_origins=tuple(origins.split(",")) if origins else (),
        cors_credentials=bool(has_credentials),
    )
