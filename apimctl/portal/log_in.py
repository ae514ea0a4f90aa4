"""Logging in and out. The session is the one that `/authorize` of the gateway knows, too."""

import re
from sqlite3 import Connection

from apimctl.domain.models import PRIMARY, User
from apimctl.domain.routing import has_dot_segments
from apimctl.edge.login import log_in
from apimctl.edge.login.log_in import WRONG, NotLoggedIn
from apimctl.pages.browser import Browser
from apimctl.portal import apis
from apimctl.portal.forms import FormError
from apimctl.portal.replies import Page, Redirect, Reply
from apimctl.portal.routes import Access, Post, Route
from apimctl.portal.tools import Tools
from apimctl.portal.visits import Visit
from apimctl.services import sessions, userstores

LOG_IN_PATH = "/store/login"
LOG_OUT_PATH = "/store/logout"
SIGN_UP_PATH = "/store/sign-up"
FIRST_PATH = apis.PATH
"""What the front door and a log-in lead to."""

LONGEST_NEXT = 1024

_OWN_PATH = re.compile(r"/store(?:/[A-Za-z0-9._~%-]+)*(?:\?[A-Za-z0-9._~%&=+-]*)?", re.ASCII)


def show_log_in(visit: Visit, db: Connection) -> Reply:
    """Ask for user name and password."""
    wanted = own_path(visit.fields.get("next") or visit.query.get("next", ""))
    if visit.person is not None and visit.refused is None:
        return Redirect(wanted)
    return Page(
        "log_in_store.html",
        {
            "form": visit.form(LOG_IN_PATH),
            "next": wanted,
            "has_user_stores": any(each.domain != PRIMARY for each in userstores.list_all(db)),
        },
    )


async def check_password(tools: Tools, visit: Visit) -> User:
    """Return whose password it is, before any transaction. Raises FormError, StoreError."""
    outcome = await log_in.check(
        tools.passwords,
        visit.fields.get("username", ""),
        visit.fields.get("password", ""),
        network=visit.network,
    )
    if isinstance(outcome, NotLoggedIn):
        raise _refused(visit, outcome)
    return outcome


def log_user_in(visit: Visit, db: Connection) -> Reply:
    """Begin a session for the user whose password was right. Raises FormError."""
    user: User = visit.prepared
    begun = begin_session(visit, db, user)
    if begun is None:
        raise _refused(visit, WRONG)
    visit.made_by(user).audit(db, "session.login", user.qualified_name)
    return Redirect(own_path(visit.fields.get("next", "")), browser=begun)


def begin_session(visit: Visit, db: Connection, user: User) -> Browser | None:
    """Return the browser with a session in place of any it had; None as `log_in` has it."""
    return log_in.begin_session(
        db, visit.browser, user, **visit.moment, user_agent=visit.agent, address=visit.address
    )


def log_out(visit: Visit, db: Connection) -> Reply:
    """End the session, if there still is one."""
    if visit.logged_in is not None:
        sessions.end(db, visit.logged_in.secret)
        visit.audit(db, "session.logout", visit.user.qualified_name)
    return leave(visit)


def leave(visit: Visit) -> Redirect:
    """Lead from a session that has ended to the log-in; the cookie is another one from now on."""
    return Redirect(LOG_IN_PATH, done="logged-out", browser=visit.browser.anew(visit.random))


def own_path(text: str) -> str:
    """Return a page of the API Store, its first one for what is none: no open redirect."""
    path = text.partition("?")[0]
    is_own = (
        len(text) <= LONGEST_NEXT
        and _OWN_PATH.fullmatch(text) is not None
        and not has_dot_segments(path)
        and path not in {LOG_IN_PATH, LOG_OUT_PATH, SIGN_UP_PATH}
    )
    return text if is_own else FIRST_PATH


def _refused(visit: Visit, why: NotLoggedIn) -> FormError:
    return visit.submitted().refuse("", why.message, status=why.status, headers=why.headers)


ROUTES = (
    Route(
        LOG_IN_PATH,
        Access.ANYBODY,
        show=show_log_in,
        post=Post(log_user_in, again=show_log_in, prepare=check_password),
    ),
    Route(LOG_OUT_PATH, Access.ANYBODY, post=Post(log_out, again=show_log_in)),
)
