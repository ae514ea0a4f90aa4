"""My Subscriptions: what an application may call, and its keys."""

from collections.abc import Mapping
from dataclasses import dataclass
from sqlite3 import Connection

from apimctl.domain.models import Application, KeyType
from apimctl.errors import NotFoundError
from apimctl.portal.replies import Page, Reply
from apimctl.portal.routes import Access, Route
from apimctl.portal.visits import Visit
from apimctl.services import storefront

PATH = "/store/subscriptions"


@dataclass(frozen=True, slots=True)
class Made:
    """What was made just now, with the secrets that are shown this once; None: none was made."""

    key_type: KeyType
    title: str
    consumer_key: str
    consumer_secret: str | None = None
    access_token: str | None = None
    expires_at: int | None = None


def path_of(application: Application) -> str:
    """Return the address of an application's subscriptions."""
    return f"{PATH}/{application.id}"


def show_first(visit: Visit, db: Connection) -> Reply:
    """Show the first of the user's applications."""
    summaries = storefront.list_summaries(db, visit.user)
    if not summaries:
        return Page("subscriptions.html", {"summaries": [], "application": None})
    return _page(visit, db, summaries[0].application, summaries)


def show(visit: Visit, db: Connection, *, made: Made | None = None) -> Reply:
    """Show one of the user's applications; with `made`, the secrets that are shown this once."""
    summaries = storefront.list_summaries(db, visit.user)
    wanted = visit.places["application"]
    for summary in summaries:
        if summary.application.id == wanted:
            return _page(visit, db, summary.application, summaries, made=made)
    raise NotFoundError("There is no such application", hint="It may have been deleted.")


def _page(
    visit: Visit,
    db: Connection,
    application: Application,
    summaries: list[storefront.Summary],
    *,
    made: Made | None = None,
) -> Page:
    states: Mapping[KeyType, storefront.KeyState] = storefront.key_states(
        db, application, now=visit.now
    )
    return Page(
        "subscriptions.html",
        {
            "summaries": summaries,
            "application": application,
            "subscribed": storefront.list_subscribed(db, application),
            "panels": [(key_type, states.get(key_type)) for key_type in KeyType],
            "default_validity": visit.settings.tokens.application_validity_seconds,
            "made": made,
        },
    )


ROUTES = (
    Route(PATH, Access.SUBSCRIBER, show=show_first),
    Route(f"{PATH}/{{application}}", Access.SUBSCRIBER, show=show),
)
