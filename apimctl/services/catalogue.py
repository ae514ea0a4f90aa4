"""The APIs as subscribers see them: those that are out, by name, and what each asks for."""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import groupby
from sqlite3 import Connection

from apimctl.domain.lifecycle import ROUTED
from apimctl.domain.models import (
    Api,
    ApiState,
    Application,
    Resource,
    Scope,
    Subscription,
    Tier,
    User,
)
from apimctl.errors import NotFoundError
from apimctl.services import tiers
from apimctl.services.subscriptions import allowed_tiers, choose_tier
from apimctl.tables import apis, applications, resources, scopes, subscriptions
from apimctl.tables.apis import Listed


@dataclass(frozen=True, slots=True)
class Offer:
    """An API by name: `lead` is the version that speaks for all; `versions`, the newest first."""

    lead: Listed
    versions: tuple[Listed, ...]


@dataclass(frozen=True, slots=True)
class Description:
    """All that is said of a version: the tiers that a subscription may choose among, and so on.

    `resources` is empty where the API declares none.
    """

    api: Api
    versions: tuple[Api, ...]
    tiers: Sequence[Tier]
    default_tier: str
    resources: Sequence[Resource]
    scopes: Sequence[Scope]
    subscribed: Sequence[tuple[Application, Subscription]]
    """The user's applications that have subscribed."""
    unsubscribed: Sequence[Application]
    """The user's applications that have not."""


def search(db: Connection, wanted: str = "") -> list[Offer]:
    """Return the APIs that are out, by name; those alone of which a version says what is wanted.

    In its name, context, version or description, in small or capital letters.
    """
    sought = wanted.strip().casefold()
    out = (api for api in apis.list_briefly(db) if api.state in ROUTED)
    by_name = [tuple(versions) for _, versions in groupby(out, key=lambda api: api.name)]
    found = [_offer(each) for each in by_name if any(_says(api, sought) for api in each)]
    return sorted(found, key=lambda offer: offer.lead.name.casefold())


def require(db: Connection, name: str, version: str) -> Api:
    """Return a version of an API that is out. Raises NotFoundError."""
    return _require(apis.list_named(db, name), version)


def describe(db: Connection, name: str, version: str, *, user: User) -> Description:
    """Return what a user is shown of a version. Raises as `require`."""
    versions = apis.list_named(db, name)
    api = _require(versions, version)
    subscribed = {
        each.application_id: each for each in subscriptions.list_owned(db, user.id, api.id)
    }
    owned = applications.list_owned(db, user.id)
    return Description(
        api=api,
        versions=tuple(each for each in reversed(versions) if each.state in ROUTED),
        tiers=allowed_tiers(api, tiers.list_all(db)),
        default_tier=choose_tier(db, api, None),
        resources=resources.list_of_api(db, api.id),
        scopes=scopes.list_of_api(db, api.name),
        subscribed=[(each, subscribed[each.id]) for each in owned if each.id in subscribed],
        unsubscribed=[each for each in owned if each.id not in subscribed],
    )


def _offer(versions: tuple[Listed, ...]) -> Offer:
    """Return the versions of one API, which come the oldest first."""
    newest_first = versions[::-1]
    default = [api for api in newest_first if api.is_default_version]
    published = [api for api in newest_first if api.state is ApiState.PUBLISHED]
    return Offer((default or published or newest_first)[0], newest_first)


def _says(api: Listed, sought: str) -> bool:
    return (
        not sought
        or sought in f"{api.name} {api.context}/{api.version} {api.description}".casefold()
    )


def _require(versions: Sequence[Api], version: str) -> Api:
    for api in versions:
        if api.version == version and api.state in ROUTED:
            return api
    raise NotFoundError("There is no such API", hint="It may have been retired.")
