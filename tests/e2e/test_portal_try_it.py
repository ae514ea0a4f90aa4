"""The console of the API Store: a request to the gateway, and what comes back."""

import json
import re
from html import unescape
from urllib.parse import urlencode

import pytest

from apimctl.domain import credentials
from apimctl.domain.credentials import Kind
from apimctl.domain.models import KeyType
from tests.e2e.storefront import running_portal


@pytest.fixture(scope="module")
def shopper(storefront):
    return storefront.subscriber()


@pytest.fixture(scope="module")
def stall(market):
    return market.stall()


def path_of(stall):
    return f"/store/apis/{stall.name}/1.0.0/try"


def send(shopper, stall, **fields):
    """Send a request from the console as it is when one comes there."""
    shopper.visit(path_of(stall))
    return go_on(shopper, stall, **fields)


def go_on(shopper, stall, **fields):
    """Send a request from the console as it is shown."""
    return shopper.post(path_of(stall), shopper.forms[path_of(stall)] | {"send": "1"} | fields)


def echo(shopper):
    """What the backend was asked, as the page shows its answer."""
    body = re.search(r"<pre[^>]*><code>(.*?)</code>", shopper.answer.body.decode(), re.DOTALL)
    return json.loads(unescape(body[1]))


def test_a_request_reaches_the_backend_with_all_that_was_typed(shopper, stall):
    answer = send(
        shopper,
        stall,
        method="PUT",
        path="/users/7 é",
        query="?q=a b&c=%2B",
        token=stall.token,
        domain="https://app.example",
        headers="Accept: application/json\r\nX-Mine: 1",
        body='{"a":\r\n1}',
    )
    assert answer.status == 200
    assert "200 OK" in shopper.page
    asked = echo(shopper)
    assert asked["backend"] == "production"
    assert asked["method"] == "PUT"
    assert asked["target"] == "/users/7%20%C3%A9?q=a%20b&c=%2B"
    assert asked["body"] == '{"a":\n1}'
    headers = {name.lower(): value for name, value in asked["headers"]}
    assert headers["accept"] == "application/json"
    assert headers["x-mine"] == "1"
    assert headers["domain"] == "https://app.example"
    assert headers["content-type"] == "application/json"
    assert "cookie" not in headers
    assert "authorization" not in headers
    assert "X-Backend production" in shopper.page
    curl = next(line for line in shopper.page.split("Copy") if "curl" in line)
    assert "Bearer $TOKEN" in curl
    assert stall.token not in curl


def test_what_was_typed_stays_for_the_next_request(shopper, stall):
    typed = {
        "method": "GET",
        "path": "/a/b",
        "query": "x=1",
        "token": stall.token,
        "headers": "A: b",
    }
    send(shopper, stall, **typed)
    form = shopper.forms[path_of(stall)]
    assert typed.items() <= form.items()
    assert shopper.address == path_of(stall)
    go_on(shopper, stall, path="/c")
    assert echo(shopper)["target"] == "/c?x=1"


@pytest.mark.parametrize(
    ("spoil", "said"),
    [
        (lambda stall: {"token": ""}, "none was sent"),
        (lambda stall: {"token": stall.token[:-1]}, "mistyped"),
        (lambda stall: {"token": stall.market.stall().token}, "has not subscribed"),
        (lambda stall: {"token": stall.market.stall(domains="a.example").token}, "allowed domains"),
        (lambda stall: {"path": "/close"}, "backend cannot be reached"),
    ],
)
def test_a_fault_is_explained(shopper, stall, spoil, said):
    send(shopper, stall, **({"token": stall.token} | spoil(stall)))
    assert said in shopper.page
    assert '"fault"' in shopper.page


@pytest.mark.parametrize(
    ("field", "text", "said"),
    [
        ("path", "http://evil.example/", "does not start with /"),
        ("path", "@evil.example", "does not start with /"),
        ("path", "/../other/1.0.0/x", "for a segment"),
        ("path", "/x/..%2F..%2Fother", "for a segment"),
        ("path", "/x\r\nHost: evil.example", "control characters"),
        ("path", "/users/{id}", "in place of {id}"),
        ("query", "a\r\nX: 1", "control characters"),
        ("method", "TRACE", "no resource with this method"),
        ("headers", "Host: evil.example", "not yours to send"),
        ("headers", "Authorization: Bearer x", "a field of its own"),
        ("headers", "X-Forwarded-For: 127.0.0.1", "not yours to send"),
        ("headers", "no header", "is no header"),
        ("domain", "a\r\nX: 1", "no header can have"),
        ("token", "two words", "no spaces"),
        (
            "token",
            credentials.encode(Kind.CONSUMER_SECRET, KeyType.PRODUCTION, bytes(22)),
            "this is a consumer secret",
        ),
    ],
)
def test_what_is_not_to_be_sent_is_refused_beside_its_field(shopper, stall, field, text, said):
    answer = send(shopper, stall, **{"token": stall.token, field: text})
    assert answer.status == 422
    assert said.lower() in shopper.complaint(field).lower()
    if field != "method":
        shown = shopper.forms[path_of(stall)][field].replace("\r", "")
        assert shown == text.replace("\r", "").strip("\n")
    assert "curl" not in shopper.page.partition("Answer")[2].replace("for curl", "")


def test_methods_are_those_of_the_resources_and_a_resource_fills_the_form_in(shopper, market):
    stall = market.stall()
    for methods, pattern in ((["GET"], "/users/{id}"), (["POST", "GET"], "/files/*")):
        stall.change("create_resource", api=stall.name, methods=methods, pattern=pattern)
    shopper.visit(path_of(stall))
    page = shopper.answer.body.decode()
    assert re.findall(r'<option value="([A-Z]+)"', page) == ["GET", "POST"]
    assert 'name="resource" value="GET /users/{id}"' in page
    go_on(shopper, stall, send="", resource="GET /users/{id}", token=stall.token, path="/old")
    form = shopper.forms[path_of(stall)]
    assert (form["method"], form["path"], form["token"]) == ("GET", "/users/{id}", stall.token)
    shopper.visit(path_of(stall).removesuffix("/try"))
    (link,) = [link for link in shopper.links if "files" in link]
    shopper.visit(link)
    assert shopper.forms[path_of(stall)]["path"] == "/files/"
    assert send(shopper, stall, method="DELETE", path="/users/1").status == 422


def test_a_token_comes_from_another_page_by_post_and_from_no_address(shopper, stall):
    page = shopper.visit(f"{path_of(stall)}?token={stall.token}&path=/x").body.decode()
    assert stall.token not in page.partition("<main")[2]
    form = shopper.forms[path_of(stall)]
    own = {"form_token": form["form_token"], "once": "from-another-page", "token": stall.token}
    assert shopper.post(path_of(stall), own).status == 200
    assert shopper.forms[path_of(stall)]["token"] == stall.token
    assert "The body" not in shopper.page
    go_on(shopper, stall, path="/y")
    assert echo(shopper)["target"] == "/y"


def test_a_double_click_sends_one_request(shopper, stall):
    shopper.visit(path_of(stall))
    form = shopper.forms[path_of(stall)] | {"send": "1", "token": stall.token, "path": "/once"}
    first, second = (shopper.post(path_of(stall), form).body for _ in range(2))
    assert first == second


def test_no_token_stays_anywhere(storefront, shopper, stall):
    send(shopper, stall, token=stall.token, path="/a")
    send(shopper, stall, token=stall.token, path="/../a")
    cli = storefront.market.cli
    for path in (storefront.portal.stderr_path, *cli.home.rglob("*.db*")):
        if path.is_file():
            assert stall.token.encode() not in path.read_bytes(), path


def test_a_hostile_answer_is_text(shopper, stall):
    send(shopper, stall, method="POST", token=stall.token, body="</code><script>alert(1)</script>")
    page = shopper.answer.body.decode()
    assert "<script>alert" not in page
    assert "&lt;script&gt;alert" in page


def test_without_a_gateway_nothing_is_sent_and_the_page_says_so(cli):
    from tests.e2e.market import Market, running_changer  # noqa: PLC0415

    with running_changer(cli) as changer:
        changer("create_api", name="lonely", production_url="http://127.0.0.1:1")
        with running_portal(Market(cli, None, changer, "", "")) as storefront:
            shopper = storefront.subscriber()
            shopper.visit("/store/apis/lonely/1.0.0/try")
            assert "No gateway runs" in shopper.page
            assert shopper.send("/store/apis/lonely/1.0.0/try", send="1").status == 503
            assert "No gateway runs" in shopper.notices[0]


def test_a_gateway_with_tls_is_known_by_its_certificate_and_told_who_asks(cli, backend):
    from tests.e2e.market import running_market  # noqa: PLC0415

    cli.ok("config", "set", "gateway.trusted_proxies", "127.0.0.1")
    with (
        running_market(cli, backend, backend, "--tls-port", "0") as market,
        running_portal(market) as storefront,
    ):
        stall = market.stall()
        shopper = storefront.subscriber()
        shopper.visit(path_of(stall))
        form = shopper.forms[path_of(stall)] | {"send": "1", "token": stall.token, "path": "/x"}
        from_afar = ("X-Forwarded-For", "203.0.113.7")
        shopper.visit(
            path_of(stall), method="POST", body=urlencode(form).encode(), headers=[from_afar]
        )
        asked = echo(shopper)
        assert asked["target"] == "/x"
        headers = {name.lower(): value for name, value in asked["headers"]}
        assert headers["x-forwarded-for"] == "203.0.113.7, 127.0.0.1"
        assert headers["x-forwarded-proto"] == "https"
        assert re.search(r"https://127\.0\.0\.1:[0-9]+/stall", shopper.page)
