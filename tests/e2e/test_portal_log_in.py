"""Logging in at the API Store, and out; the session is one with that of the consent page."""

import itertools
import re
from urllib.parse import quote, urlencode, urlsplit

import pytest

from tests.e2e.conftest import Gateway
from tests.e2e.market import running_market
from tests.e2e.storefront import OverTls, Shopper, serving_portal
from tests.e2e.tls import own_certificate, tls_port
from tests.e2e.visitor import Visitor, client_of
from tests.slapd import TEMPLATE, free_port

LOG_IN = "/store/login"
SUBSCRIPTIONS = "/store/subscriptions"

_numbers = itertools.count()


@pytest.fixture(scope="module")
def client(market):
    return client_of(market)


@pytest.fixture
def shopper(storefront):
    """A browser in which nobody is logged in."""
    return storefront.visitor()


@pytest.fixture
def domain(market):
    return f"LOGIN{next(_numbers)}.COM"


@pytest.fixture(scope="module")
def someone(storefront):
    """The browser of somebody who is logged in."""
    return storefront.subscriber()


def is_logged_in(shopper) -> bool:
    shopper.visit("/store/profile")
    return shopper.address != LOG_IN


def wait_for_the_writer(storefront) -> None:
    """Return once all that the portal had to write is written: one thread does it, in order."""
    visitor = storefront.visitor()
    visitor.visit(LOG_IN)
    form = {"form_token": visitor.forms[LOG_IN]["form_token"]}
    assert visitor.post("/store/logout", form).status == 200


def copy_of(shopper) -> Shopper:
    return Shopper(shopper.gateway, dict(shopper.cookies), shopper.address, shopper.answer)


def test_users_of_every_built_in_store_log_in(market, shopper, domain):
    market.changer("create_userstore", domain=domain)
    name = market.user(domain)
    market.changer("create_user", name=name.partition("/")[2], password="of another one")
    assert shopper.log_in(name, "of another one").status == 403
    assert shopper.log_in(name.replace(domain, domain.lower()), name[::-1]).status == 200
    assert f"Account of {name}" in shopper.page


@pytest.mark.needs("slapd", "slapd")
def test_users_of_a_directory_log_in_and_its_trouble_is_told(market, storefront, slapd, domain):
    market.changer("create_userstore", domain=domain, **slapd.by_template)
    shopper = storefront.visitor()
    assert shopper.log_in(f"{domain}/alice", "wrong").status == 403
    shopper.visit(LOG_IN)
    assert "Put its name in front" in shopper.page
    assert shopper.log_in(f"{domain.lower()}/Alice", "ecila").status == 200
    assert f"Account of {domain}/alice" in shopper.page
    away = f"AWAY.{domain}"
    url = f"ldap://localhost:{free_port()}"
    market.changer("create_userstore", domain=away, url=url, user_dn_template=TEMPLATE)
    answer = storefront.visitor().log_in(f"{away}/alice", "ecila")
    assert (answer.status, answer.headers["Retry-After"]) == (503, "1")


def test_a_wrong_password_and_an_unknown_user_look_alike(market, shopper):
    user, pages = market.user(), set()
    for name, password in ((user, "wrong"), ("nobody", "wrong"), (f"OTHER.COM/{user}", "x")):
        answer = shopper.log_in(name, password)
        assert answer.status == 403
        assert shopper.notices == ["The user name or the password is wrong."]
        assert shopper.forms[LOG_IN]["username"] == name
        assert shopper.forms[LOG_IN]["password"] == ""
        pages.add(re.sub(r'value="[^"]*"', "", answer.body.decode()))
    assert len(pages) == 1
    for name, password in ((user, ""), ("", user[::-1]), ("admin", "x"), ("admin", "")):
        assert shopper.log_in(name, password).status == 403


def test_guesses_count_at_the_portal_and_at_the_login_api_alike(market, shopper):
    stall, user, other = market.stall(), market.user(), market.user()
    for name in (user, other):
        market.changer("remember_failures", user=name, count=30)
    assert shopper.log_in(user, "wrong").status == 403
    ask = {"grant_type": "password", "username": user, "password": user[::-1]}
    assert stall.ask(**ask).status == 429
    ask = {"grant_type": "password", "username": other}
    assert stall.ask(**ask, password="wrong").status == 400
    answer = shopper.log_in(other)
    assert answer.status == 429
    assert int(answer.headers["Retry-After"]) > 60
    assert "Too many wrong passwords" in shopper.notices[0]
    assert shopper.forms[LOG_IN]["username"] == other
    market.changer("set_password", name=other, password=other[::-1])
    assert shopper.log_in(other).status == 200


def test_the_cookie_is_out_of_reach_and_new_with_every_log_in(market, shopper):
    user = market.user()
    shopper.visit(LOG_IN)
    planted = copy_of(shopper)
    flags = shopper.answer.headers["Set-Cookie"].split("; ")[1:]
    assert flags == ["Path=/", "HttpOnly", "SameSite=Lax"]
    shopper.log_in(user)
    first = dict(shopper.cookies)
    assert first.keys() == {"apimctl"}
    assert first != planted.cookies
    assert not is_logged_in(planted)
    assert is_logged_in(shopper)
    again = copy_of(shopper)
    again.visit(LOG_IN)
    assert again.address == "/store/apis"  # there is no need to


def test_the_second_click_on_log_in_finds_its_user_logged_in(market, shopper):
    user = market.user()
    shopper.visit(f"{LOG_IN}?next={SUBSCRIPTIONS}")
    form = shopper.forms[LOG_IN] | {"username": user, "password": user[::-1]}
    body = urlencode(form).encode()
    late = copy_of(shopper)
    assert shopper.visit(LOG_IN, method="POST", body=body).status == 200
    # With the cookie as it was, and as it is since.
    assert late.visit(LOG_IN, method="POST", body=body).status == 200
    assert late.cookies == shopper.cookies
    assert late.visit(LOG_IN, method="POST", body=body).status == 200
    assert late.address == SUBSCRIPTIONS
    stranger = Shopper(shopper.gateway, {"apimctl": "0" * 64})
    assert stranger.visit(LOG_IN, method="POST", body=body).status == 403
    assert [row[1] for row in market.changer("audit_of", actor=user)] == ["session.login"]


@pytest.mark.parametrize(
    "wanted",
    [
        *("//evil.example", "/\\evil.example", "\\\\evil.example", "/store//evil.example"),
        *("https://evil.example", "https:evil.example", "javascript:alert(1)", "data:text/html,x"),
        *(
            "/store@evil.example",
            "/store.evil.example",
            "/storefront",
            "store/apis",
            "evil.example",
        ),
        *("/store/../../evil", "/store/..", "/store/.", "/store/%2e%2e/evil", "/store/.%2E/evil"),
        *(
            "/store/..%2fevil",
            "/store/%2e%2e%5cevil",
            "/store/apis\r\nSet-Cookie: x=y",
            "/store/\t/x",
        ),
        *("/store/apis\x00", " /store/apis", "/store/apis#x", "/store/apis?x=//evil", "/authorize"),
        *("/store/login", "/store/login?next=//evil", "/store/logout", "/store/sign-up"),
        *("/store/apis?x=" + "y" * 2000, "/store/\u00e9", "/store/\uff0fevil", ""),
    ],
)
def test_nobody_is_led_to_another_place(storefront, someone, wanted):
    cookie = ("Cookie", f"apimctl={someone.cookies['apimctl']}")
    address = f"{LOG_IN}?next={quote(wanted, safe='')}"
    answer = storefront.portal.send("GET", address, headers=[cookie])
    if "\x00" in wanted:
        assert answer.status == 400
    else:
        assert (answer.status, answer.headers["Location"]) == (303, "../store/apis")


@pytest.mark.parametrize(
    "wanted",
    ["/store/subscriptions", "/store/apis?q=a+b&page=2", "/store/apis/a%20b/1.0.0", "/store"],
)
def test_who_logs_in_comes_to_the_page_that_was_asked_for(market, storefront, wanted):
    shopper = storefront.visitor()
    shopper.visit(f"{LOG_IN}?next={quote(wanted, safe='')}")
    assert shopper.forms[LOG_IN]["next"] == wanted
    user = market.user()
    form = shopper.forms[LOG_IN] | {"username": user, "password": user[::-1]}
    answer = shopper.gateway.send(
        "POST",
        LOG_IN,
        headers=[
            ("Cookie", f"apimctl={shopper.cookies['apimctl']}"),
            ("Content-Type", "application/x-www-form-urlencoded"),
        ],
        body=urlencode(form).encode(),
    )
    assert answer.headers["Location"] == f"..{wanted}"


@pytest.mark.parametrize("age", [{"idle_seconds": 1801}, {"age_seconds": 43_201}])
def test_a_session_ends_by_itself(market, storefront, age):
    user = market.user()
    shopper = storefront.visitor(user)
    market.changer("age_sessions", name=user, **age)
    shopper.visit(f"{SUBSCRIPTIONS}?x=1")
    assert shopper.address == LOG_IN
    assert shopper.forms[LOG_IN]["next"] == f"{SUBSCRIPTIONS}?x=1"


def test_a_session_that_is_used_goes_on(market, storefront):
    user = market.user()
    shopper = storefront.visitor(user)
    for _ in range(3):
        market.changer("age_sessions", name=user, idle_seconds=1500)
        assert is_logged_in(shopper)
        wait_for_the_writer(storefront)
    market.changer("age_sessions", name=user, idle_seconds=1801)
    assert not is_logged_in(shopper)


def test_a_form_that_is_sent_after_the_session_says_so_and_leads_back(market, storefront):
    user = market.user()
    application = market.changer("create_app", name=market.name(), owner=user)
    page = f"{SUBSCRIPTIONS}/{application}"
    shopper = storefront.visitor(user)
    shopper.visit(page)
    market.changer("end_sessions", name=user)
    shopper.send(f"{page}/production/generate")
    assert shopper.address == LOG_IN
    assert "nothing was done. Log in, and send it again" in shopper.page
    shopper.send(LOG_IN, username=user, password=user[::-1])
    assert shopper.address == page
    assert f"{page}/production/generate" in shopper.forms


def test_who_logs_out_has_to_log_in_again(market, storefront):
    user = market.user()
    shopper = storefront.visitor(user)
    shopper.visit("/store/apis")
    kept, form = copy_of(shopper), shopper.forms["/store/logout"]
    shopper.send("/store/logout")
    assert shopper.address == LOG_IN
    assert "You are logged out" in shopper.page
    # So that pages which a browser keeps for going back are not shown again.
    assert shopper.cookies != kept.cookies
    assert not is_logged_in(copy_of(shopper))
    assert not is_logged_in(copy_of(kept))
    # A second click, with the cookie as it is since, and as it was; and another tab's page.
    for again in (copy_of(shopper), kept):
        assert again.post("/store/logout", form).status == 200
        assert again.address == LOG_IN
        assert "You are logged out" in again.page
    assert [row[1] for row in market.changer("audit_of", actor=user)] == [
        "session.login",
        "session.logout",
    ]


@pytest.mark.parametrize("where", ["here", "at the consent page", "everywhere"])
def test_what_was_answered_is_not_shown_again_once_the_session_is_over(
    market, storefront, client, where
):
    user = market.user()
    application = market.changer("create_app", name=market.name(), owner=user)
    path = f"{SUBSCRIPTIONS}/{application}/production/generate"
    shopper = storefront.visitor(user)
    shopper.visit(f"{SUBSCRIPTIONS}/{application}")
    body = urlencode(shopper.forms[path]).encode()
    assert shopper.visit(path, method="POST", body=body).status == 200
    made = shopper.secrets()
    later = copy_of(shopper)
    assert later.visit(path, method="POST", body=body).status == 200
    assert later.secrets() == made
    if where == "here":
        shopper.send("/store/logout")
    elif where == "everywhere":
        market.changer("end_sessions", name=user)
    else:
        visitor = Visitor(market.gateway, dict(shopper.cookies))
        visitor.visit(client.address())
        visitor.send("/authorize/logout")
    later.visit(path, method="POST", body=body)
    assert later.address == LOG_IN
    assert later.secrets() == []


def is_one_session(market, portal, gateway, client) -> None:
    """Log in at one of both, be logged in at the other; log out there, be logged out here."""
    user = market.user()
    shopper = Shopper(portal)
    shopper.log_in(user)
    visitor = Visitor(gateway, dict(shopper.cookies))
    visitor.visit(client.address())
    assert "/authorize/decision" in visitor.forms
    visitor.send("/authorize/logout")
    assert not is_logged_in(shopper)
    visitor.send("/authorize/login", username=user, password=user[::-1])
    shopper = Shopper(portal, dict(visitor.cookies))
    assert is_logged_in(shopper)
    shopper.send("/store/logout")
    visitor.visit(client.address())
    assert "/authorize/login" in visitor.forms
    rows = market.changer("audit_of", actor=user)
    assert [(via, action) for via, action, _, _ in rows] == [
        ("portal", "session.login"),
        ("login_api", "session.logout"),
        ("login_api", "session.login"),
        ("portal", "session.logout"),
    ]


def test_it_is_one_session_with_the_consent_page(market, storefront, client):
    is_one_session(market, storefront.portal, market.gateway, client)


def test_by_https_the_cookie_is_for_https_alone_and_the_session_is_one_too(
    cli, backend, sandbox_backend
):
    with (
        running_market(cli, backend, sandbox_backend, "--tls-port", "0") as market,
        serving_portal(cli) as served,
    ):
        certificate = own_certificate(cli)
        portal = OverTls(served, certificate)
        assert urlsplit(portal.url).scheme == "https"
        shopper = Shopper(portal)
        shopper.visit("/store")
        assert shopper.address == LOG_IN
        assert shopper.cookies.keys() == {"__Host-apimctl"}
        flags = shopper.answer.headers["Set-Cookie"].split("; ")[1:]
        assert flags == ["Path=/", "HttpOnly", "SameSite=Lax", "Secure"]
        plain = market.gateway
        url = f"https://127.0.0.1:{tls_port(plain)}"
        gateway = OverTls(Gateway(url, plain.process, plain.stderr_path), certificate)
        is_one_session(market, portal, gateway, client_of(market))
        # A cookie of plain http is nobody's here.
        user = market.user()
        shopper.log_in(user)
        downgraded = Shopper(portal, {"apimctl": shopper.cookies["__Host-apimctl"]})
        assert not is_logged_in(downgraded)
        foreign = [("Origin", portal.url.replace("https:", "http:"))]
        shopper.visit("/store/profile")
        assert shopper.send("/store/logout", headers=foreign).status == 403
        assert is_logged_in(shopper)
