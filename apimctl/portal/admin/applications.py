"""The applications of all users."""

from sqlite3 import Connection

from apimctl.domain.models import Application
from apimctl.portal.lists import Asked
from apimctl.portal.replies import Page, Reply
from apimctl.portal.routes import Access, Route
from apimctl.portal.visits import Visit
from apimctl.services import overview

PATH = "/store/admin/applications"


def path_of(application: Application) -> str:
    """Return the address of an application's page in the administration."""
    return f"{PATH}/{application.id}"


def show_all(visit: Visit, db: Connection) -> Reply:
    """List the applications, or those in whose name or owner's name the search is found."""
    asked = Asked.of(visit)
    part = overview.list_applications(db, search=asked.q, page=asked.page)
    return Page("admin_applications.html", {"part": part, "q": asked.q})


ROUTES = (Route(PATH, Access.ADMIN, show=show_all),)
