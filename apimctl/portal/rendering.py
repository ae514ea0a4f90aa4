"""Pages of the API Store, from their templates: one layout, one stylesheet, one small script."""

import datetime as dt
from typing import Any

from apimctl.domain.browsers import name_browser
from apimctl.domain.models import Tier
from apimctl.domain.validity import NEVER, format_duration
from apimctl.pages import assets
from apimctl.pages.assets import ICON, STYLE, Asset
from apimctl.pages.rendering import Templates
from apimctl.portal import apis
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


def written_moment(at: int | None) -> str:
    """Write a point in time as people read it, in UTC: ``23 Nov 2026, 15:27 UTC``."""
    if at is None:
        return "never"
    return dt.datetime.fromtimestamp(at, dt.UTC).strftime("%-d %b %Y, %H:%M UTC")


def machine_moment(at: int) -> str:
    """Write a point in time as ``<time datetime>`` has it."""
    return dt.datetime.fromtimestamp(at, dt.UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def written_length(seconds: int | None) -> str:
    """Write a length of time as people type it: ``1h``, ``never``."""
    return format_duration(NEVER if seconds is None else seconds)


def written_age(seconds: int) -> str:
    """Write how long ago something was, as people say it: ``just now``, ``3 days ago``."""
    for name, size in (("day", 86_400), ("hour", 3600), ("minute", 60)):
        count = seconds // size
        if count:
            return f"{count} {name}{'' if count == 1 else 's'} ago"
    return "just now"


def written_limit(tier: Tier) -> str:
    """Write what a tier lets through: ``20 requests a minute``, ``5 requests in 90s``."""
    if tier.requests is None or tier.per_seconds is None:
        return "no limit"
    noun = "request" if tier.requests == 1 else "requests"
    unit = _UNITS.get(tier.per_seconds) or f"in {format_duration(tier.per_seconds)}"
    return f"{tier.requests:,} {noun} {unit}"


_UNITS = {1: "a second", 60: "a minute", 3600: "an hour", 86_400: "a day"}
_TEMPLATES = Templates("apimctl.portal", "apimctl.pages")
_FILTERS: dict[str, Any] = {
    "moment": written_moment,
    "machine_moment": machine_moment,
    "browser": name_browser,
    "duration": written_length,
    "age": written_age,
    "limit": written_limit,
    "address": apis.path_of,
}
_TEMPLATES.environment.filters.update(_FILTERS)
