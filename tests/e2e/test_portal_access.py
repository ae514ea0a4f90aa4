"""Every address of the API Store, as nobody, as another subscriber, and as an administrator."""

import hashlib
import sqlite3
from contextlib import closing

import pytest

from apimctl.portal.pages import ROUTES
from apimctl.portal.routes import Access
from tests.e2e.portal_stage import (
    OWN_PLACES,
    SAMPLES,
    Stage,
    ask,
    audit_rows,
    copy_of,
    fill_in,
)
from tests.e2e.storefront import Shopper

PAGES = [route for route in ROUTES if route.show is not None]
FORMS = [route for route in ROUTES if route.post is not None]
CHANGING = {"gateway": "*", "web_session": "used_at"}
"""What the gateway and the portal write by themselves: whole tables, or a column."""


def named(route) -> str:
    return route.path


@pytest.fixture(scope="module")
def storefront(storefront):
    """Give an API Store at which one may sign up."""
    market = storefront.market
    market.changer("configure", file=str(market.cli.config), key="portal.sign_up", value="on")
    return storefront


@pytest.fixture
def stage(storefront):
    storefront.market.changer("forget_sign_ups")
    return Stage(storefront)


@pytest.fixture(scope="module")
def shared(storefront):
    """A user of whom nothing is used up."""
    return Stage(storefront)


@pytest.fixture(scope="module")
def admin(storefront):
    return storefront.admin()


@pytest.fixture(scope="module")
def stranger(storefront):
    return storefront.subscriber()


def contents(storefront) -> dict[str, str]:
    """Return a digest of each table of the store."""
    found = {}
    with closing(sqlite3.connect(f"file:{storefront.market.cli.store}?mode=ro", uri=True)) as db:
        for (table,) in db.execute(
            "SELECT name FROM sqlite_master WHERE type = 'table'"
        ).fetchall():
            skipped = CHANGING.get(table)
            if skipped == "*":
                continue
            columns = [row[1] for row in db.execute(f"PRAGMA table_info({table})")]
            wanted = ", ".join(f'"{column}"' for column in columns if column != skipped)
            rows = sorted(map(repr, db.execute(f"SELECT {wanted} FROM {table}")))
            found[table] = hashlib.sha256("\n".join(rows).encode()).hexdigest()
    return found


def test_every_sample_is_of_a_form():
    assert SAMPLES.keys() == {route.path for route in FORMS}


def test_only_the_way_in_is_open():
    assert {route.path for route in ROUTES if route.access is Access.ANYBODY} == {
        "/store/login",
        "/store/logout",
        "/store/sign-up",
    }
    for route in ROUTES:
        is_admins = route.path.startswith("/store/admin")
        assert (route.access is Access.ADMIN) == is_admins, route.path


@pytest.mark.parametrize("route", PAGES, ids=named)
def test_a_page_is_shown_to_whom_it_is_for(storefront, shared, admin, stranger, route):
    path = shared.fill(route.path, verb="block")
    owner = shared.owner()
    before = contents(storefront)
    for method in ("GET", "HEAD"):
        nobody = Shopper(storefront.portal)
        answer = nobody.gateway.send(method, path)
        if route.access is Access.ANYBODY:
            assert answer.status == 200
        else:
            assert answer.status == 303
            assert answer.headers["Location"].partition("?")[0].endswith("store/login")
            assert answer.body == b""
    is_own = any(place in route.path for place in OWN_PLACES)
    if route.access is Access.ADMIN:
        assert ask(owner, path).status == ask(stranger, path).status == 403
    elif is_own:
        assert ask(stranger, path).status == 404
        assert ask(owner, path).status in {200, 303}
    else:
        assert ask(stranger, path).status in {200, 303}
    assert ask(admin, path).status in {200, 303}
    assert contents(storefront) == before


@pytest.mark.parametrize("route", FORMS, ids=named)
def test_a_form_is_taken_from_whom_it_is_for_and_from_our_own_page(
    storefront, stage, admin, stranger, route
):
    filled = fill_in(route, stage, admin)
    actor, path, fields = filled.sender, filled.path, filled.fields
    before = contents(storefront)

    # From elsewhere, or not from our own page, nothing is taken.
    other = _token_of(stranger)
    for given in (None, "", "0" * 64, other):
        forged = {name: value for name, value in fields.items() if name != "form_token"}
        forged |= {} if given is None else {"form_token": given}
        assert ask(actor, path, method="POST", fields=forged).status == 403
    for header in (
        ("Sec-Fetch-Site", "cross-site"),
        ("Sec-Fetch-Site", "same-site"),
        ("Origin", "https://evil.example"),
        ("Origin", actor.gateway.url.replace("127.0.0.1", "localhost")),
    ):
        answer = ask(actor, path, method="POST", fields=fields, headers=[header])
        assert answer.status == 403
    assert ask(Shopper(storefront.portal), path, method="POST", fields=fields).status == 403
    assert contents(storefront) == before

    # Nor from nobody, or somebody whose it is not.
    if route.access is not Access.ANYBODY:
        nobody = Shopper(storefront.portal)
        nobody.visit("/store/login")
        as_nobody = fields | {"form_token": _token_of(nobody, "/store/login")}
        answer = ask(nobody, path, method="POST", fields=as_nobody)
        assert answer.status == 303
        assert answer.headers["Location"].partition("?")[0].endswith("store/login")
        as_stranger = fields | {"form_token": other}
        expected = SAMPLES[route.path].to_a_stranger
        if route.access is Access.ADMIN:
            expected = 403
        elif any(place in route.path for place in OWN_PLACES):
            expected = 404
        if expected is not None:
            answer = ask(stranger, path, method="POST", fields=as_stranger)
            assert answer.status == expected
    assert contents(storefront) == before

    # From whom it is for, it is, and that stands in the audit log, once.
    rows = audit_rows(storefront)
    own = [("Sec-Fetch-Site", "same-origin"), ("Origin", actor.gateway.url)]
    for _ in range(2):  # the second click
        answer = ask(actor, path, method="POST", fields=fields, headers=own)
        assert answer.status in {200, 303}, answer.body.decode()
        assert "/store/login" not in answer.headers.get("Location", "") or "logout" in path
        assert audit_rows(storefront) == rows + route.post.writes
    assert (contents(storefront) != before) == route.post.writes


def _token_of(shopper, path="/store/logout") -> str:
    shopper = copy_of(shopper) if path == "/store/logout" else shopper
    shopper.visit("/store/profile" if path == "/store/logout" else path)
    return shopper.forms[path]["form_token"]
