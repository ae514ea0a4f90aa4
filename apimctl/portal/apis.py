"""The APIs that can be subscribed to."""

from sqlite3 import Connection

from apimctl.domain.lifecycle import SERVING
from apimctl.portal.replies import Page, Reply
from apimctl.portal.routes import Access, Route
from apimctl.portal.visits import Visit
from apimctl.services import apis

PATH = "/store/apis"


def show_all(visit: Visit, db: Connection) -> Reply:
    """List the APIs, or those in whose name, context or description the search is found."""
    wanted = visit.query.get("q", "").strip()
    found = [
        api
        for api in apis.list_all(db)
        if api.state in SERVING
        and wanted.casefold() in f"{api.name} {api.context} {api.description}".casefold()
    ]
    return Page("apis.html", {"apis": found, "q": wanted})


ROUTES = (Route(PATH, Access.SUBSCRIBER, show=show_all),)
