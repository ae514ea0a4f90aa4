"""`/authorize` over the socket: what it refuses, and where it sends nobody."""

from urllib.parse import parse_qsl, urlencode, urlsplit

import pytest

from tests.e2e.visitor import CALLBACK, CHALLENGE, PKCE, Visitor, client_of

LOOPBACK = ("http://127.0.0.1/back", "http://[::1]:8000/back?a=b", "http://localhost:3000/back")


@pytest.fixture(scope="module")
def user(market):
    return market.user()


@pytest.fixture(scope="module")
def client(market):
    return client_of(market)


@pytest.fixture(scope="module")
def public(market):
    return client_of(market, is_public=True)


def is_page(answer, status) -> bool:
    """Say whether the answer is a page of ours that nobody may frame, keep, or add to."""
    assert answer.headers["Content-Type"] == "text/html; charset=utf-8"
    policy = answer.headers["Content-Security-Policy"]
    directives = dict(part.strip().partition(" ")[::2] for part in policy.split(";"))
    assert directives["default-src"] == "'none'"
    assert directives["frame-ancestors"] == "'none'"
    assert directives["base-uri"] == "'none'"
    assert "unsafe" not in policy
    assert answer.headers["X-Frame-Options"] == "DENY"
    assert answer.headers["X-Content-Type-Options"] == "nosniff"
    assert answer.headers["Referrer-Policy"] == "no-referrer"
    assert answer.headers["Cache-Control"] == "no-store"
    assert "Location" not in answer.headers
    assert b"<script" not in answer.body
    return answer.status == status


def is_error_page(visitor, status=400) -> bool:
    assert not visitor.forms
    return is_page(visitor.answer, status)


def error_of(visitor) -> str:
    """Return the error that the application is told of, with its state and our name."""
    assert visitor.location.startswith(CALLBACK)
    told = visitor.told
    assert told.keys() == {"error", "error_description", "state", "iss"}
    assert told["iss"] == visitor.gateway.url
    return told["error"]


def test_every_page_is_protected(client, user):
    visitor = client.visitor()
    assert is_page(visitor.answer, 200)
    assert is_page(visitor.log_in(user, "wrong"), 403)
    assert is_page(visitor.log_in(user), 200)
    assert "/authorize/decision" in visitor.forms
    assert is_page(visitor.visit("/authorize"), 400)


def test_the_style_of_the_pages_is_ours_and_may_be_kept(client):
    visitor = client.visitor()
    (style,) = [part for part in visitor.answer.body.decode().split('"') if part.endswith(".css")]
    answer = visitor.gateway.get(f"/{style}")
    assert (answer.status, answer.headers["Content-Type"]) == (200, "text/css; charset=utf-8")
    assert "immutable" in answer.headers["Cache-Control"]
    assert "url(" not in answer.body.decode()
    assert visitor.gateway.send("POST", f"/{style}", body=b"").status == 405


@pytest.mark.parametrize(
    "uri",
    [
        "https://evil.example/back",
        "https://client.example/back/",
        "https://client.example/back/more",
        "https://client.example/back?x=1",
        "https://client.example/back#x",
        "https://client.example/Back",
        "https://CLIENT.example/back",
        "https://client.example:443/back",
        "https://client.example.evil.net/back",
        "https://client.example@evil.net/back",
        "https://evil.net/https://client.example/back",
        "http://client.example/back",
        "//client.example/back",
        "/back",
        "javascript:alert(1)//client.example/back",
        "data:text/html,x",
        "https://client.example/back\r\nSet-Cookie: a=b",
        "https://client.example/back\n",
        " https://client.example/back",
        "https://client.example/b\u00e4ck",
        "https://client.example/ba%63k",
        "https://client.example/x/../back",
        "https://client.example\\@evil.net/back",
        '"',
        "x" * 5000,
    ],
)
def test_nobody_is_sent_to_a_place_that_was_not_registered(client, user, uri):
    assert is_error_page(client.visitor(redirect_uri=uri))
    assert is_error_page(client.visitor(redirect_uri=uri, response_type="token"))
    # No more in a form of ours that was tampered with.
    visitor = client.logged_in(user)
    form = client.parameters(redirect_uri=uri)
    assert is_page(visitor.decide("allow", request=urlencode(form)), 400)


@pytest.mark.parametrize("client_id", [None, "", "nobody", "\u00e9", '"', "x" * 5000])
def test_an_unknown_client_gets_nobody_sent(client, client_id):
    assert is_error_page(client.visitor(client_id=client_id))


def test_without_one_registered_place_the_request_has_to_name_one(market):
    assert is_error_page(client_of(market, callback_urls=()).visitor())
    assert is_error_page(client_of(market, callback_urls=()).visitor(redirect_uri=None))
    several = client_of(market, callback_urls=(CALLBACK, "https://client.example/2"))
    assert is_error_page(several.visitor(redirect_uri=None))
    assert several.visitor(redirect_uri="https://client.example/2").forms


def test_the_port_of_a_loopback_address_is_the_clients_to_choose(market, user):
    client = client_of(market, callback_urls=LOOPBACK)
    for uri in (
        "http://127.0.0.1:51000/back",
        "http://127.0.0.1/back",
        "http://[::1]:1/back?a=b",
        "http://localhost:3000/back",
    ):
        visitor = client.logged_in(user, redirect_uri=uri)
        visitor.decide("allow")
        assert visitor.location.startswith(uri)
        assert client.redeem(visitor.told["code"], redirect_uri=uri).status == 200
    for uri in (
        "http://127.0.0.1:51000/other",
        "http://127.0.0.1:x/back",
        "http://127.0.0.1:123456/back",
        "http://127.0.0.1:80@evil.net/back",
        "http://127.0.0.1.evil.net/back",
        "http://127.0.0.2/back",
        "https://127.0.0.1/back",
        "http://[::1]:8000/back",
        "http://localhost:3001/back",
        "http://127.0.0.1:51000/back\n",
    ):
        assert is_error_page(client.visitor(redirect_uri=uri)), uri
    code = client.code(user, redirect_uri="http://127.0.0.1:51000/back")
    other = client.redeem(code, redirect_uri="http://127.0.0.1:51001/back")
    assert other.json["error"] == "invalid_grant"


def test_the_query_of_a_redirect_uri_stays(market, user):
    uri = "https://client.example/back?a=b%20c&d=%2F&e"
    client = client_of(market, callback_urls=[uri])
    visitor = client.logged_in(user, redirect_uri=uri)
    visitor.decide("deny")
    assert visitor.location.startswith(f"{uri}&error=access_denied&")
    assert client.visitor(redirect_uri=uri, scope="none").location.startswith(f"{uri}&error=inv")


@pytest.mark.parametrize("uri", ["com.example.app:/back", "com.example.app:///back"])
def test_an_app_of_a_private_scheme_gets_its_user_back(market, user, uri):
    client = client_of(market, is_public=True, callback_urls=[uri])
    visitor = client.logged_in(user, redirect_uri=uri)
    assert "com.example.app:" in visitor.answer.headers["Content-Security-Policy"]
    visitor.decide("allow")
    assert visitor.location.startswith(f"{uri}?code=apim_ac")


@pytest.mark.parametrize(
    ("changes", "error"),
    [
        ({"response_type": None}, "invalid_request"),
        ({"response_type": "token"}, "unsupported_response_type"),
        ({"response_type": "code token"}, "unsupported_response_type"),
        ({"response_type": "CODE"}, "unsupported_response_type"),
        ({"response_type": '"\u00e9\\'}, "unsupported_response_type"),
        ({"response_mode": "fragment"}, "invalid_request"),
        ({"response_mode": "form_post"}, "invalid_request"),
        ({"scope": "unheard-of"}, "invalid_scope"),
        ({"scope": '"\u00e9'}, "invalid_scope"),
        ({"code_challenge": CHALLENGE}, "invalid_request"),
        ({"code_challenge": CHALLENGE, "code_challenge_method": "plain"}, "invalid_request"),
        ({"code_challenge": CHALLENGE, "code_challenge_method": "s256"}, "invalid_request"),
        ({"code_challenge": CHALLENGE, "code_challenge_method": '"'}, "invalid_request"),
        ({"code_challenge_method": "S256"}, "invalid_request"),
        (PKCE | {"code_challenge": CHALLENGE[:-1]}, "invalid_request"),
        (PKCE | {"code_challenge": CHALLENGE + "\n"}, "invalid_request"),
        (PKCE | {"code_challenge": CHALLENGE + "="}, "invalid_request"),
        (PKCE | {"code_challenge": "x" * 128}, "invalid_request"),
    ],
)
def test_what_cannot_be_asked_for_is_told_to_the_application(client, changes, error):
    assert error_of(client.visitor(**changes)) == error


@pytest.mark.parametrize(
    "changes",
    [
        {"code_challenge": None, "code_challenge_method": None},
        {"code_challenge": None},
        {"code_challenge_method": None},
        {"code_challenge_method": "plain"},
    ],
)
def test_a_public_client_has_to_use_pkce(public, changes):
    assert error_of(public.visitor(**changes)) == "invalid_request"


def test_a_client_may_ask_for_the_one_response_mode(client):
    assert client.visitor(response_mode="query").forms


def test_no_state_is_sent_where_none_came(client, user):
    for state in (None, ""):
        visitor = client.logged_in(user, state=state)
        visitor.decide("allow")
        assert visitor.told.keys() == {"code", "iss"}


@pytest.mark.parametrize(
    "more",
    [
        b"&state=2",
        b"&client_id=x",
        b"&redirect_uri=https%3A%2F%2Fevil.example%2F",
        b"&a=1&a=2",
        b"&x=%00",
        b"&x=%ff",
        b"&x=\xff",
        b"".join(b"&p%d=1" % number for number in range(200)),
        b"&x=" + b"x" * 6200,
        b"&x=" + b"x" * 10_000_000,
        b"".join(b"&p%d=1" % number for number in range(10_000)),
    ],
    ids=lambda more: more[:12],
)
@pytest.mark.parametrize("method", ["GET", "POST"])
def test_a_malformed_request_is_answered_with_a_page(client, method, more):
    visitor = Visitor(client.stall.market.gateway)
    asked = urlencode(client.parameters()).encode() + more
    if method == "POST":
        visitor.visit("/authorize", method="POST", body=asked)
    elif b"\xff" in more or len(asked) > 8000:
        return  # no address is like that; a form may be
    else:
        visitor.visit(f"/authorize?{asked.decode()}")
    assert is_error_page(visitor)


@pytest.mark.parametrize("content_type", ["application/json", "text/plain", ";"])
def test_a_form_of_another_type_is_refused(client, content_type):
    visitor = Visitor(client.stall.market.gateway)
    headers = [("Content-Type", content_type)]
    visitor.visit("/authorize", method="POST", body=b"{}", headers=headers)
    assert is_error_page(visitor)


@pytest.mark.parametrize(
    ("path", "allowed"),
    [
        ("/authorize", "GET, HEAD, POST"),
        *((f"/authorize/{step}", "POST") for step in ("login", "decision", "logout")),
    ],
)
def test_another_method_is_405(client, path, allowed):
    for method in ("PUT", "DELETE", "OPTIONS") if "GET" in allowed else ("GET", "HEAD", "PUT"):
        answer = client.stall.market.gateway.send(method, path)
        assert (answer.status, answer.headers["Allow"]) == (405, allowed)


def test_head_is_answered_as_get_without_a_body(client):
    answer = client.stall.market.gateway.send("HEAD", client.address())
    assert (answer.status, answer.body) == (200, b"")


def test_what_a_page_shows_is_escaped(market, user):
    client = client_of(market)
    name = """<b>"'&</b>"""
    client.stall.change("update_app", name=client.stall.name, new_name=name)
    for visitor in (client.visitor(state='"><script>'), client.logged_in(user, state='"><i>')):
        page = visitor.answer.body.decode()
        assert "&lt;b&gt;" in page
        assert "<b>" not in page
        assert "<script" not in page
        assert "<i>" not in page


def test_user_stores_are_spoken_of_where_there_are_any(market, client):
    def speaks() -> bool:
        return b"another user store" in client.visitor().answer.body

    assert not speaks()
    market.changer("create_userstore", domain="HINTED.COM")
    assert speaks()
    market.changer("delete_userstore", domain="HINTED.COM")
    assert not speaks()


def test_an_error_page_repeats_nothing(client):
    visitor = client.visitor(redirect_uri="https://evil.example/call-me", state="tell-tale")
    assert is_error_page(visitor)
    page = visitor.answer.body.decode()
    assert "call-me" not in page
    assert "tell-tale" not in page


def test_the_grant_can_be_taken_from_everybody(market, client, user):
    setting = {"file": str(market.cli.config), "key": "login_api.grants"}
    code = client.code(user)
    market.changer("configure", **setting, value="client_credentials")
    assert error_of(client.visitor()) == "unauthorized_client"
    assert client.redeem(code).json["error"] == "unauthorized_client"
    metadata = market.gateway.get("/.well-known/oauth-authorization-server").json
    assert "authorization_endpoint" not in metadata
    assert metadata["response_types_supported"] == []
    market.changer("configure", **setting, value=None)
    assert client.redeem(code).status == 200


def test_the_way_back_after_a_log_in_is_the_request_as_it_came(client, user):
    visitor = client.visitor(state="a b", unknown="kept")
    request = visitor.forms["/authorize/login"]["request"]
    assert dict(parse_qsl(request)) == client.parameters(state="a b", unknown="kept")
    visitor.log_in(user)
    assert urlsplit(visitor.address).path == "/authorize"
