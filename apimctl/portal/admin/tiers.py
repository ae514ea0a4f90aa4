"""The tiers, and own ones made, changed and deleted."""

from sqlite3 import Connection
from typing import NamedTuple
from urllib.parse import quote

from apimctl.domain.models import Tier
from apimctl.domain.names import check_name, check_text, printable
from apimctl.domain.validity import format_duration, parse_duration
from apimctl.errors import InvalidInputError
from apimctl.portal import confirmation
from apimctl.portal.forms import Form
from apimctl.portal.lists import read_number
from apimctl.portal.replies import Page, Redirect, Reply
from apimctl.portal.routes import Access, Post, Route
from apimctl.portal.visits import Visit, fingerprint
from apimctl.services import tiers
from apimctl.services.shapes import changes, tier_shape

PATH = "/store/admin/tiers"
NEW_PATH = f"{PATH}/new"
TIER_PATH = f"{PATH}/{{tier}}"


class _Typed(NamedTuple):
    """What was typed of a tier; of what is wrong, its form says so."""

    requests: int
    per_seconds: int
    description: str


def path_of(tier: Tier, verb: str) -> str:
    """Return the address that does something to a tier."""
    return f"{PATH}/{quote(tier.name, safe='')}/{verb}"


def show_all(_visit: Visit, db: Connection) -> Reply:
    """List the tiers, with how often each is used."""
    uses = tiers.list_uses(db)
    rows = [(tier, uses.get(tier.name, 0)) for tier in tiers.list_all(db)]
    return Page("admin_tiers.html", {"rows": rows, "path_of": path_of})


def show_new(visit: Visit, _db: Connection) -> Reply:
    """Ask for a new tier's name and limit."""
    return Page("admin_tier.html", {"form": visit.form(NEW_PATH), "tier": None, "seen": ""})


def create(visit: Visit, db: Connection) -> Reply:
    """Add a tier."""
    form = visit.submitted()
    name = form.read("name", lambda text: check_name(text, what="tier")) or ""
    typed = _read(form)
    with form.blaming("name"):
        tier = tiers.create(db, name, **typed._asdict())
    limit = {"requests": tier.requests, "per_seconds": tier.per_seconds}
    visit.audit(db, "tier.create", tier.name, **limit)
    return Redirect(PATH, done="tier-created")


def show_change(visit: Visit, db: Connection) -> Reply:
    """Show a tier with its limit, to be changed."""
    tier = tiers.require_own(db, visit.places["tier"])
    form = visit.form(
        visit.path,
        requests=str(tier.requests),
        per=format_duration(tier.per_seconds or 0),
        description=tier.description,
    )
    return Page("admin_tier.html", {"form": form, "tier": tier, "seen": fingerprint(tier)})


def change(visit: Visit, db: Connection) -> Reply:
    """Change a tier, with the next request."""
    before = tiers.require_own(db, visit.places["tier"])
    visit.require_seen(fingerprint(before))
    tier = tiers.update(db, before.name, **_read(visit.submitted())._asdict())
    if tier == before:
        return Redirect(PATH, done="unchanged")
    visit.audit(db, "tier.update", tier.name, **changes(tier_shape(before), tier_shape(tier)))
    return Redirect(PATH, done="tier-updated")


def ask_delete(visit: Visit, db: Connection) -> Reply:
    """Ask whether a tier is to go."""
    tier = tiers.require_own(db, visit.places["tier"])
    return confirmation.ask(
        f"Delete the tier {tier.name}?",
        says=["Nothing may use it: no application, subscription, API or resource."],
        button="Delete tier",
        back=PATH,
        seen=fingerprint(tier),
    )


def delete(visit: Visit, db: Connection) -> Reply:
    """Delete a tier that nothing uses."""
    tier = tiers.require_own(db, visit.places["tier"])
    visit.require_seen(fingerprint(tier))
    tiers.delete(db, tier.name)
    visit.audit(db, "tier.delete", tier.name)
    return Redirect(PATH, done="tier-deleted")


def _read(form: Form) -> _Typed:
    """Return what was typed. Raises FormError for what is wrong in any field of the form."""
    requests = form.read("requests", _parse_requests)
    per_seconds = form.read("per", lambda text: parse_duration(text, what="time"))
    description = form.read("description", lambda text: check_text(text, what="description"))
    form.check()
    return _Typed(requests or 0, per_seconds or 0, description or "")


def _parse_requests(text: str) -> int:
    """Return the number. Raises InvalidInputError."""
    number = read_number(text, most_digits=len(str(tiers.MOST_REQUESTS)))
    if number is None:
        raise InvalidInputError(
            f"{printable(text)!r} is no number of requests"
            if text
            else "the number of requests is missing",
            hint=f"Use a number from 1 to {tiers.MOST_REQUESTS}.",
        )
    return tiers.check_requests(number)


ROUTES = (
    Route(PATH, Access.ADMIN, show=show_all),
    Route(NEW_PATH, Access.ADMIN, show=show_new, post=Post(create, again=show_new)),
    Route(
        f"{TIER_PATH}/change",
        Access.ADMIN,
        show=show_change,
        post=Post(change, again=show_change),
    ),
    Route(
        f"{TIER_PATH}/delete", Access.ADMIN, show=ask_delete, post=Post(delete, again=ask_delete)
    ),
)
