"""All pages of the administration, as one table: each module declares its own."""

from sqlite3 import Connection

from apimctl.portal.admin import apis, applications, audit, subscriptions, tiers, user, users
from apimctl.portal.replies import Redirect, Reply
from apimctl.portal.routes import Access, Route
from apimctl.portal.visits import Visit

PATH = "/store/admin"


def show_first(_visit: Visit, _db: Connection) -> Reply:
    """Lead to the first of the pages."""
    return Redirect(users.PATH)


ROUTES = (
    Route(PATH, Access.ADMIN, show=show_first),
    *users.ROUTES,
    *user.ROUTES,
    *applications.ROUTES,
    *subscriptions.ROUTES,
    *apis.ROUTES,
    *tiers.ROUTES,
    *audit.ROUTES,
)
