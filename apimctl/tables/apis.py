"""The tables ``api`` and ``api_tier``."""

from collections.abc import Iterable
from sqlite3 import Connection
from typing import Any

from apimctl.domain.models import Api, ApiState

_COLUMNS = (
    "id, name, version, context, state, blocked_from, is_default_version, production_url,"
    " sandbox_url, description, created_at"
)


def insert(db: Connection, api: Api) -> None:
    """Add an API whose name and version are free, and its tiers."""
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


def clear_default_version(db: Connection, name: str) -> None:
    """Mark no version of the API of that name as the default one."""
    db.execute("UPDATE api SET is_default_version = 0 WHERE name = ?", (name,))


def list_all(db: Connection) -> list[Api]:
    """Return all APIs by name, the oldest version first."""
    tiers = _tiers_by_api(db)
    rows = db.execute(f"SELECT {_COLUMNS} FROM api ORDER BY name, created_at, version")
    return [_api(row, tiers.get(row[0], ())) for row in rows]


def list_named(db: Connection, name: str) -> list[Api]:
    """Return the versions of the API of that name, the oldest first."""
    tiers = _tiers_by_api(db)
    rows = db.execute(
        f"SELECT {_COLUMNS} FROM api WHERE name = ? ORDER BY created_at, version", (name,)
    )
    return [_api(row, tiers.get(row[0], ())) for row in rows]


def delete(db: Connection, api_id: str) -> None:
    """Remove an API, with its subscriptions."""
    db.execute("DELETE FROM api WHERE id = ?", (api_id,))


def _insert_tiers(db: Connection, api_id: str, tiers: Iterable[str]) -> None:
    db.executemany(
        "INSERT INTO api_tier (api_id, position, tier) VALUES (?, ?, ?)",
        [(api_id, position, tier) for position, tier in enumerate(tiers)],
    )


def _tiers_by_api(db: Connection) -> dict[str, tuple[str, ...]]:
    tiers: dict[str, tuple[str, ...]] = {}
    for api_id, tier in db.execute("SELECT api_id, tier FROM api_tier ORDER BY api_id, position"):
        tiers[api_id] = (*tiers.get(api_id, ()), tier)
    return tiers


def _api(row: tuple[Any, ...], tiers: tuple[str, ...]) -> Api:
    api_id, name, version, context, state, blocked_from, is_default, *rest = row
    production_url, sandbox_url, description, created_at = rest
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
    )
