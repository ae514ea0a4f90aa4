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


def list_of_application(db: Connection, application_id: str) -> list[Subscription]:
    """Return the subscriptions of an application, the oldest first."""
    rows = db.execute(
        f"SELECT {_COLUMNS} FROM subscription WHERE application_id = ? ORDER BY created_at, id",
        (application_id,),
    )
    return [_subscription(row) for row in rows]


def list_owned(db: Connection, owner_id: str, api_id: str) -> list[Subscription]:
    """Return the subscriptions of a user's applications to an API, the oldest first."""
    rows = db.execute(
        f"SELECT {_COLUMNS} FROM subscription WHERE api_id = ? AND application_id IN"
        " (SELECT id FROM application WHERE owner_id = ?) ORDER BY created_at, id",
        (api_id, owner_id),
    )
    return [_subscription(row) for row in rows]


def count_owned(db: Connection, owner_id: str) -> dict[str, int]:
    """Return how many subscriptions each of a user's applications has, by its id."""
    return dict(
        db.execute(
            "SELECT application_id, count(*) FROM subscription WHERE application_id IN"
            " (SELECT id FROM application WHERE owner_id = ?) GROUP BY application_id",
            (owner_id,),
        )
    )


def count_by_api(db: Connection) -> dict[str, int]:
    """Return how many subscriptions the APIs have that have any, by the API's id."""
    return dict(db.execute("SELECT api_id, count(*) FROM subscription GROUP BY api_id"))


def delete(db: Connection, subscription_id: str) -> None:
    """Remove a subscription."""
    db.execute("DELETE FROM subscription WHERE id = ?", (subscription_id,))


def _subscription(row: tuple[Any, ...]) -> Subscription:
    subscription_id, application_id, api_id, tier, state, created_at = row
    return Subscription(
        subscription_id, application_id, api_id, tier, SubscriptionState(state), created_at
    )
