"""The APIs in every state, and the verbs that lead from one state to another."""

from collections.abc import Mapping
from dataclasses import dataclass
from sqlite3 import Connection
from urllib.parse import quote

from apimctl.domain.lifecycle import API_VERBS, ROUTED, api_verbs
from apimctl.domain.models import Api
from apimctl.portal import confirmation
from apimctl.portal.lists import Asked
from apimctl.portal.replies import Page, Redirect, Reply
from apimctl.portal.routes import Access, Post, Route, no_such_page
from apimctl.portal.visits import Visit, fingerprint
from apimctl.services import apis, overview

PATH = "/store/admin/apis"
API_PATH = f"{PATH}/{{api}}/{{version}}"

RETIRE = "retire"
"""The verb for which there is no way back: it asks once more."""


@dataclass(frozen=True, slots=True)
class Row:
    """An API with what may be done to it: the addresses of forms with what their buttons say."""

    known: overview.KnownApi
    seen: str
    verbs: Mapping[str, str]
    retire: str | None
    """The address that asks whether it is to be retired, None where its state does not allow it."""


def show_all(visit: Visit, db: Connection) -> Reply:
    """List the APIs, or those in whose name or context the search is found."""
    asked = Asked.of(visit)
    part = overview.list_apis(db, search=asked.q, page=asked.page)
    return Page(
        "admin_apis.html",
        {
            "part": part,
            "rows": [_row(known) for known in part.rows],
            "q": asked.q,
            "routed": ROUTED,
        },
    )


def lead_back(_visit: Visit, _db: Connection) -> Reply:
    """Lead from the address of a form to the page that shows it."""
    return Redirect(PATH)


def change_state(visit: Visit, db: Connection) -> Reply:
    """Publish, block, unblock or deprecate an API, with the next request."""
    return _change(visit, db, visit.places["verb"])


def ask_retire(visit: Visit, db: Connection) -> Reply:
    """Ask whether an API is to be retired."""
    api = _subject(visit, db)
    return confirmation.ask(
        f"Retire {api.name} {api.version}?",
        says=[
            "The gateway answers 404 for it from the next request on, to every application.",
            "There is no way back: a retired API cannot be published again.",
        ],
        button="Retire",
        back=PATH,
        seen=_seen(api),
    )


def retire(visit: Visit, db: Connection) -> Reply:
    """Stop serving an API for good."""
    return _change(visit, db, RETIRE)


def _subject(visit: Visit, db: Connection) -> Api:
    return apis.resolve(db, f"{visit.places['api']}:{visit.places['version']}")


def _change(visit: Visit, db: Connection, verb: str) -> Reply:
    if verb not in API_VERBS:
        raise no_such_page()
    api = _subject(visit, db)
    visit.require_seen(_seen(api))
    changed = apis.change_state(db, api.reference, verb)
    visit.audit(db, f"api.{verb}", changed.reference)
    return Redirect(PATH + Asked.of(visit).query, done=f"api-{changed.state.lower()}")


def _row(known: overview.KnownApi) -> Row:
    api = known.api
    here = f"{PATH}/{quote(api.name, safe='')}/{quote(api.version)}"
    verbs = api_verbs(api.state)
    buttons = {f"{here}/{verb}": verb.capitalize() for verb in verbs if verb != RETIRE}
    return Row(known, _seen(api), buttons, f"{here}/{RETIRE}" if RETIRE in verbs else None)


def _seen(api: Api) -> str:
    return fingerprint(api.id, api.state)


ROUTES = (
    Route(PATH, Access.ADMIN, show=show_all),
    Route(
        f"{API_PATH}/{RETIRE}",
        Access.ADMIN,
        show=ask_retire,
        post=Post(retire, again=ask_retire),
    ),
    Route(
        f"{API_PATH}/{{verb}}",
        Access.ADMIN,
        show=lead_back,
        post=Post(change_state, again=show_all),
    ),
)
