"""The access tokens of an application: a list to look through, page by page, and to revoke from."""

from collections.abc import Mapping
from enum import StrEnum
from sqlite3 import Connection
from typing import TypeVar
from urllib.parse import urlencode

from apimctl.domain.models import AccessToken, Application, KeyType, TokenState
from apimctl.domain.moments import parse_moment
from apimctl.portal import applications, confirmation
from apimctl.portal.forms import Form
from apimctl.portal.panels import require_application
from apimctl.portal.replies import Page, Redirect, Reply
from apimctl.portal.routes import Access, Post, Route
from apimctl.portal.visits import Visit
from apimctl.portal.wording import written_moment
from apimctl.services import own_tokens, revocation, token_pages, tokens, users
from apimctl.services.token_pages import Order, TokenQuery

PATH = f"{applications.PATH}/{{application}}/tokens"
ON_PAGE = 25

FILTERS = ("key_type", "state", "user", "issued_since", "expires_before", "sort")
NEWEST = "newest"
SORTS: Mapping[str, tuple[Order, bool]] = {
    NEWEST: (Order.ISSUED_AT, False),
    "oldest": (Order.ISSUED_AT, True),
    "soonest to expire": (Order.EXPIRES_AT, False),
    "last to expire": (Order.EXPIRES_AT, True),
}

_Choice = TypeVar("_Choice", bound=StrEnum)


def path_of(application: Application) -> str:
    """Return the address of the list of an application's access tokens."""
    return f"{applications.path_of(application)}/tokens"


def show(visit: Visit, db: Connection) -> Reply:
    """Show a page of the tokens that are asked for. Raises InvalidInputError, NotFoundError."""
    application = require_application(visit, db)
    form = Form(path_of(application), _filters(visit))
    query = _query(visit, db, application, form)
    found = token_pages.list_page(db, query, now=visit.now) if query else token_pages.Page([], None)
    next_page = {**form.typed, "after": found.next} if found.next else {}
    return Page(
        "tokens.html",
        {
            "application": application,
            "form": form,
            "rows": [
                (token, key, user, revocation.is_revocable(token, visit.now))
                for token, key, _, user in found.rows
            ],
            "is_narrowed": bool(form.typed),
            "is_first": query is None or query.after is None,
            "filters": _encoded(form.typed),
            "sorts": [(name, f"{name.capitalize()} first") for name in SORTS],
            "next": _encoded(next_page),
        },
        status=422 if form.problems else 200,
    )


def ask_to_revoke(visit: Visit, db: Connection) -> Reply:
    """Ask whether one token is to be revoked. Raises NotFoundError."""
    application, token = _subject(visit, db)
    filters = _filters(visit)
    back = path_of(application) + _encoded(filters)
    if not revocation.is_revocable(token, visit.now):
        return Redirect(back, done="token-over")
    ((_, _, _, user),) = tokens.with_owners(db, [token])
    whose = f"of {user.qualified_name}" if user else "of the application itself"
    family = "The refresh token that could renew it is revoked, too: the user has to log in again."
    return confirmation.ask(
        f"Revoke the access token that ends with {token.hint}?",
        says=[
            f"It is {whose}, issued on {written_moment(token.issued_at)}.",
            "The gateway refuses it from the next request on.",
            *([family] if token.family_id else []),
        ],
        button="Revoke token",
        back=back,
        seen="",
        fields=filters,
    )


def revoke(visit: Visit, db: Connection) -> Reply:
    """Revoke one token, if it is not over yet. Raises NotFoundError."""
    application, token = _subject(visit, db)
    back = path_of(application) + _encoded(_filters(visit))
    if not revocation.is_revocable(token, visit.now):
        return Redirect(back, done="token-over")
    revocation.revoke_access_token(db, token)
    visit.audit_token(db, "token.revoke", token)
    return Redirect(back, done="token-revoked")


def _subject(visit: Visit, db: Connection) -> tuple[Application, AccessToken]:
    application = require_application(visit, db)
    return application, own_tokens.require_of(db, application, visit.places["token"])


def _filters(visit: Visit) -> dict[str, str]:
    """Return what the list is narrowed by, as it was typed."""
    texts = {**visit.query, **visit.fields}
    return {name: texts[name] for name in FILTERS if name in texts}


def _encoded(parameters: Mapping[str, str]) -> str:
    """Return the parameters as an address has them, with the ``?``; empty for none."""
    return f"?{urlencode(parameters)}" if parameters else ""


def _query(visit: Visit, db: Connection, application: Application, form: Form) -> TokenQuery | None:
    """Return what is asked for, None where that cannot be: what is wrong is noted in the form."""

    def moment(text: str, what: str) -> int | None:
        return parse_moment(text, what=what, now=visit.now) if text else None

    sort = form.choose("sort", SORTS) if form.text("sort") else None
    order, is_reversed = SORTS[sort or NEWEST]
    user_name = form.text("user")
    user = users.find(db, user_name) if user_name else None
    query = TokenQuery(
        limit=ON_PAGE,
        applications=[application],
        key_type=_optional(form, "key_type", KeyType),
        state=_optional(form, "state", TokenState),
        user=user,
        issued_since=form.read("issued_since", lambda text: moment(text, "text")),
        expires_before=form.read("expires_before", lambda text: moment(text, "text")),
        order=order,
        is_reversed=is_reversed,
        after=visit.query.get("after"),
    )
    return None if form.problems or (user_name and user is None) else query


def _optional(form: Form, name: str, among: type[_Choice]) -> _Choice | None:
    return form.choose(name, among) if form.text(name) else None


ROUTES = (
    Route(PATH, Access.SUBSCRIBER, show=show),
    Route(
        f"{PATH}/{{token}}/revoke",
        Access.SUBSCRIBER,
        show=ask_to_revoke,
        post=Post(revoke, again=ask_to_revoke),
    ),
)
