"""Logging in and out. The session is the one that `/authorize` of the gateway knows, too."""

import re
from dataclasses import dataclass
from sqlite3 import Connection

from apimctl.domain.models import PRIMARY, Actor, User, Via
from apimctl.edge.login import log_in
from apimctl.edge.login.log_in import WRONG, NotLoggedIn
from apimctl.portal.replies import Page, Redirect, Reply
from apimctl.portal.routes import Access, Post, Route
from apimctl.portal.tools import Tools
from apimctl.portal.visits import Visit
from apimctl.services import audit, sessions, userstores

LOG_IN_PATH = "/store/login"
LOG_OUT_PATH = "/store/logout"
AFTER_PATH = "/store/apis"

_OWN_PATH = re.compile(r"/store(?:/[A-Za-z0-9._~%-]+)*(?:\?[A-Za-z0-9._~%&=+-]*)?", re.ASCII)


@dataclass(frozen=True, slots=True)
class _Checked:
    """What came of a password."""

    outcome: User | NotLoggedIn


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


async def check_password(tools: Tools, visit: Visit) -> _Checked:
    """Check the password, before any transaction. Raises StoreError."""
    outcome = await log_in.check(
        tools.passwords,
        visit.fields.get("username", ""),
        visit.fields.get("password", ""),
        network=visit.network,
    )
    return _Checked(outcome)


def begin_session(visit: Visit, db: Connection) -> Reply:
    """Begin a session for the user whose password was right. Raises FormError."""
    checked: _Checked = visit.prepared
    outcome = checked.outcome
    if isinstance(outcome, User):
        begun = log_in.begin_session(db, visit.browser, outcome, **visit.moment)
        if begun is not None:
            _record(db, visit, outcome, "session.login")
            return Redirect(own_path(visit.fields.get("next", "")), browser=begun)
        outcome = WRONG
    raise visit.submitted().refuse("", outcome.message, status=outcome.status)


def log_out(visit: Visit, db: Connection) -> Reply:
    """End the session, if there still is one."""
    if visit.logged_in is not None:
        sessions.end(db, visit.logged_in.secret)
        _record(db, visit, visit.logged_in.user, "session.logout")
    return Redirect(LOG_IN_PATH, done="logged-out")


def own_path(text: str) -> str:
    """Return a path of the API Store, its first page for what is none: no open redirect."""
    is_own = _OWN_PATH.fullmatch(text) and ".." not in text
    return text if is_own and not text.startswith(LOG_IN_PATH) else AFTER_PATH


def _record(db: Connection, visit: Visit, user: User, action: str) -> None:
    actor = Actor(user.qualified_name, Via.PORTAL)
    audit.record(db, actor=actor, action=action, target=user.qualified_name, now=visit.now)


ROUTES = (
    Route(
        LOG_IN_PATH,
        Access.ANYBODY,
        show=show_log_in,
        post=Post(begin_session, again=show_log_in, prepare=check_password),
    ),
    Route(LOG_OUT_PATH, Access.ANYBODY, post=Post(log_out, again=show_log_in)),
)
