"""Browsers in which users have logged in: of the authorization endpoint and the API Store.

A session is a random text in a cookie; the store keeps its digest. It ends after `IDLE_SECONDS`
without use, and after `LONGEST_SECONDS` in any case.
"""

from dataclasses import dataclass, field
from sqlite3 import Connection

from apimctl.domain import browsers, credentials
from apimctl.domain.models import User, WebSession
from apimctl.errors import NotFoundError
from apimctl.services.identifiers import RandomBytes
from apimctl.tables import users, web_sessions

IDLE_SECONDS = 30 * 60
LONGEST_SECONDS = 12 * 3600
TOUCH_SECONDS = 60
"""How old the last known use may be before it is written anew: not every page is a commit."""

MOST_OF_ONE_USER = 100
"""With one more, the session ends that was not used for longest."""

SECRET_BYTES = 32


@dataclass(frozen=True, slots=True)
class LoggedIn:
    """A user, in the browser that showed this session's secret."""

    user: User
    secret: str = field(repr=False)
    used_at: int


def new_secret(random: RandomBytes) -> str:
    """Return what tells a browser from all others, logged in or not: 256 bits in hexadecimal."""
    return random(SECRET_BYTES).hex()


def begin(
    db: Connection,
    user: User,
    *,
    now: int,
    random: RandomBytes,
    user_agent: str = "",
    address: str = "",
) -> str:
    """Begin a session for a user who has just logged in and return its secret, always a new one.

    `user_agent` is what the browser says of itself, `address` where it comes from.
    """
    secret = new_secret(random)
    web_sessions.delete_all_but_latest(db, user.id, kept=MOST_OF_ONE_USER - 1)
    web_sessions.insert(
        db,
        WebSession(
            credentials.digest(secret),
            user.id,
            now,
            now,
            now + LONGEST_SECONDS,
            browsers.kept(user_agent),
            address,
        ),
    )
    return secret


def find(db: Connection, secret: str, *, now: int) -> LoggedIn | None:
    """Return who is logged in by this secret, None if nobody is any more. Writes nothing."""
    session = web_sessions.find(db, credentials.digest(secret))
    if session is None or not _is_alive(session, now=now):
        return None
    user = users.get(db, session.user_id)
    if user is None:
        return None
    return LoggedIn(user, secret, session.used_at)


def is_due(logged_in: LoggedIn, *, now: int) -> bool:
    """Return whether it is time to note that the session is in use."""
    return now - logged_in.used_at >= TOUCH_SECONDS


def touch(db: Connection, logged_in: LoggedIn, *, now: int) -> None:
    """Note that the session is in use, if that is due."""
    if is_due(logged_in, now=now):
        web_sessions.set_used_at(db, credentials.digest(logged_in.secret), now)


def end(db: Connection, secret: str) -> None:
    """End a session, if it is one."""
    web_sessions.delete(db, credentials.digest(secret))


def list_of(db: Connection, user: User, *, now: int) -> list[WebSession]:
    """Return the sessions of a user that have not ended, the last used first."""
    found = web_sessions.list_of_user(db, user.id)
    return [session for session in found if _is_alive(session, now=now)]


def is_in(session: WebSession, logged_in: LoggedIn) -> bool:
    """Return whether that is the session which this browser is in."""
    return session.digest == credentials.digest(logged_in.secret)


def end_of(db: Connection, user: User, session_id: str, *, now: int) -> WebSession:
    """End one of a user's sessions and return what it was. Raises NotFoundError."""
    for session in list_of(db, user, now=now):
        if session.id == session_id:
            web_sessions.delete(db, session.digest)
            return session
    raise NotFoundError("there is no such session", hint="It may have ended already.")


def end_others(db: Connection, logged_in: LoggedIn) -> int:
    """End all sessions of the user but this one; return how many there were."""
    return web_sessions.delete_of_user(
        db, logged_in.user.id, but=credentials.digest(logged_in.secret)
    )


def end_all(db: Connection, user: User) -> int:
    """Log a user out of every browser; return how many sessions there were."""
    return web_sessions.delete_of_user(db, user.id)


def _is_alive(session: WebSession, *, now: int) -> bool:
    return now < min(session.expires_at, session.used_at + IDLE_SECONDS)
