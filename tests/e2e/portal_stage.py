"""One user with one of everything, and what fills in each form of the API Store well."""

import re
import sqlite3
from collections.abc import Callable, Mapping
from contextlib import closing
from dataclasses import dataclass, field
from functools import cached_property
from urllib.parse import urlencode, urlsplit

from apimctl.portal.routes import Access, Route
from tests.e2e.conftest import Answer
from tests.e2e.storefront import Shopper, Storefront
from tests.e2e.visitor import FORM

POLICY = (
    "default-src 'none'; style-src 'self'; img-src 'self'; script-src 'self'; form-action 'self'; "
    "frame-ancestors 'none'; base-uri 'none'"
)
HEADERS = {
    "Content-Security-Policy": POLICY,
    "X-Frame-Options": "DENY",
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "no-referrer",
    "Cache-Control": "no-store",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
}

BOTH = {"password": "long enough", "repeated": "long enough"}
OWN_PLACES = ("{application}", "{session}")
"""What stands in the addresses of what is a user's own."""


@dataclass
class Stage:
    """What belongs to one user alone; made when a test comes to it, as most tests use it up."""

    storefront: Storefront
    has_password: bool = False
    """That is the name backwards; to make one is slow."""

    @cached_property
    def user(self) -> str:
        return self.storefront.market.name()

    @cached_property
    def made(self) -> dict[str, str]:
        """The places of addresses, and tokens, as the changer has made them."""
        market = self.storefront.market
        names = {name: market.name() for name in ("api", "spare", "app", "tier", "bare")}
        names["password"] = self.user[::-1] if self.has_password else None
        return market.changer("furnish", user=self.user, url=market.production_url, **names)

    def owner(self) -> Shopper:
        """A browser in which the user has logged in."""
        return Shopper(self.storefront.portal, {"apimctl": self.made["secret"]}, user=self.user)

    def fill(self, text: str, **places: str) -> str:
        """Return an address with the places in it filled in."""
        values = {**self.made, "key_type": "production", **places}
        return re.sub(r"\{(\w+)\}", lambda found: values[found[1]], text)


@dataclass(frozen=True)
class Sample:
    """How one form is sent well.

    `fields` is what is typed, with the names of what the stage has in braces; `page` is where the
    form stands, by default its own address or the nearest page above it. `to_a_stranger` is what
    others get for it, where the address alone does not say; None where they have one of their own.
    """

    fields: Mapping[str, str] = field(default_factory=dict)
    places: Mapping[str, str] = field(default_factory=dict)
    page: str = ""
    to_a_stranger: int | None = None
    prepare: Callable[[Stage], object] = lambda stage: None


def _set_api_state(stage: Stage, verb: str) -> None:
    stage.storefront.market.changer("change_api", name=stage.made["api"], to=verb)


_KEYS = "/store/subscriptions/{application}/{key_type}"
_API = "/store/admin/apis/{api}/{version}"
_USER = "/store/admin/users/{user}"

SAMPLES: Mapping[str, Sample] = {
    "/store/login": Sample({"username": "{username}", "password": "{backwards}"}),
    "/store/logout": Sample(page="/store/profile"),
    "/store/sign-up": Sample({"username": "{unused}", **BOTH}),
    "/store/profile/password": Sample({"current": "{backwards}", **BOTH}),
    "/store/profile/sessions/end": Sample(),
    "/store/profile/sessions/{session}/end": Sample(),
    "/store/apis/{name}/{version}": Sample({"application": "{application}"}, to_a_stranger=422),
    "/store/apis/{name}/{version}/try": Sample(
        {"path": "/", "token": "{access_token}", "send": "1"}
    ),
    "/store/applications/new": Sample({"name": "{unused}"}),
    "/store/applications/{application}": Sample({"name": "{unused}"}),
    "/store/applications/{application}/delete": Sample(),
    "/store/applications/{application}/tokens/{token}/revoke": Sample(),
    "/store/subscriptions/{application}/apis/{subscription}/tier": Sample({"tier": "Gold"}),
    "/store/subscriptions/{application}/apis/{subscription}/unsubscribe": Sample(),
    f"{_KEYS}/generate": Sample(places={"key_type": "sandbox"}),
    f"{_KEYS}/update": Sample({"domains": "example.com"}),
    f"{_KEYS}/regenerate": Sample(),
    f"{_KEYS}/rotate": Sample(),
    f"{_KEYS}/revoke": Sample(),
    f"{_KEYS}/delete": Sample(),
    "/store/tokens": Sample({"token": "{access_token}"}, to_a_stranger=422),
    "/store/tokens/renew": Sample({"token": "{refresh_token}"}, to_a_stranger=422),
    "/store/tokens/revoke": Sample({"token": "{access_token}"}, to_a_stranger=422),
    "/store/admin/users/new": Sample({"name": "{unused}"}),
    f"{_USER}/update": Sample({"roles": "reader"}),
    f"{_USER}/password": Sample(BOTH),
    f"{_USER}/sessions": Sample(),
    f"{_USER}/delete": Sample(places={"user": "{bare}"}),
    "/store/admin/applications/{application}/{subscription}/{verb}": Sample(
        places={"verb": "block"}
    ),
    f"{_API}/retire": Sample(prepare=lambda stage: _set_api_state(stage, "deprecate")),
    f"{_API}/{{verb}}": Sample(places={"verb": "block"}, page="/store/admin/apis?q={api}"),
    "/store/admin/tiers/new": Sample({"name": "{unused}", "requests": "7", "per": "1m"}),
    "/store/admin/tiers/{tier}/change": Sample({"requests": "7"}),
    "/store/admin/tiers/{tier}/delete": Sample(),
}
"""By the path of the route. A new form needs one here: what fills it in well, once."""


@dataclass(frozen=True)
class Filled:
    """A form as it is sent well: by whom, to which address, with what in its fields."""

    sender: Shopper
    path: str
    fields: dict[str, str]


def fill_in(route: Route, stage: Stage, admin: Shopper) -> Filled:
    """Return the form of a route, as it is shown to whom it is for, and filled in well."""
    assert route.path in SAMPLES, (
        f"{route.path} has no sample: say in tests/e2e/portal_stage.py what fills its form in well,"
        " so that every form can be sent as nobody, as a stranger, and as whoever may"
    )
    sample = SAMPLES[route.path]
    stage.has_password = "{backwards}" in sample.fields.values()
    unused = stage.storefront.market.name()
    known = {"username": stage.user, "backwards": stage.user[::-1], "unused": unused}
    places = {name: stage.fill(text, **known) for name, text in sample.places.items()}
    path = stage.fill(route.path, **places)
    sample.prepare(stage)
    sender = _sender(route, stage, admin)
    shown = _form_on(sender, stage.fill(sample.page or path, **places), path)
    typed = {name: stage.fill(text, **known, **places) for name, text in sample.fields.items()}
    return Filled(sender, path, shown | typed)


def _sender(route, stage, admin) -> Shopper:
    """Return the browser of whom a form is for."""
    if route.path in {"/store/login", "/store/sign-up"}:
        return Shopper(stage.storefront.portal)
    return copy_of(admin) if route.access is Access.ADMIN else stage.owner()


def _form_on(shopper, page, path) -> dict[str, str]:
    """Return the form that leads to that path, on the page or the nearest one above it."""
    answer = shopper.visit(page)
    while answer.status in {404, 405} and page.count("/") > 2:
        page = page.rpartition("/")[0]
        answer = shopper.visit(page)
    check_guard(answer)
    forms = {urlsplit(action).path: fields for action, fields in shopper.forms.items()}
    assert path in forms, f"{page} has no form that leads to {path}: name its page in the sample"
    return forms[path]


def copy_of(shopper) -> Shopper:
    return Shopper(shopper.gateway, dict(shopper.cookies), user=shopper.user)


def ask(shopper, path, *, method="GET", fields=None, headers=()) -> Answer:
    """Ask once, and follow no answer."""
    sent = [("Cookie", f"{name}={value}") for name, value in shopper.cookies.items()]
    body = None
    if fields is not None:
        body = urlencode(fields).encode()
        sent.append(("Content-Type", FORM))
    answer = shopper.gateway.send(method, path, headers=[*sent, *headers], body=body)
    check_guard(answer)
    return answer


def check_guard(answer: Answer) -> None:
    """Assert that a page is guarded: by its headers, and as nothing in it is a script."""
    assert {name: answer.headers.get(name) for name in HEADERS} == HEADERS
    for cookie in answer.headers.get_all("Set-Cookie", []):
        assert "; HttpOnly; SameSite=Lax" in cookie
    if answer.status == 303:
        assert not urlsplit(answer.headers["Location"]).netloc
    marks = re.findall(r"<[a-z][^>]*>", answer.body.decode())
    assert answer.status == 303 or marks
    for mark in marks:
        name = re.match(r"<([a-z0-9]+)", mark)[1]
        assert name not in {"style", "iframe", "object", "embed", "base"}, mark
        assert name != "script" or " src=" in mark, mark
        bare = re.sub(r'"[^"]*"', '""', mark)
        assert not re.search(r"\s(?:style|on\w+)=", bare), mark
        assert name != "form" or 'method="post"' in mark or 'method="get"' in mark, mark
        for link in re.findall(r'(?:href|src|action)="([^"]*)"', mark):
            assert not link.startswith(("//", "/", "javascript:", "data:")), mark


def audit_rows(storefront) -> int:
    with closing(sqlite3.connect(f"file:{storefront.market.cli.store}?mode=ro", uri=True)) as db:
        return db.execute("SELECT count(*) FROM audit_entry").fetchone()[0]
