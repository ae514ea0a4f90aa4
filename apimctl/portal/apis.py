"""The APIs that are out: found by what they say, a page at a time."""

from sqlite3 import Connection
from urllib.parse import quote

from apimctl.domain.models import Api
from apimctl.portal.replies import Page, Reply
from apimctl.portal.routes import Access, Route
from apimctl.portal.visits import Visit
from apimctl.services import catalogue
from apimctl.tables.apis import Listed

PATH = "/store/apis"
SHOWN_AT_ONCE = 24
MOST_VERSIONS = 5
"""In the list; the page of each version names them all."""

LONGEST_SEARCH = 200


def path_of(api: Api | Listed) -> str:
    """Return the address of a version's page."""
    return f"{PATH}/{quote(api.name, safe='')}/{quote(api.version, safe='')}"


def show_all(visit: Visit, db: Connection) -> Reply:
    """List the APIs, or those of which a version says what is searched for."""
    wanted = visit.query.get("q", "").strip()[:LONGEST_SEARCH]
    offers = catalogue.search(db, wanted)
    pages = max(1, -(-len(offers) // SHOWN_AT_ONCE))
    page = _page_number(visit.query.get("page", ""), last=pages)
    first = (page - 1) * SHOWN_AT_ONCE
    return Page(
        "apis.html",
        {
            "offers": offers[first : first + SHOWN_AT_ONCE],
            "found": len(offers),
            "q": wanted,
            "page": page,
            "pages": pages,
            "most_versions": MOST_VERSIONS,
        },
    )


def _page_number(text: str, *, last: int) -> int:
    """Return the page that is asked for, the nearest one there is; the first for nonsense."""
    is_number = text.isascii() and text.isdigit() and len(text) <= len(str(last))
    return min(max(int(text), 1), last) if is_number else 1


ROUTES = (Route(PATH, Access.SUBSCRIBER, show=show_all),)
