"""The APIs that are out: found by what they say, a page at a time."""

import math
from sqlite3 import Connection
from urllib.parse import quote

from apimctl.domain.models import Api
from apimctl.portal.lists import Asked
from apimctl.portal.replies import Page, Reply
from apimctl.portal.routes import Access, Route
from apimctl.portal.visits import Visit
from apimctl.services import catalogue
from apimctl.tables.apis import Listed

PATH = "/store/apis"
SHOWN_AT_ONCE = 24
MOST_VERSIONS = 5
"""In the list; the page of each version names them all."""


def path_of(api: Api | Listed) -> str:
    """Return the address of a version's page."""
    return f"{PATH}/{quote(api.name, safe='')}/{quote(api.version, safe='')}"


def show_all(visit: Visit, db: Connection) -> Reply:
    """List the APIs, or those of which a version says what is searched for."""
    asked = Asked.of(visit)
    offers = catalogue.search(db, asked.q)
    pages = max(1, math.ceil(len(offers) / SHOWN_AT_ONCE))
    page = min(max(1, asked.page), pages)
    first = (page - 1) * SHOWN_AT_ONCE
    return Page(
        "apis.html",
        {
            "offers": offers[first : first + SHOWN_AT_ONCE],
            "found": len(offers),
            "q": asked.q,
            "page": page,
            "pages": pages,
            "most_versions": MOST_VERSIONS,
        },
    )


ROUTES = (Route(PATH, Access.SUBSCRIBER, show=show_all),)
