"""The audit log: who did what, the newest first."""

import json
from sqlite3 import Connection
from typing import Any
from urllib.parse import urlencode

from apimctl.domain.models import Via
from apimctl.domain.moments import parse_moment
from apimctl.errors import NotFoundError
from apimctl.portal.forms import Form
from apimctl.portal.lists import read_number
from apimctl.portal.replies import Page, Reply
from apimctl.portal.routes import Access, Route
from apimctl.portal.visits import Visit
from apimctl.services import audit
from apimctl.services.audit import AuditFilter

PATH = "/store/admin/audit"
PAGE_ROWS = 50
FILTERS = ("actor", "via", "action", "target", "since", "until")
LONGEST_ID = 18
"""Digits, of a number that is one of SQLite's."""


def show_all(visit: Visit, db: Connection) -> Reply:
    """List the newest entries that are wanted, or those before the one that the page names."""
    form = Form(PATH, visit.query)
    wanted = _wanted(form, now=visit.now)
    if form.problems:
        return Page("admin_audit.html", _values(form, [], older=None), status=422)
    found = audit.list_newest(db, wanted, limit=PAGE_ROWS + 1)
    shown = found[:PAGE_ROWS]
    older = _query(form, before=str(shown[-1].id)) if len(found) > PAGE_ROWS else None
    return Page("admin_audit.html", _values(form, shown, older=older))


def show(visit: Visit, db: Connection) -> Reply:
    """Show one entry, with its details."""
    entry_id = _entry_id(visit.places["entry"])
    if entry_id is None:
        raise NotFoundError("there is no such entry in the audit log")
    entry = audit.require(db, entry_id)
    details = {name: _written(value) for name, value in entry.details.items()}
    return Page("admin_audit_entry.html", {"entry": entry, "details": details})


def _values(form: Form, entries: list[Any], *, older: str | None) -> dict[str, Any]:
    return {
        "form": form,
        "entries": entries,
        "older": older,
        "newest": _query(form) if form.text("before") else None,
        "is_narrowed": any(form.text(name) for name in FILTERS),
        "ways": [("", "Any way"), *((way, way) for way in Via)],
    }


def _wanted(form: Form, *, now: int) -> AuditFilter:
    """Return what is asked for; what cannot be, the form says."""
    via = form.text("via")
    return AuditFilter(
        action=form.text("action") or None,
        actor=form.text("actor") or None,
        target=form.text("target") or None,
        via=Via(via) if via in set(Via) else None,
        before_id=_entry_id(form.text("before")),
        since=_moment(form, "since", now=now),
        until=_moment(form, "until", now=now),
    )


def _moment(form: Form, name: str, *, now: int) -> int | None:
    if not form.text(name):
        return None
    return form.read(name, lambda text: parse_moment(text, what="time", now=now))


def _query(form: Form, **more: str) -> str:
    """Return the query of another page of the same list."""
    named = {name: form.text(name) for name in FILTERS}
    return urlencode({name: text for name, text in named.items() if text} | more)


def _entry_id(text: str) -> int | None:
    return read_number(text, most_digits=LONGEST_ID)


def _written(value: Any) -> str:
    """Write a value of the details as people read it: a list with commas, else JSON."""
    if isinstance(value, str):
        return value
    if isinstance(value, list) and all(isinstance(each, str) for each in value):
        return ", ".join(value) or "none"
    return json.dumps(value, ensure_ascii=False)


ROUTES = (
    Route(PATH, Access.ADMIN, show=show_all),
    Route(f"{PATH}/{{entry}}", Access.ADMIN, show=show),
)
