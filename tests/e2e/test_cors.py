"""What pages of other origins may do, over real sockets."""

import pytest

from tests.e2e.expectations import is_fault

APP = "https://app.example.com"
OTHER = "https://evil.example.net"
ALLOWED = "Authorization, Content-Type, domain"
EXPOSED = "RateLimit, RateLimit-Policy, Retry-After, WWW-Authenticate"
CORS = "access-control-"


@pytest.fixture(scope="module")
def stall(market):
    """Give an API that one app may read, with some resources."""
    made = market.stall(cors_origins=[APP])
    for pattern, methods in (("/users/{id}", ["GET", "PUT"]), ("/any/*", ["*"])):
        made.change("create_resource", api=made.name, pattern=pattern, methods=methods)
    return made


def preflight(stall, rest="/users/7", *, origin=APP, method="GET", headers=None):
    asked = [("Origin", origin), ("Access-Control-Request-Method", method)]
    asked += [("Access-Control-Request-Headers", headers)] if headers else []
    path = f"/{stall.name}/1.0.0{rest}"
    return stall.market.gateway.send("OPTIONS", path, headers=asked)


def call(stall, token=None, *, origin=APP, rest="/users/7"):
    return stall.call(token, headers={"Origin": origin} if origin else {}, rest=rest)


def cors_of(answer):
    found = [(name.lower(), value) for name, value in answer.headers.items()]
    shared = {name.removeprefix(CORS): value for name, value in found if name.startswith(CORS)}
    assert len(shared) == sum(name.startswith(CORS) for name, _ in found)
    return shared


SHARED = {"allow-origin": APP, "expose-headers": EXPOSED}


@pytest.mark.parametrize(
    ("rest", "method", "methods"),
    [
        ("/users/7", "GET", "GET, HEAD, PUT"),
        ("/users/7", "DELETE", "GET, HEAD, PUT"),
        ("/any/x", "POST", "DELETE, GET, HEAD, OPTIONS, PATCH, POST, PUT"),
        ("/any/x", "PROPFIND", "DELETE, GET, HEAD, OPTIONS, PATCH, POST, PROPFIND, PUT"),
        ("/any/x", "a, b", "DELETE, GET, HEAD, OPTIONS, PATCH, POST, PUT"),
    ],
)
def test_a_preflight_is_answered_without_a_token(stall, rest, method, methods):
    answer = preflight(stall, rest, method=method)
    assert (answer.status, answer.body) == (204, b"")
    assert cors_of(answer) == {
        "allow-origin": APP,
        "allow-methods": methods,
        "allow-headers": ALLOWED,
        "max-age": "600",
    }
    assert answer.headers["Vary"] == (
        "Origin, Access-Control-Request-Method, Access-Control-Request-Headers"
    )
    assert "Server" not in answer.headers
    assert "Content-Type" not in answer.headers


def test_a_preflight_allows_the_headers_it_asks_for(stall):
    answer = preflight(stall, headers="authorization, x-requested-with,if-match, b@d, ,x y")
    assert cors_of(answer)["allow-headers"] == f"{ALLOWED}, x-requested-with, if-match"


@pytest.mark.parametrize("origin", [OTHER, "null", f"{APP}.evil.net", "http://app.example.com", ""])
def test_another_origin_is_told_nothing(stall, origin):
    answer = preflight(stall, origin=origin)
    assert (answer.status, cors_of(answer)) == (204, {})
    for token in (stall.token, None):
        answer = call(stall, token, origin=origin)
        assert cors_of(answer) == {}
        assert answer.headers["Vary"] == "Origin"


def test_a_preflight_of_an_unknown_path_is_404(stall, market):
    answer = preflight(stall, "/nothing")
    assert is_fault(answer, 404, 900906, answer.json["fault"]["message"])
    assert cors_of(answer) == SHARED
    answer = market.gateway.send(
        *("OPTIONS", "/nothing/1.0.0/x"),
        headers={"Origin": APP, "Access-Control-Request-Method": "GET"},
    )
    assert (answer.status, cors_of(answer)) == (404, {})


def test_options_that_ask_for_nothing_are_a_request_like_any_other(stall):
    path = f"/{stall.name}/1.0.0/any/x"
    send = stall.market.gateway.send
    assert send("OPTIONS", path, headers={"Origin": APP}).status == 401
    assert send("OPTIONS", path, headers={"Access-Control-Request-Method": "GET"}).status == 401
    passed = send("OPTIONS", path, token=stall.token, headers={"Origin": APP})
    assert (passed.status, passed.json["method"]) == (200, "OPTIONS")


def test_answers_of_the_backend_are_shared(stall):
    answer = call(stall, stall.token)
    assert (answer.status, cors_of(answer)) == (200, SHARED)
    assert answer.headers["Vary"] == "Origin"
    assert answer.headers.get_all("Set-Cookie") == ["first=1", "second=2"]
    without = call(stall, stall.token, origin=None)
    assert (without.status, cors_of(without)) == (200, {})
    assert without.headers["Vary"] == "Origin"


def test_faults_are_shared(stall, market):
    assert is_fault(call(stall), 401, 900902, "Missing Credentials")
    path = f"/{stall.name}/1.0.0/users/7"
    faults = {
        401: call(stall),
        404: call(stall, stall.token, rest="/nothing"),
        405: market.gateway.send("DELETE", path, headers={"Origin": APP}),
    }
    stranger = market.stall()
    faults[403] = call(stall, stranger.token)
    for status, answer in faults.items():
        assert (answer.status, cors_of(answer)) == (status, SHARED)
        assert answer.headers["Vary"] == "Origin"
    assert faults[405].headers["Allow"] == "GET, HEAD, PUT"


def test_faults_of_the_backend_and_of_a_blocked_api_are_shared(market):
    stall = market.stall(cors_origins=[APP])
    answer = call(stall, stall.token, rest="/close")
    assert (answer.status, cors_of(answer)) == (502, SHARED)
    stall.change("change_api", name=stall.name, to="block")
    answer = call(stall, stall.token)
    assert (answer.status, cors_of(answer)) == (503, SHARED)
    assert preflight(stall).status == 204


BACKEND = (
    b"HTTP/1.1 200 OK\r\nAccess-Control-Allow-Origin: *\r\naccess-control-allow-methods: TRACE\r\n"
    b"Access-Control-Allow-Credentials: true\r\nAccess-Control-Max-Age: 99\r\n"
    b"Access-Control-Allow-Headers: x\r\nAccess-Control-Expose-Headers: X-Total\r\n"
    b"Vary: Accept\r\nContent-Length: 0\r\n\r\n"
)


@pytest.mark.parametrize("origin", [APP, OTHER])
def test_the_backends_own_word_on_cors_is_not_heard(wire, origin):
    wire.stall.change("update_api", name=wire.stall.name, cors_origins=[APP])
    client, backend = wire.request(b"Origin: " + origin.encode())
    assert (b"origin", origin.encode()) in backend.read_head()[1]
    backend.send(BACKEND)
    _, headers = client.read_head()
    allowed = [value for name, value in headers if name == b"access-control-allow-origin"]
    exposed = [value for name, value in headers if name == b"access-control-expose-headers"]
    assert allowed == ([APP.encode()] if origin == APP else [])
    assert exposed == [b"X-Total", *([EXPOSED.encode()] if origin == APP else [])]
    assert [value for name, value in headers if name == b"vary"] == [b"Accept", b"Origin"]
    told = {b"methods", b"credentials", b"headers"}
    assert not {name for name, _ in headers} & {b"access-control-allow-" + word for word in told}


def test_without_origins_cors_is_the_backends(wire):
    client, backend = wire.request(b"Origin: " + APP.encode())
    backend.read_head()
    backend.send(BACKEND)
    _, headers = client.read_head()
    assert (b"access-control-allow-origin", b"*") in headers
    assert (b"access-control-allow-methods", b"TRACE") in headers
    assert [value for name, value in headers if name == b"vary"] == [b"Accept"]
    asked = (b"Origin: " + APP.encode(), b"Access-Control-Request-Method: GET")
    client.send(wire.head(*asked, method=b"OPTIONS"))  # on the connections that are there
    assert backend.read_head()[0].startswith(b"OPTIONS ")


def test_cookies_are_for_listed_origins(market):
    stall = market.stall(cors_origins=[APP], cors_credentials=True)
    assert cors_of(preflight(stall))["allow-credentials"] == "true"
    assert cors_of(call(stall, stall.token)) == SHARED | {"allow-credentials": "true"}
    assert cors_of(call(stall, stall.token, origin=OTHER)) == {}


def test_every_origin_may_be_allowed(market):
    stall = market.stall(cors_origins=["*"])
    for origin in (APP, OTHER, "null", None):
        answer = call(stall, stall.token, origin=origin)
        assert cors_of(answer) == SHARED | {"allow-origin": "*"}
        assert "Vary" not in answer.headers
    assert cors_of(preflight(stall, origin=OTHER))["allow-origin"] == "*"


def test_two_origins_are_none(stall):
    answer = stall.call(stall.token, headers=[("Origin", APP)] * 2, rest="/users/7")
    assert (answer.status, cors_of(answer)) == (200, {})


def test_the_command_line_turns_it_on_and_off(market):
    stall = market.stall()
    assert cors_of(call(stall)) == {}
    market.cli.ok("api", "update", stall.name, "--cors-origin", APP)
    assert cors_of(call(stall)) == SHARED
    market.cli.ok("api", "update", stall.name, "--cors-origin", "")
    assert cors_of(call(stall)) == {}
    assert preflight(stall).status == 401


@pytest.mark.parametrize("state", ["CREATED", "RETIRED"])
def test_an_api_that_is_not_served_is_not_there_for_a_preflight(market, state):
    name = market.name()
    urls = {"production_url": market.production_url, "cors_origins": [APP]}
    market.changer("create_api", name=name, state=state, **urls)
    asked = {"Origin": APP, "Access-Control-Request-Method": "GET"}
    answer = market.gateway.send("OPTIONS", f"/{name}/1.0.0/x", headers=asked)
    assert (answer.status, answer.fault, cors_of(answer)) == (404, 900906, {})


def test_the_client_domain_header_is_the_configured_one(own_market):
    config = own_market.cli.config
    own_market.changer(
        "configure", file=str(config), key="gateway.client_domain_header", value="X-Client"
    )
    stall = own_market.stall(cors_origins=[APP])
    assert cors_of(preflight(stall))["allow-headers"] == "Authorization, Content-Type, x-client"


@pytest.mark.parametrize(
    ("path", "methods"),
    [
        ("/token", "POST"),
        ("/revoke", "POST"),
        ("/.well-known/oauth-authorization-server", "GET"),
        ("/.well-known/jwks.json", "GET"),
    ],
)
def test_a_page_of_any_origin_may_use_what_public_clients_need(market, path, methods):
    asked = {"Origin": APP, "Access-Control-Request-Method": methods}
    preflight = market.gateway.send("OPTIONS", path, headers=asked)
    assert (preflight.status, preflight.body) == (204, b"")
    assert preflight.headers["Access-Control-Allow-Origin"] == "*"
    assert preflight.headers["Access-Control-Allow-Methods"] == methods
    assert preflight.headers["Access-Control-Allow-Headers"] == "Authorization, Content-Type"
    answer = market.gateway.send(methods, path, headers={"Origin": APP}, body=b"")
    assert answer.status == (200 if methods == "GET" else 400)
    assert answer.headers["Access-Control-Allow-Origin"] == "*"
    assert "Access-Control-Allow-Credentials" not in answer.headers


@pytest.mark.parametrize("path", ["/introspect", "/authorize"])
def test_no_page_may_use_what_is_not_for_pages(market, path):
    asked = {"Origin": APP, "Access-Control-Request-Method": "POST"}
    preflight = market.gateway.send("OPTIONS", path, headers=asked)
    assert preflight.status == 405
    assert "Access-Control-Allow-Origin" not in preflight.headers
