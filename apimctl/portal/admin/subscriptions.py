"""The subscriptions of an application: blocked, let through again, from the next request on."""

from collections.abc import Mapping
from dataclasses import dataclass
from sqlite3 import Connection

from apimctl.domain.lifecycle import SUBSCRIPTION_VERBS
from apimctl.domain.models import Api, Application, Subscription
from apimctl.portal.admin import applications as all_applications
from apimctl.portal.admin.applications import path_of
from apimctl.portal.replies import Page, Redirect, Reply
from apimctl.portal.routes import Access, Post, Route, no_such_page
from apimctl.portal.visits import Visit, fingerprint
from apimctl.services import storefront, subscriptions

PATH = f"{all_applications.PATH}/{{application}}"


@dataclass(frozen=True, slots=True)
class Verb:
    """A button: what it says, and the verb of `SUBSCRIPTION_VERBS` that it stands for."""

    says: str
    verb: str


VERBS: Mapping[str, Verb] = {
    "block": Verb("Block", "block"),
    "block-production": Verb("Block production", "block --production-only"),
    "hold": Verb("Hold", "hold"),
    "reject": Verb("Reject", "reject"),
    "unblock": Verb("Unblock", "unblock"),
}
"""By the last part of the address that its form is sent to."""


@dataclass(frozen=True, slots=True)
class Row:
    """A subscription with what may be done to it: the addresses of forms with their buttons."""

    subscription: Subscription
    api: Api
    seen: str
    verbs: Mapping[str, Verb]


def show(visit: Visit, db: Connection) -> Reply:
    """Show an application's subscriptions, with buttons that lead to other states."""
    application = _application(visit, db)
    rows = [
        Row(subscription, api, _seen(subscription), _verbs(application, subscription))
        for subscription, api in storefront.list_subscribed(db, application)
    ]
    return Page("admin_application.html", {"application": application, "rows": rows})


def lead_back(visit: Visit, db: Connection) -> Reply:
    """Lead from the address of a form to the page that shows it. Raises NotFoundError."""
    return Redirect(path_of(_application(visit, db)))


def change_state(visit: Visit, db: Connection) -> Reply:
    """Block, unblock, hold or reject a subscription."""
    application = _application(visit, db)
    verb = VERBS.get(visit.places["verb"])
    if verb is None:
        raise no_such_page()
    subscription, api = storefront.require_subscription(
        db, application, visit.places["subscription"]
    )
    visit.require_seen(_seen(subscription))
    state = SUBSCRIPTION_VERBS[verb.verb]
    changed = subscriptions.set_state(db, application, api, state)
    visit.audit(
        db,
        f"subscription.{verb.verb.split(maxsplit=1)[0]}",
        application.name,
        owner=application.owner,
        api=api.reference,
        state=changed.state,
    )
    return Redirect(path_of(application), done=f"subscription-{state.lower()}")


def _application(visit: Visit, db: Connection) -> Application:
    return storefront.require_application(db, visit.places["application"], owner=None)


def _seen(subscription: Subscription) -> str:
    return fingerprint(subscription.id, subscription.state)


def _verbs(application: Application, subscription: Subscription) -> dict[str, Verb]:
    """Return the buttons that lead to another state than the one it has."""
    here = f"{path_of(application)}/{subscription.id}"
    return {
        f"{here}/{name}": verb
        for name, verb in VERBS.items()
        if SUBSCRIPTION_VERBS[verb.verb] is not subscription.state
    }


ROUTES = (
    Route(PATH, Access.ADMIN, show=show),
    Route(
        f"{PATH}/{{subscription}}/{{verb}}",
        Access.ADMIN,
        show=lead_back,
        post=Post(change_state, again=show),
    ),
)
