"""Every field of every form of the API Store, and every address, with what no person would type."""

import itertools
import re
import secrets
from dataclasses import replace
from urllib.parse import quote, urlencode, urljoin

import pytest

from apimctl.portal.pages import ROUTES
from apimctl.portal.routes import Access
from tests.e2e.portal_stage import Filled, Stage, ask, audit_rows, copy_of, fill_in

PAGES = [route for route in ROUTES if route.show is not None]
FORMS = [route for route in ROUTES if route.post is not None]
OUR_OWN = {"form_token", "once", "seen"}
"""Fields that nobody types: the walk through all addresses tries them."""

BAD = {
    "missing": None,
    "blank": " \t ",
    "lines": "a\r\n\r\n" * 500,
    "long": "x" * 10_000,
    "out of range": "-" + "9" * 40,
    "hostile": "\"'><script>alert(1)</script>{{ 10 ** 9 + 7 }}{% x %}../%00'; --",
    "strange": "\u202e\U0001f469\u200d\U0001f680\ufeff\u2028",
    "NUL": "a\0b",
    "not UTF-8": b"\xff\xfe",
    "half a character": b"\xed\xa0\x80",
}
MOST_IN_AN_ADDRESS = 500
ANY_TEXT = ("blank", "lines", "long", "out of range", "hostile", "strange")
"""What is kept as it was typed, where it is refused."""

UNREADABLE = ("NUL", "not UTF-8", "half a character")
IN_QUERIES = ("q", "page", "store", "next", "done", "resource", "application", "after", "before")


def named(route) -> str:
    return route.path


@pytest.fixture(scope="module")
def storefront(storefront):
    """Give an API Store at which one may sign up."""
    market = storefront.market
    market.changer("configure", file=str(market.cli.config), key="portal.sign_up", value="on")
    return storefront


@pytest.fixture(scope="module")
def admin(storefront):
    return storefront.admin()


@pytest.fixture(scope="module")
def other(storefront):
    """A user whose secrets no page may show."""
    stage = Stage(storefront)
    assert stage.made  # now: it is in the audit log, too
    return stage


@pytest.mark.parametrize("route", FORMS, ids=named)
def test_a_field_takes_what_it_can_and_says_why_not(storefront, admin, other, route):
    stage, filled = _filled(storefront, route, admin)
    for name, (kind, value) in itertools.product(_typed(route, filled), BAD.items()):
        fields = filled.fields | {"once": secrets.token_hex(8), name: value}
        sent = {field: text for field, text in fields.items() if text is not None}
        rows = audit_rows(storefront)
        answer = ask(filled.sender, filled.path, method="POST", fields=sent)
        page = _check(answer, stage, other)
        if answer.status >= 400:
            assert audit_rows(storefront) == rows
            assert kind not in UNREADABLE or "Nothing was done. Go back" in page
            if kind in ANY_TEXT and _is_line_or_area(page, name):
                again = replace(filled.sender, address=filled.path, answer=answer).forms
                assert again[filled.path][name].splitlines() == value.splitlines(), kind
            continue
        if answer.status == 303:
            led_to = urljoin(filled.path, answer.headers["Location"])
            _check(ask(filled.sender, led_to), stage, other)
        if route.post.writes:
            stage, filled = _filled(storefront, route, admin)


@pytest.mark.parametrize("route", PAGES, ids=named)
def test_an_address_leads_to_a_page_whatever_stands_in_it(admin, other, route):
    places = re.findall(r"\{(\w+)\}", route.path)
    good = {name: other.made.get(name, "production") for name in places}
    visitor = copy_of(admin)
    for text in filter(None, BAD.values()):
        value = text[:MOST_IN_AN_ADDRESS]
        for name in places:
            path = route.path.format_map(good | {name: quote(value, safe="")})
            _check(ask(visitor, path), other, other)
        query = urlencode(dict.fromkeys(IN_QUERIES, value))
        _check(ask(visitor, f"{route.path.format_map(good)}?{query}"), other, other)


def _filled(storefront, route, admin) -> tuple[Stage, Filled]:
    storefront.market.changer("forget_sign_ups")
    stage = Stage(storefront)
    return stage, fill_in(route, stage, admin)


def _typed(route, filled) -> list[str]:
    """Return the fields that are read, but for those that a page fills in itself."""
    is_about_a_user = "repeated" in filled.fields and route.access is not Access.ANYBODY
    # A user name beside a new password is for the browser's own store of passwords.
    not_read = OUR_OWN | ({"username"} if is_about_a_user else set())
    return [name for name in filled.fields if name not in not_read]


def _check(answer, stage, other) -> str:
    """Assert that an answer is a page without secrets, and that nothing typed is more than text."""
    assert answer.status < 500
    page = answer.body.decode()
    theirs = [other.made[name] for name in ("secret", "access_token", "refresh_token")]
    for text in (*theirs, stage.made["secret"], "$argon2", "<script>alert", "1000000007"):
        assert text not in page
    if answer.status >= 400:
        said = re.findall(r'class="(?:complaint|notice)"[^>]*>.*?</p>|<h1>.*?</h1>', page)
        assert said
        assert BAD["long"][:100] not in "".join(said)
    return page


def _is_line_or_area(page: str, name: str) -> bool:
    return bool(re.search(f'<textarea [^>]*name="{name}"|name="{name}" type="text"', page))
