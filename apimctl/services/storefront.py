"""What a subscriber sees of what is theirs: a few queries, however much there is."""

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from sqlite3 import Connection

from apimctl.domain.admission import check_subscription
from apimctl.domain.lifecycle import SERVING
from apimctl.domain.models import (
    WHOLE_API,
    AccessToken,
    Api,
    Application,
    AuthType,
    ConsumerSecret,
    Key,
    KeyType,
    Resource,
    Subscription,
    User,
)
from apimctl.domain.patterns import EVERY_METHOD, REST
from apimctl.domain.routing import base_paths
from apimctl.errors import NotFoundError
from apimctl.tables import access_tokens, apis, applications, keys, resources, subscriptions


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


@dataclass(frozen=True, slots=True)
class Sample:
    """A request that an application's own token may make; `rest` is below the API's base path."""

    api: Api
    method: str
    rest: str

    @property
    def path(self) -> str:
        """The whole path."""
        return base_paths(self.api)[0] + self.rest


def list_summaries(db: Connection, owner_id: str) -> list[Summary]:
    """Return a user's applications by name."""
    key_types: dict[str, set[KeyType]] = defaultdict(set)
    for key in keys.list_owned(db, owner_id):
        key_types[key.application_id].add(key.key_type)
    counts = subscriptions.count_owned(db, owner_id)
    return [
        Summary(found, frozenset(key_types[found.id]), counts.get(found.id, 0))
        for found in applications.list_owned(db, owner_id)
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
    by_api = {
        subscription.api_id: subscription
        for subscription in subscriptions.list_of_application(db, application.id)
    }
    return [(by_api[api.id], api) for api in apis.list_subscribed(db, application.id)]


def require_subscription(
    db: Connection, application: Application, subscription_id: str
) -> tuple[Subscription, Api]:
    """Return a subscription of the application, by its id. Raises NotFoundError."""
    for subscription, api in list_subscribed(db, application):
        if subscription.id == subscription_id:
            return subscription, api
    raise NotFoundError(
        "There is no such subscription", hint="The application may have been unsubscribed."
    )


def find_sample(db: Connection, application: Application, key_type: KeyType) -> Sample | None:
    """Return a request that a token of this key type may make, None if there is none to name.

    Reading rather than writing, with as little to fill in as may be.
    """
    for subscription, api in list_subscribed(db, application):
        is_let_through = check_subscription(api, subscription, key_type) is None
        if not is_let_through or api.state not in SERVING or api.endpoint(key_type) is None:
            continue
        fitting = [
            each
            for each in resources.list_of_api(db, api.id) or [WHOLE_API]
            if each.auth_type in {AuthType.ANY, AuthType.APPLICATION} and not each.scopes
        ]
        if fitting:
            return _sample(api, min(fitting, key=_effort))
    return None


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


def _effort(resource: Resource) -> tuple[bool, int, str]:
    is_reading = bool(resource.methods & {"GET", EVERY_METHOD})
    return (not is_reading, resource.pattern.count("{"), resource.pattern)


def _sample(api: Api, resource: Resource) -> Sample:
    is_reading = bool(resource.methods & {"GET", EVERY_METHOD})
    segments = resource.pattern.split("/")
    filled_in = ["1" if segment.startswith("{") else segment for segment in segments]
    rest = "/".join(filled_in).removesuffix(REST)
    return Sample(api, "GET" if is_reading else min(resource.methods), rest)
