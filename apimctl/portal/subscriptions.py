"""My Subscriptions: what an application may call, at which tier, and its keys."""

from dataclasses import dataclass
from sqlite3 import Connection
from typing import Any

from apimctl.domain.lifecycle import HELD, ROUTED, SUBSCRIBABLE
from apimctl.domain.models import Api, Application, Subscription, Tier
from apimctl.errors import DeniedError
from apimctl.portal import confirmation, panels
from apimctl.portal.made import Made
from apimctl.portal.panels import APPLICATION_PATH, require_application
from apimctl.portal.replies import Page, Redirect, Reply
from apimctl.portal.routes import Access, Post, Route
from apimctl.portal.visits import Visit, fingerprint
from apimctl.portal.wording import tier_choices
from apimctl.services import storefront, subscriptions, tiers

PATH = "/store/subscriptions"
ONE_PATH = f"{APPLICATION_PATH}/apis/{{subscription}}"


@dataclass(frozen=True, slots=True)
class Subscribed:
    """An API that the application has subscribed to; `tiers` are those it may be moved to."""

    subscription: Subscription
    api: Api
    tiers: list[Tier]

    @property
    def path(self) -> str:
        """The address below which its forms are sent."""
        one = self.subscription
        return ONE_PATH.format(application=one.application_id, subscription=one.id)

    @property
    def is_held(self) -> bool:
        """Whether it is an administrator's to change: blocked, on hold, rejected."""
        return self.subscription.state in HELD

    @property
    def is_out(self) -> bool:
        """Whether the API has a page of its own."""
        return self.api.state in ROUTED

    @property
    def choices(self) -> list[tuple[str, str]]:
        """The tiers by name, each as it is said; the current one is among them in any case."""
        choices = tier_choices(self.tiers)
        current = self.subscription.tier
        if current not in dict(choices):
            choices.insert(0, (current, f"{current}: no longer offered"))
        return choices

    @property
    def seen(self) -> str:
        """What a form has seen that changes or ends it."""
        return fingerprint(self.subscription.id, self.subscription.tier)


def path_of(application: Application) -> str:
    """Return the address of an application's subscriptions."""
    return f"{PATH}/{application.id}"


def show_first(visit: Visit, db: Connection) -> Reply:
    """Show the first of the user's applications."""
    summaries = storefront.list_summaries(db, visit.user.id)
    first = summaries[0].application if summaries else None
    return _page(visit, db, first, summaries)


def show(visit: Visit, db: Connection, *, made: Made | None = None) -> Reply:
    """Show one application; with `made`, the secrets that are shown this once.

    Raises NotFoundError.
    """
    application = require_application(visit, db)
    summaries = storefront.list_summaries(db, application.owner_id)
    return _page(visit, db, application, summaries, made=made)


def lead_back(visit: Visit, db: Connection) -> Reply:
    """Lead from the address of a form to the page that shows it. Raises NotFoundError."""
    return Redirect(path_of(require_application(visit, db)))


def change_tier(visit: Visit, db: Connection) -> Reply:
    """Move a subscription to another tier.

    Raises FormError, ConflictError, DeniedError, NotFoundError.
    """
    application, subscribed = _find_changeable(visit, db)
    visit.require_seen(subscribed.seen)
    form = visit.submitted()
    with form.blaming("tier"):
        changed = subscriptions.update(db, application, subscribed.api, tier=form.text("tier"))
    if changed == subscribed.subscription:
        return Redirect(path_of(application), done="unchanged")
    _audit(visit, db, "update", application, subscribed.api, tier=changed.tier)
    return Redirect(path_of(application), done="tier-changed")


def ask_to_unsubscribe(visit: Visit, db: Connection) -> Reply:
    """Ask whether an application is to be unsubscribed. Raises DeniedError, NotFoundError."""
    application, subscribed = _find_changeable(visit, db)
    api = subscribed.api
    return confirmation.ask(
        f"Unsubscribe {application.name} from {api.name} {api.version}?",
        says=[
            "From the next request on, the gateway refuses its tokens there.",
            "Keys and tokens stay, for the other APIs of the application.",
            *_warning(subscribed),
        ],
        button="Unsubscribe",
        back=path_of(application),
        seen=subscribed.seen,
    )


def unsubscribe(visit: Visit, db: Connection) -> Reply:
    """End a subscription. Raises ConflictError, DeniedError, NotFoundError."""
    application, subscribed = _find_changeable(visit, db)
    visit.require_seen(subscribed.seen)
    subscriptions.delete(db, application, subscribed.api)
    _audit(visit, db, "delete", application, subscribed.api)
    return Redirect(path_of(application), done="unsubscribed")


def _page(
    visit: Visit,
    db: Connection,
    application: Application | None,
    summaries: list[storefront.Summary],
    *,
    made: Made | None = None,
) -> Page:
    values: dict[str, Any] = {"summaries": summaries, "application": application, "made": made}
    if application is not None:
        known = tiers.list_all(db)
        values |= {
            "is_own": application.owner_id == visit.user.id,
            "subscribed": [
                Subscribed(subscription, api, subscriptions.allowed_tiers(api, known))
                for subscription, api in storefront.list_subscribed(db, application)
            ],
            "panels": panels.list_of(db, application, now=visit.now),
            "default_validity": visit.settings.tokens.application_validity_seconds,
        }
    return Page("subscriptions.html", values)


def _find_changeable(visit: Visit, db: Connection) -> tuple[Application, Subscribed]:
    """Return the subscription that an address names.

    Raises NotFoundError; DeniedError for one that is held, so that its owner cannot end it and
    subscribe anew.
    """
    application = require_application(visit, db)
    subscription, api = storefront.require_subscription(
        db, application, visit.places["subscription"]
    )
    subscribed = Subscribed(subscription, api, [])
    if subscribed.is_held and not visit.whoever.is_admin:
        state = subscription.state.lower().replace("_", " ")
        raise DeniedError(
            f"The subscription to {api.name} {api.version} is {state}",
            hint="Ask an administrator; nothing was done.",
        )
    return application, subscribed


def _warning(subscribed: Subscribed) -> list[str]:
    """Return what else is to be known before a subscription ends."""
    if subscribed.api.state in SUBSCRIBABLE:
        return []
    return [f"It cannot be subscribed to again: the API is {subscribed.api.state.lower()}."]


def _audit(
    visit: Visit, db: Connection, verb: str, application: Application, api: Api, **details: Any
) -> None:
    whose = {"owner": application.owner, "api": api.reference}
    visit.audit(db, f"subscription.{verb}", application.name, **whose, **details)


ROUTES = (
    Route(PATH, Access.SUBSCRIBER, show=show_first),
    Route(APPLICATION_PATH, Access.SUBSCRIBER, show=show),
    Route(
        f"{ONE_PATH}/tier", Access.SUBSCRIBER, show=lead_back, post=Post(change_tier, again=show)
    ),
    Route(
        f"{ONE_PATH}/unsubscribe",
        Access.SUBSCRIBER,
        show=ask_to_unsubscribe,
        post=Post(unsubscribe, again=ask_to_unsubscribe),
    ),
)
