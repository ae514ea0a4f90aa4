"""Who may come in: asked with every request, in the transaction that answers it."""

from dataclasses import replace
from sqlite3 import Connection

from apimctl.errors import DeniedError
from apimctl.portal.routes import Access
from apimctl.portal.visits import Person, Visit
from apimctl.services import sessions, users


class NotLoggedInError(Exception):
    """Nobody is logged in, where somebody has to be."""


def enter(db: Connection, visit: Visit, access: Access) -> Visit:
    """Return the visit with who is logged in.

    Raises NotLoggedInError, DeniedError for a page that is not this user's to see.
    """
    logged_in = None
    if not visit.is_new_browser and visit.browser.secret is not None:
        logged_in = sessions.find(db, visit.browser.secret, now=visit.now)
    if logged_in is not None:
        roles = frozenset(users.roles_of(db, logged_in.user))
        visit = replace(visit, logged_in=logged_in, person=Person(logged_in.user, roles))
    if access is Access.ANYBODY:
        return visit
    if visit.person is None:
        raise NotLoggedInError
    if access is Access.ADMIN and not visit.person.is_admin:
        raise DeniedError("This page is for administrators", hint="Ask one for the role admin.")
    return visit
