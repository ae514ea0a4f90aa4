"""What a subscriber sees of what is theirs: a few queries, however much there is."""

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from sqlite3 import Connection

from apimctl.domain.models import (
    AccessToken,
    Api,
    Application,
    ConsumerSecret,
    Key,
    KeyType,
    Subscription,
    User,
)
from apimctl.errors import NotFoundError
from apimctl.tables import access_tokens, apis, applications, keys, subscriptions


@dataclass(frozen=True, slots=True)
class Summary:
    """An application in a list: which keys it has, and how many subscriptions."""

    application: Application
    key_types: frozenset[KeyType]
    subscriptions: int


@dataclass(frozen=True, slots=True)
class Extent:
    """What belongs to an application, and goes with it."""

    keys: Sequence[Key]
    subscriptions: Sequence[Subscription]


@dataclass(frozen=True, slots=True)
class KeyState:
    """A key as it is now: its secrets that are valid, and the token it would re-generate."""

    key: Key
    secrets: Sequence[ConsumerSecret]
    token: AccessToken | None


def list_summaries(db: Connection, owner: User) -> list[Summary]:
    """Return a user's applications by name."""
    key_types: dict[str, set[KeyType]] = defaultdict(set)
    for key in keys.list_owned(db, owner.id):
        key_types[key.application_id].add(key.key_type)
    counts = subscriptions.count_owned(db, owner.id)
    return [
        Summary(found, frozenset(key_types[found.id]), counts.get(found.id, 0))
        for found in applications.list_owned(db, owner.id)
    ]


def require_application(db: Connection, application_id: str, *, owner: User | None) -> Application:
    """Return an application of that user, of anybody for None.

    Raises NotFoundError, for another's as for one that is not there.
    """
    application = applications.find(db, application_id)
    if application is None or (owner is not None and application.owner_id != owner.id):
        raise NotFoundError(
            "There is no such application", hint="It may have been deleted, or be another user's."
        )
    return application


def extent_of(db: Connection, application: Application) -> Extent:
    """Return the keys and subscriptions of an application."""
    return Extent(
        keys.list_of_application(db, application.id),
        subscriptions.list_of_application(db, application.id),
    )


def list_subscribed(db: Connection, application: Application) -> list[tuple[Subscription, Api]]:
    """Return the subscriptions of an application, by API."""
    by_id = {
        subscription.api_id: subscription
        for subscription in subscriptions.list_of_application(db, application.id)
    }
    return [(by_id[api.id], api) for api in apis.list_all(db) if api.id in by_id]


def key_states(db: Connection, application: Application, *, now: int) -> dict[KeyType, KeyState]:
    """Return the application's keys as they are."""
    return {
        key.key_type: KeyState(
            key,
            keys.list_secrets(db, key.consumer_key, now=now),
            access_tokens.get(db, key.current_token_id) if key.current_token_id else None,
        )
        for key in keys.list_of_application(db, application.id)
    }
