"""Browsers in which users have logged in: of the authorization endpoint and the API Store.

A session is a random text in a cookie; the store keeps its digest. It ends after `IDLE_SECONDS`
without use, and after `LONGEST_SECONDS` in any case.
"""

from dataclasses import dataclass, field
from sqlite3 import Connection

from apimctl.domain import credentials
from apimctl.domain.models import User, WebSession
from apimctl.services.identifiers import RandomBytes
from apimctl.tables import users, web_sessions

IDLE_SECONDS = 30 * 60
LONGEST_SECONDS = 12 * 3600
TOUCH_SECONDS = 60
"""How old the last known use may be before it is written anew: not every page is a commit."""

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


def begin(db: Connection, user: User, *, now: int, random: RandomBytes) -> str:
    """Begin a session for a user who has just logged in and return its secret, always a new one."""
    secret = new_secret(random)
    web_sessions.insert(
        db, WebSession(credentials.digest(secret), user.id, now, now, now + LONGEST_SECONDS)
    )
    return secret


def find(db: Connection, secret: str, *, now: int) -> LoggedIn | None:
    """Return who is logged in by this secret, None if nobody is any more. Writes nothing."""
    session = web_sessions.find(db, credentials.digest(secret))
    if session is None or now >= min(session.expires_at, session.used_at + IDLE_SECONDS):
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


def end_all(db: Connection, user: User) -> None:
    """Log a user out of every browser."""
    web_sessions.delete_of_user(db, user.id)
