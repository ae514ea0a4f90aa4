"""Signing up: a stranger becomes a user, where the operator wants that."""

from dataclasses import dataclass, field
from sqlite3 import Connection

from aiohttp import hdrs

from apimctl.portal import passwords
from apimctl.portal.log_in import FIRST_PATH, SIGN_UP_PATH, begin_session
from apimctl.portal.replies import Page, Redirect, Reply
from apimctl.portal.routes import Access, Post, Route, no_such_page
from apimctl.portal.tools import Tools
from apimctl.portal.visits import Visit
from apimctl.services import attempts, users


@dataclass(frozen=True, slots=True)
class _NewUser:
    name: str
    password_hash: str = field(repr=False)


def show(visit: Visit, db: Connection) -> Reply:  # noqa: ARG001 - as all that show a page
    """Ask for a user name and a password. Raises NotFoundError where nobody may sign up."""
    _require_open(visit)
    if visit.person is not None and visit.refused is None:
        return Redirect(FIRST_PATH)
    return Page("sign_up.html", {"form": visit.form(SIGN_UP_PATH), "shortest": passwords.SHORTEST})


async def check(tools: Tools, visit: Visit) -> _NewUser:
    """Return who is to be made. Raises FormError, StoreError, NotFoundError.

    What is amiss with the form alone costs nothing. The rest counts, as `attempts` has it.
    """
    _require_open(visit)
    form = visit.submitted()
    name = form.require("username", "Choose a user name")
    passwords.check_new(form, shortest=passwords.SHORTEST)
    form.check()
    blocked = await tools.write(
        lambda db: attempts.begin_sign_up(db, network=visit.network, now=visit.now)
    )
    if blocked is not None:
        raise form.refuse(
            "",
            "Too many people sign up right now",
            hint=f"Try again in {blocked.wait}.",
            status=429,
            headers=((hdrs.RETRY_AFTER, str(blocked.seconds)),),
        )
    with form.blaming("username"):
        name = await tools.read(lambda db: users.check_may_sign_up(db, name))
    return _NewUser(name, await passwords.hash_new(tools, visit, form) or "")


def sign_up(visit: Visit, db: Connection) -> Reply:
    """Make the user, who is logged in with that. Raises FormError."""
    new: _NewUser = visit.prepared
    with visit.submitted().blaming("username"):
        user = users.sign_up(db, new.name, password_hash=new.password_hash, **visit.moment)
    visit.made_by(user).audit(db, "user.create", user.qualified_name, roles=[])
    return Redirect(FIRST_PATH, done="signed-up", browser=begin_session(visit, db, user))


def _require_open(visit: Visit) -> None:
    if not visit.settings.portal.has_sign_up:
        raise no_such_page()


ROUTES = (
    Route(SIGN_UP_PATH, Access.ANYBODY, show=show, post=Post(sign_up, again=show, prepare=check)),
)
