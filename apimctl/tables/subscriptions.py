"""The table ``subscription``."""

from sqlite3 import Connection
from typing import Any

from apimctl.domain.models import Subscription, SubscriptionState

_COLUMNS = "id, application_id, api_id, tier, state, created_at"


def insert(db: Connection, subscription: Subscription) -> None:
    """Add a subscription of an application that has none to the API."""
    db.execute(
        f"INSERT INTO subscription ({_COLUMNS}) VALUES (?, ?, ?, ?, ?, ?)",
        (
            subscription.id,
            subscription.application_id,
            subscription.api_id,
            subscription.tier,
            subscription.state,
            subscription.created_at,
        ),
    )


def update(db: Connection, subscription: Subscription) -> None:
    """Write the subscription's tier and state."""
    db.execute(
        "UPDATE subscription SET tier = ?, state = ? WHERE id = ?",
        (subscription.tier, subscription.state, subscription.id),
    )


def find(db: Connection, application_id: str, api_id: str) -> Subscription | None:
    """Return the application's subscription to the API."""
    row = db.execute(
        f"SELECT {_COLUMNS} FROM subscription WHERE application_id = ? AND api_id = ?",
        (application_id, api_id),
    ).fetchone()
    return _subscription(row) if row else None


def list_all(db: Connection) -> list[Subscription]:
    """Return all subscriptions, the oldest first."""
    rows = db.execute(f"SELECT {_COLUMNS} FROM subscription ORDER BY created_at, id")
    return [_subscription(row) for row in rows]


def delete(db: Connection, subscription_id: str) -> None:
    """Remove a subscription."""
    db.execute("DELETE FROM subscription WHERE id = ?", (subscription_id,))


def _subscription(row: tuple[Any, ...]) -> Subscription:
    subscription_id, application_id, api_id, tier, state, created_at = row
    return Subscription(
        subscription_id, application_id, api_id, tier, SubscriptionState(state), created_at
    )
