"""Subscriptions: which application may call which API, at which tier."""

import shlex
from collections.abc import Iterable
from dataclasses import replace
from sqlite3 import Connection

from apimctl.domain.lifecycle import SUBSCRIBABLE
from apimctl.domain.models import (
    UNLIMITED,
    Api,
    Application,
    Subscription,
    SubscriptionState,
    Tier,
)
from apimctl.errors import ConflictError, InvalidInputError, NotFoundError
from apimctl.services import tiers
from apimctl.services.identifiers import RandomBytes, new_id
from apimctl.tables import apis, applications, subscriptions
from apimctl.tables.changes import ChangeKind, announce


def require(db: Connection, application: Application, api: Api) -> Subscription:
    """Return the application's subscription to the API. Raises NotFoundError."""
    subscription = subscriptions.find(db, application.id, api.id)
    if subscription is None:
        raise NotFoundError(
            f"{application.name!r} has not subscribed to {api.reference}",
            hint=f"apimctl subscription create --app {shlex.quote(application.name)}"
            f" --api {shlex.quote(api.reference)}",
        )
    return subscription


def list_whole(db: Connection) -> list[tuple[Subscription, Application, Api]]:
    """Return all subscriptions, the oldest first, each with its application and API."""
    applications_by_id = {found.id: found for found in applications.list_all(db)}
    apis_by_id = {found.id: found for found in apis.list_all(db)}
    return [
        (found, applications_by_id[found.application_id], apis_by_id[found.api_id])
        for found in subscriptions.list_all(db)
    ]


def choose_tier(db: Connection, api: Api, tier: str | None) -> str:
    """Return the tier if the API allows it; for None Unlimited, else the first it allows.

    Raises NotFoundError, InvalidInputError for a tier the API does not allow.
    """
    if tier is None:
        return UNLIMITED if not api.tiers or UNLIMITED in api.tiers else api.tiers[0]
    name = tiers.require(db, tier).name
    if api.tiers and name not in api.tiers:
        raise InvalidInputError(
            f"{api.reference} does not allow the tier {name!r}",
            hint=f"It allows {', '.join(api.tiers)}.",
        )
    return name


def allowed_tiers(api: Api, known: Iterable[Tier]) -> list[Tier]:
    """Return which of the tiers a subscriber may choose, of all that are offered or the API's."""
    if api.tiers:
        return [tier for tier in known if tier.name in api.tiers]
    return [tier for tier in known if tiers.is_offered(tier)]


def create(
    db: Connection,
    application: Application,
    api: Api,
    *,
    tier: str | None,
    now: int,
    random: RandomBytes,
) -> Subscription:
    """Subscribe an application to an API.

    Without a tier it is Unlimited if the API allows that, else the API's first. Raises
    ConflictError for a second subscription and for an API that takes none, InvalidInputError for
    a tier the API does not allow.
    """
    if api.state not in SUBSCRIBABLE:
        raise ConflictError(
            f"{api.reference} is {api.state} and takes no subscriptions",
            hint=f"Publish it first: apimctl api publish {shlex.quote(api.reference)}",
        )
    if subscriptions.find(db, application.id, api.id):
        raise ConflictError(
            f"{application.name!r} has subscribed to {api.reference} already",
            hint="apimctl subscription update changes its tier.",
        )
    subscription = Subscription(
        id=new_id(random),
        application_id=application.id,
        api_id=api.id,
        tier=choose_tier(db, api, tier),
        state=SubscriptionState.UNBLOCKED,
        created_at=now,
    )
    subscriptions.insert(db, subscription)
    announce(db, ChangeKind.SUBSCRIPTIONS, application.id)
    return subscription


def update(db: Connection, application: Application, api: Api, *, tier: str) -> Subscription:
    """Move a subscription to another tier. Raises as `create` and `require`."""
    subscription = replace(require(db, application, api), tier=choose_tier(db, api, tier))
    subscriptions.update(db, subscription)
    announce(db, ChangeKind.SUBSCRIPTIONS, application.id)
    return subscription


def set_state(
    db: Connection, application: Application, api: Api, state: SubscriptionState
) -> Subscription:
    """Block or unblock a subscription. Raises NotFoundError."""
    subscription = replace(require(db, application, api), state=state)
    subscriptions.update(db, subscription)
    announce(db, ChangeKind.SUBSCRIPTIONS, application.id)
    return subscription


def delete(db: Connection, application: Application, api: Api) -> Subscription:
    """End a subscription with the next request. Raises NotFoundError."""
    subscription = require(db, application, api)
    subscriptions.delete(db, subscription.id)
    announce(db, ChangeKind.SUBSCRIPTIONS, application.id)
    return subscription
