"""Patterns, methods and auth types of an API's resources, over real sockets."""

import base64

import pytest

from apimctl.domain import credentials
from apimctl.domain.models import KeyType
from tests.e2e.expectations import is_fault

NO_RESOURCE = "No matching resource found in the API for the given request"
WRONG_TYPE = "Incorrect Access Token Type is provided"
MISTYPED = credentials.encode(
    credentials.Kind.ACCESS_TOKEN, KeyType.PRODUCTION, bytes(credentials.RANDOM_BYTES)
)[:-1]


@pytest.fixture(scope="module")
def stall(market):
    """Give an API that declares some resources, and nothing for the rest of its paths."""
    made = market.stall()
    for pattern, methods, auth_type in (
        ("/", ["GET"], "Any"),
        ("/open/*", ["*"], "None"),
        ("/open/closed", ["*"], "Any"),
        ("/application", ["GET"], "Application"),
        ("/user", ["GET"], "Application_User"),
        ("/users/{id}", ["GET", "PUT"], "Any"),
        ("/users/{name}", ["DELETE"], "Application_User"),
        ("/users/me", ["POST"], "Any"),
    ):
        made.change(
            "create_resource", api=made.name, pattern=pattern, methods=methods, auth_type=auth_type
        )
    return made


@pytest.fixture(scope="module")
def user_token(stall):
    return stall.log_in(stall.market.user())["access_token"]


def send(stall, method, rest, *, token=None, headers=()):
    path = f"/{stall.name}/1.0.0{rest}"
    return stall.market.gateway.send(method, path, token=token, headers=headers)


@pytest.mark.parametrize("rest", ["", "/", "/users/7", "/users/7?a=/x", "/users/%2F", "/users/*"])
def test_a_path_of_a_pattern_is_passed_on_as_it_came(stall, rest):
    answer = send(stall, "GET", rest, token=stall.token)
    assert (answer.status, answer.json["target"]) == (200, rest or "/")


@pytest.mark.parametrize(
    "rest", ["/users", "/users/", "/users/7/", "/users/7/x", "//", "/user/x", "/USERS/7", "/x"]
)
@pytest.mark.parametrize("has_token", [True, False])
def test_a_path_of_no_pattern_is_404_whoever_asks(stall, rest, has_token):
    answer = send(stall, "GET", rest, token=stall.token if has_token else None)
    assert is_fault(answer, 404, 900906, NO_RESOURCE)
    assert "Allow" not in answer.headers


@pytest.mark.parametrize(
    ("method", "rest", "allowed"),
    [
        ("POST", "/users/7", "DELETE, GET, HEAD, PUT"),
        ("OPTIONS", "/users/7", "DELETE, GET, HEAD, PUT"),
        ("GET", "/users/me", "POST"),
        ("HEAD", "/users/me", "POST"),
        ("DELETE", "/", "GET, HEAD"),
    ],
)
def test_a_wrong_method_is_405_with_the_ones_there_are(stall, method, rest, allowed):
    answer = send(stall, method, rest)
    assert (answer.status, answer.headers["Allow"]) == (405, allowed)
    if method != "HEAD":
        assert is_fault(answer, 405, 900906, NO_RESOURCE)


def test_head_follows_get(stall):
    answer = send(stall, "HEAD", "/users/7", token=stall.token)
    assert (answer.status, answer.body) == (200, b"")
    assert int(answer.headers["Content-Length"]) > 0
    refused = send(stall, "HEAD", "/user", token=stall.token)
    assert (refused.status, refused.body) == (403, b"")


def test_the_token_has_to_fit_the_auth_type(stall, user_token):
    for rest, fitting, other in (
        ("/application", stall.token, user_token),
        ("/user", user_token, stall.token),
    ):
        assert send(stall, "GET", rest, token=fitting).status == 200
        assert is_fault(send(stall, "GET", rest, token=other), 403, 900905, WRONG_TYPE)
        assert is_fault(send(stall, "GET", rest), 401, 900902, "Missing Credentials")
    assert send(stall, "PUT", "/users/7", token=stall.token).status == 200
    assert send(stall, "DELETE", "/users/7", token=user_token).status == 200
    assert send(stall, "DELETE", "/users/7", token=stall.token).fault == 900905


def sent_on(answer):
    assert answer.status == 200
    return [value for name, value in answer.json["headers"] if name.lower() == "authorization"]


@pytest.mark.parametrize("method", ["GET", "POST", "OPTIONS", "DELETE"])
def test_auth_type_none_asks_for_nothing(stall, method):
    assert sent_on(send(stall, method, "/open/x")) == []
    assert send(stall, method, "/open").status == 200


def test_a_spelling_of_the_same_path_does_not_open_what_is_closed(stall):
    for rest in ("/open/closed", "/open/%63losed", "/%6Fpen/clo%73ed"):
        assert is_fault(send(stall, "GET", rest), 401, 900902, "Missing Credentials")
        assert send(stall, "GET", rest, token=stall.token).json["target"] == rest


def test_without_a_token_needed_one_of_ours_still_stays_here(stall):
    for ours in (stall.token, MISTYPED):
        assert sent_on(send(stall, "GET", "/open/x", token=ours)) == []
        twice = [("Authorization", "Basic eDp5"), ("Authorization", f"Bearer {ours}")]
        assert sent_on(send(stall, "GET", "/open/x", headers=twice)) == []
    basic = f"Basic {base64.b64encode(b'alice:password').decode()}"
    for other in (basic, "Bearer of-the-backend", "AWS4-HMAC-SHA256 x=y"):
        answer = send(stall, "GET", "/open/x", headers={"Authorization": other})
        assert sent_on(answer) == [other]


def test_with_oauth_headers_kept_every_token_goes_on(own_market):
    config = own_market.cli.config
    own_market.changer(
        "configure", file=str(config), key="gateway.remove_oauth_headers", value="false"
    )
    stall = own_market.stall()
    stall.change("create_resource", api=stall.name, pattern="/*", auth_type="None")
    answer = send(stall, "GET", "/x", token=stall.token)
    assert sent_on(answer) == [f"Bearer {stall.token}"]


def test_a_change_is_obeyed_by_the_next_request(market):
    stall = market.stall()
    assert stall.call(stall.token, rest="/a").status == 200
    stall.change("create_resource", api=stall.name, pattern="/b")
    assert stall.call(stall.token, rest="/a").status == 404
    assert stall.call(rest="/b").status == 401
    stall.change("update_resource", api=stall.name, pattern="/b", auth_type="None")
    assert stall.call(rest="/b").status == 200
    stall.change("delete_resource", api=stall.name, pattern="/b")
    assert stall.call(rest="/b").status == 401
    assert stall.call(stall.token, rest="/a").status == 200


def test_the_default_version_has_the_same_resources(market):
    stall = market.stall(is_default_version=True)
    stall.change("create_resource", api=stall.name, pattern="/a", auth_type="None")
    get = market.gateway.get
    assert get(f"/{stall.name}/a").status == 200
    assert get(f"/{stall.name}/b").status == 404


@pytest.mark.parametrize("state", ["CREATED", "RETIRED"])
def test_nothing_is_said_of_the_resources_of_an_api_that_is_not_served(market, state):
    stall = market.stall()
    name = market.name()
    market.changer("create_api", name=name, state=state, production_url=market.production_url)
    market.changer("create_resource", api=name, pattern="/a")
    answer = market.gateway.send("POST", f"/{name}/1.0.0/a", token=stall.token)
    assert is_fault(answer, 404, 900906, NO_RESOURCE)
    assert "Allow" not in answer.headers


def test_a_blocked_api_keeps_its_paths(market):
    stall = market.stall()
    stall.change("create_resource", api=stall.name, pattern="/a")
    stall.change("change_api", name=stall.name, to="block")
    assert stall.call(rest="/a").fault == 700700
    assert stall.call(rest="/b").fault == 900906


def test_the_command_line_makes_what_the_gateway_obeys(market):
    stall = market.stall()
    made = ("api", "resource", "create", stall.name, "--method", "GET")
    market.cli.ok(*made, "--pattern", "/users/{id}", "--auth-type", "None")
    assert stall.call(rest="/users/7").status == 200
    assert send(stall, "POST", "/users/7").headers["Allow"] == "GET, HEAD"
