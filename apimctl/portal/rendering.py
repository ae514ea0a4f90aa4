"""Pages of the API Store, from their templates: one layout, one stylesheet, one small script."""

from typing import Any

from apimctl.domain.browsers import name_browser
from apimctl.pages import assets
from apimctl.pages.assets import ICON, STYLE, Asset
from apimctl.pages.rendering import Templates
from apimctl.portal import apis, wording
from apimctl.portal.forms import Problem
from apimctl.portal.replies import DONE, Page
from apimctl.portal.visits import Visit

SCRIPT = assets.read("store.js", "text/javascript; charset=utf-8", package=__package__)

ASSETS: dict[str, Asset] = {asset.path: asset for asset in (STYLE, ICON, SCRIPT)}
"""What the pages consist of beside their text, by path."""

DEEPEST = 16

HEADERS = [
    ("Cross-Origin-Opener-Policy", "same-origin"),
    ("Cross-Origin-Resource-Policy", "same-origin"),
    ("Permissions-Policy", "camera=(), geolocation=(), microphone=()"),
]
"""Of every page, beside those of all our pages."""


def root_of(path: str) -> str:
    """Return what leads from an address to the front door: ``""`` from ``/store``.

    No page of ours is as deep as some addresses that are asked for.
    """
    return "../" * min(path.count("/") - 1, DEEPEST)


def render(visit: Visit, page: Page) -> bytes:
    """Return a page. Its forms carry what shows that they are ours, and a number of their own."""
    return _TEMPLATES.render(
        page.template,
        root=visit.root,
        script=visit.root + SCRIPT.path.removeprefix("/"),
        visit=visit,
        person=visit.person,
        form_token=visit.browser.form_token(),
        once=visit.random(16).hex(),
        done=DONE.get(visit.query.get("done", "")),
        refused=visit.refused,
        **page.values,
    )


def trouble(path: str, problem: Problem) -> bytes:
    """Return a page that says what is wrong. Nothing that came with the request is repeated."""
    return _TEMPLATES.render("trouble.html", root=root_of(path), problem=problem)


_TEMPLATES = Templates("apimctl.portal", "apimctl.pages")
_FILTERS: dict[str, Any] = {
    "moment": wording.written_moment,
    "machine_moment": wording.machine_moment,
    "browser": name_browser,
    "duration": wording.written_length,
    "age": wording.written_age,
    "limit": wording.written_limit,
    "address": apis.path_of,
}
_TEMPLATES.environment.filters.update(_FILTERS)
