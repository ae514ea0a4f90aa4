"""Logging in at a page: a user name, a password, and a session of the browser, or why not."""

from dataclasses import dataclass, replace
from sqlite3 import Connection

from aiohttp import hdrs

from apimctl.domain.models import User
from apimctl.edge.login.passwords import Busy, Outcome, Passwords, Right, Wrong
from apimctl.errors import UserStoreError
from apimctl.pages.browser import Browser
from apimctl.services import sessions
from apimctl.services.attempts import Blocked
from apimctl.services.identifiers import RandomBytes
from apimctl.tables import users


@dataclass(frozen=True, slots=True)
class NotLoggedIn:
    """Why nobody was logged in: what the page says, and with which status."""

    status: int
    message: str
    headers: tuple[tuple[str, str], ...] = ()


WRONG = NotLoggedIn(403, "The user name or the password is wrong.")


async def check(
    passwords: Passwords, username: str, password: str, *, network: str
) -> User | NotLoggedIn:
    """Return the user whose password this is, or what to say. Raises StoreError."""
    outcome: Outcome = Wrong()
    if username and password:
        try:
            outcome = await passwords.verify(username, password, network=network)
        except UserStoreError:
            return NotLoggedIn(
                503,
                "The user store of this account cannot be asked right now. Try again soon.",
                ((hdrs.RETRY_AFTER, "1"),),
            )
    return outcome.user if isinstance(outcome, Right) else _refusal(outcome)


def begin_session(
    db: Connection,
    browser: Browser,
    verified: User,
    *,
    now: int,
    random: RandomBytes,
    user_agent: str,
    address: str,
) -> Browser | None:
    """Return the browser with a new session in place of any that it had.

    None if the user is gone or has another password than the one that was checked. `user_agent`
    and `address` are as `apimctl.services.sessions.begin` has them.
    """
    user = users.get(db, verified.id)
    if user is None or user.password_hash != verified.password_hash:
        return None
    if browser.secret is not None:
        sessions.end(db, browser.secret)
    secret = sessions.begin(
        db, user, now=now, random=random, user_agent=user_agent, address=address
    )
    return replace(browser, secret=secret)


def _refusal(outcome: Wrong | Blocked | Busy) -> NotLoggedIn:
    match outcome:
        case Wrong():
            return WRONG
        case Blocked(seconds):
            return NotLoggedIn(
                429,
                f"Too many wrong passwords. Try again in {outcome.wait}.",
                ((hdrs.RETRY_AFTER, str(seconds)),),
            )
        case Busy():
            return NotLoggedIn(
                503,
                "Many users log in right now. Try again in a moment.",
                ((hdrs.RETRY_AFTER, "1"),),
            )
