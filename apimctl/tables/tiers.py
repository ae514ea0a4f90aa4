"""The table ``tier``."""

from sqlite3 import Connection

from apimctl.domain.models import Tier

_COLUMNS = "name, requests, per_seconds, description, is_built_in"


def insert(db: Connection, tier: Tier) -> None:
    """Add a tier whose name is free."""
    db.execute(
        f"INSERT INTO tier ({_COLUMNS}) VALUES (?, ?, ?, ?, ?)",
        (tier.name, tier.requests, tier.per_seconds, tier.description, int(tier.is_built_in)),
    )


def find(db: Connection, name: str) -> Tier | None:
    """Return the tier of that name."""
    row = db.execute(f"SELECT {_COLUMNS} FROM tier WHERE name = ?", (name,)).fetchone()
    return _tier(*row) if row else None


def list_all(db: Connection) -> list[Tier]:
    """Return all tiers, built-in ones first, the most generous first."""
    rows = db.execute(
        f"SELECT {_COLUMNS} FROM tier ORDER BY is_built_in DESC,"
        " requests IS NOT NULL, 1.0 * requests / per_seconds DESC, name"
    )
    return [_tier(*row) for row in rows]


def update(db: Connection, tier: Tier) -> None:
    """Write the tier's limit and description."""
    db.execute(
        "UPDATE tier SET requests = ?, per_seconds = ?, description = ? WHERE name = ?",
        (tier.requests, tier.per_seconds, tier.description, tier.name),
    )


def delete(db: Connection, name: str) -> None:
    """Remove a tier that nothing uses."""
    db.execute("DELETE FROM tier WHERE name = ?", (name,))


def uses(db: Connection, name: str) -> int:
    """Return how many applications, subscriptions, APIs and resources name the tier."""
    (count,) = db.execute(
        "SELECT (SELECT count(*) FROM application WHERE tier = :name)"
        " + (SELECT count(*) FROM subscription WHERE tier = :name)"
        " + (SELECT count(*) FROM api_tier WHERE tier = :name)"
        " + (SELECT count(*) FROM api_resource WHERE tier = :name)",
        {"name": name},
    ).fetchone()
    return int(count)


def list_uses(db: Connection) -> dict[str, int]:
    """Return how often the tiers are named that are in use, by their name."""
    return dict(
        db.execute(
            "SELECT tier, count(*) FROM"
            " (SELECT tier FROM application UNION ALL SELECT tier FROM subscription"
            " UNION ALL SELECT tier FROM api_tier UNION ALL SELECT tier FROM api_resource)"
            " AS uses GROUP BY tier"
        )
    )


def _tier(
    name: str, requests: int | None, per_seconds: int | None, description: str, is_built_in: int
) -> Tier:
    return Tier(name, requests, per_seconds, description, bool(is_built_in))
