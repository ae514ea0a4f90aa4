"""The profile: who one is, a new password, and the browsers in which one is logged in."""

from sqlite3 import Connection

from apimctl.edge.login import log_in
from apimctl.edge.login.log_in import WRONG, NotLoggedIn
from apimctl.portal import passwords
from apimctl.portal.log_in import begin_session, leave
from apimctl.portal.replies import Page, Redirect, Reply
from apimctl.portal.routes import Access, Post, Route
from apimctl.portal.tools import Tools
from apimctl.portal.visits import Visit
from apimctl.services import sessions, users, userstores
from apimctl.services.sessions import LoggedIn

PATH = "/store/profile"
PASSWORD_PATH = f"{PATH}/password"
SESSIONS_PATH = f"{PATH}/sessions"


def show(visit: Visit, db: Connection) -> Reply:
    """Show who is logged in, where, and the form for a new password."""
    here = _logged_in(visit)
    alive = sessions.list_of(db, visit.user, now=visit.now)
    return Page(
        "profile.html",
        {
            "form": visit.form(PASSWORD_PATH),
            "keeps_password": userstores.require(db, visit.user.userstore).ldap is None,
            "sessions": sorted(alive, key=lambda session: not sessions.is_in(session, here)),
            "shortest": passwords.SHORTEST,
        },
    )


async def check_passwords(tools: Tools, visit: Visit) -> str | None:
    """Check the old password, and return the hash of the new one.

    A wrong one counts as at a log-in. Raises FormError, StoreError, ConflictError where the
    password is kept elsewhere.
    """
    name = visit.user.qualified_name
    await tools.read(lambda db: users.require_password_here(db, name))
    form = visit.submitted()
    current = form.typed.get("current", "")
    form.require("current", "Type the password that you have now")
    passwords.check_new(form, shortest=passwords.SHORTEST)
    form.check()
    outcome = await log_in.check(tools.passwords, name, current, network=visit.network)
    if outcome is WRONG:
        raise form.refuse("current", "This is not your password", status=WRONG.status)
    if isinstance(outcome, NotLoggedIn):
        raise form.refuse("", outcome.message, status=outcome.status, headers=outcome.headers)
    if outcome.id != visit.user.id:  # who has the name by now is somebody else
        raise form.refuse("current", "This is not your password", status=WRONG.status)
    return await passwords.hash_new(tools, visit, form)


def change_password(visit: Visit, db: Connection) -> Reply:
    """Set the new password: all sessions end, and this browser gets a new one.

    If another one was set since the old one was checked, this session has ended as well.
    """
    user = users.set_password_hash(db, visit.user.qualified_name, visit.prepared)
    visit.audit(db, "user.password", user.qualified_name)
    return Redirect(PATH, done="password-changed", browser=begin_session(visit, db, user))


def end_session(visit: Visit, db: Connection) -> Reply:
    """End one of the user's sessions. Raises NotFoundError."""
    ended = sessions.end_of(db, visit.user, visit.places["session"], now=visit.now)
    visit.audit(db, "session.end", visit.user.qualified_name, session=ended.id)
    if sessions.is_in(ended, _logged_in(visit)):
        return leave(visit)
    return Redirect(PATH, done="session-ended")


def end_other_sessions(visit: Visit, db: Connection) -> Reply:
    """End all sessions of the user but the one of this browser."""
    ended = sessions.end_others(db, _logged_in(visit))
    if ended:
        visit.audit(db, "session.end", visit.user.qualified_name, sessions=ended)
    return Redirect(PATH, done="sessions-ended")


def _logged_in(visit: Visit) -> LoggedIn:
    if visit.logged_in is None:
        raise AssertionError(visit.path)  # a route that asks for no log-in
    return visit.logged_in


ROUTES = (
    Route(PATH, Access.SUBSCRIBER, show=show),
    Route(
        PASSWORD_PATH,
        Access.SUBSCRIBER,
        post=Post(change_password, again=show, prepare=check_passwords),
    ),
    Route(f"{SESSIONS_PATH}/end", Access.SUBSCRIBER, post=Post(end_other_sessions, again=show)),
    Route(
        f"{SESSIONS_PATH}/{{session}}/end", Access.SUBSCRIBER, post=Post(end_session, again=show)
    ),
)
