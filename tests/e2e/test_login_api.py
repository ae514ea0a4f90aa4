"""The Login API over the socket: what it gives, and what it says no to."""

import base64
import re
from urllib.parse import quote

import pytest

from tests.e2e.expectations import is_error, is_login_answer
from tests.e2e.waiting import until

CLIENT_CREDENTIALS = {"grant_type": "client_credentials"}


@pytest.fixture(scope="module")
def stall(market):
    return market.stall()


def basic(name, secret) -> list:
    pair = base64.b64encode(f"{name}:{secret}".encode()).decode()
    return [("Authorization", f"Basic {pair}")]


def over_encoded(text) -> str:
    return quote(text, safe="").replace("_", "%5F")


def test_client_credentials_give_an_application_token(stall):
    answer = stall.ask(**CLIENT_CREDENTIALS)
    assert answer.status == 200
    assert is_login_answer(answer)
    assert list(answer.json) == ["access_token", "token_type", "expires_in", "scope"]
    assert (answer.json["token_type"], answer.json["expires_in"]) == ("Bearer", 3600)
    assert stall.call(answer.json["access_token"]).json["backend"] == "production"


def test_a_sandbox_key_gives_sandbox_tokens(stall):
    client = (stall.sandbox["consumer_key"], stall.sandbox["consumer_secret"])
    token = stall.ask(client=client, **CLIENT_CREDENTIALS).json["access_token"]
    assert stall.call(token).json["backend"] == "sandbox"


def test_a_repeated_request_leaves_the_earlier_tokens_valid(stall):
    tokens = [stall.ask(**CLIENT_CREDENTIALS).json["access_token"] for _ in range(3)]
    assert len(set(tokens)) == 3
    assert [stall.call(token).status for token in [*tokens, stall.token]] == [200] * 4


WAYS = {
    "Basic, raw": lambda name, secret: {"headers": basic(name, secret), "body": {}},
    "Basic, form-urlencoded": lambda name, secret: {
        "headers": basic(over_encoded(name), over_encoded(secret)),
        "body": {},
    },
    "Basic, and the same client_id": lambda name, secret: {
        "headers": basic(name, secret),
        "body": {"client_id": name},
    },
    "in the body": lambda name, secret: {
        "headers": [],
        "body": {"client_id": name, "client_secret": secret},
    },
}


@pytest.mark.parametrize("way", WAYS.values(), ids=WAYS)
def test_a_client_authenticates(stall, way):
    sent = way(*stall.client)
    form = CLIENT_CREDENTIALS | sent["body"]
    answer = stall.market.gateway.form("/token", form, headers=sent["headers"])
    assert answer.status == 200, answer.body


def test_both_ways_at_once_are_invalid_request(stall):
    name, secret = stall.client
    answer = stall.ask(client_id=name, client_secret=secret, **CLIENT_CREDENTIALS)
    assert is_error(answer, 400, "invalid_request")
    form = stall.market.gateway.form
    twice = basic(name, secret) * 2
    assert is_error(form("/token", CLIENT_CREDENTIALS, headers=twice), 400, "invalid_request")
    other = stall.ask(client_id="another", **CLIENT_CREDENTIALS)
    assert is_error(other, 400, "invalid_request")


def test_wrong_or_missing_credentials_are_invalid_client(stall, market):
    name, secret = stall.client
    other = market.stall()
    for client in (
        (name, "wrong"),
        (name, secret[:-1]),
        (name, ""),
        ("nobody", secret),
        ("", ""),
        (name, other.client[1]),
        (name, stall.sandbox["consumer_secret"]),
    ):
        assert is_error(stall.ask(client=client, **CLIENT_CREDENTIALS), 401, "invalid_client")
    for form in ({}, {"client_id": name}, {"client_secret": secret}):
        answer = market.gateway.form("/token", CLIENT_CREDENTIALS | form)
        assert is_error(answer, 401, "invalid_client")


def test_a_rotated_secret_is_wrong_and_in_its_grace_right(market):
    stall = market.stall()
    name, first = stall.client
    second = stall.change("rotate_key", app=stall.name, grace_seconds=600)
    for secret in (first, second):
        assert stall.ask(client=(name, secret), **CLIENT_CREDENTIALS).status == 200
    third = stall.change("rotate_key", app=stall.name)
    assert stall.ask(client=(name, third), **CLIENT_CREDENTIALS).status == 200
    for secret in (first, second):
        answer = stall.ask(client=(name, secret), **CLIENT_CREDENTIALS)
        assert is_error(answer, 401, "invalid_client")


@pytest.mark.parametrize(
    ("asked", "given"),
    [("60", 60), ("7200", 3600), ("-1", 3600), ("-99", 3600), ("3600", 3600), ("", 3600)],
)
def test_validity_period_shortens_and_never_lengthens(stall, asked, given):
    answer = stall.ask(validity_period=asked, **CLIENT_CREDENTIALS)
    assert answer.json["expires_in"] == given


@pytest.mark.parametrize("asked", ["0", "1.5", "soon", "1e9", "99999999999999999999999"])
def test_a_validity_period_that_is_none_is_invalid_request(stall, asked):
    answer = stall.ask(validity_period=asked, **CLIENT_CREDENTIALS)
    assert is_error(answer, 400, "invalid_request")


def test_a_token_that_never_expires_has_no_expires_in(market):
    stall = market.stall()
    stall.change("update_key", app=stall.name, validity="never")
    assert "expires_in" not in stall.ask(**CLIENT_CREDENTIALS).json
    shortened = stall.ask(validity_period="60", **CLIENT_CREDENTIALS)
    assert shortened.json["expires_in"] == 60


@pytest.mark.parametrize("scope", ["PRODUCTION", "SANDBOX", "default", "PRODUCTION default", ""])
def test_the_scopes_of_old_are_ignored(stall, scope):
    answer = stall.ask(scope=scope, **CLIENT_CREDENTIALS)
    assert (answer.status, answer.json["scope"]) == (200, "default")


@pytest.mark.parametrize("scope", ["read", "PRODUCTION read", "production", '"', "\u00e9"])
def test_an_unknown_scope_is_invalid_scope(stall, scope):
    assert is_error(stall.ask(scope=scope, **CLIENT_CREDENTIALS), 400, "invalid_scope")


@pytest.mark.parametrize("grant", ["implicit", "Authorization_Code", "CLIENT_CREDENTIALS", "x y"])
def test_an_unknown_grant_is_unsupported(stall, grant):
    assert is_error(stall.ask(grant_type=grant), 400, "unsupported_grant_type")


def test_a_secret_ends_with_its_grace(market):
    stall = market.stall()
    name, first = stall.client
    second = stall.change("rotate_key", app=stall.name, grace_seconds=2)

    def status(secret):
        return stall.ask(client=(name, secret), **CLIENT_CREDENTIALS).status

    assert (status(first), status(second)) == (200, 200)
    until(lambda: status(first) == 401)
    assert status(second) == 200


def test_grants_can_be_taken_from_an_application(stall, market):
    own, user = market.stall(), market.user()
    tokens = own.log_in(user)
    own.change("update_app", name=own.name, grants=["client_credentials"])
    assert own.ask(**CLIENT_CREDENTIALS).status == 200
    password = {"grant_type": "password", "username": user, "password": user[::-1]}
    for answer in (own.ask(**password), own.refresh(tokens["refresh_token"])):
        assert is_error(answer, 400, "unauthorized_client")
    sandbox = (own.sandbox["consumer_key"], own.sandbox["consumer_secret"])
    assert is_error(own.ask(client=sandbox, **password), 400, "unauthorized_client")
    # Others are as they were, the server offers all of it, and what was issued stays good.
    assert stall.ask(**password).status == 200
    metadata = market.gateway.get("/.well-known/oauth-authorization-server").json
    assert "password" in metadata["grant_types_supported"]
    assert own.call(tokens["access_token"]).status == 200
    market.cli.ok("app", "update", own.name, "--grant", "refresh_token")
    assert own.refresh(tokens["refresh_token"]).status == 200
    assert is_error(own.ask(**CLIENT_CREDENTIALS), 400, "unauthorized_client")


def test_grants_can_be_taken_from_everybody(stall, market):
    user = market.user()
    setting = {"file": str(market.cli.config), "key": "login_api.grants"}
    market.changer("configure", **setting, value="client_credentials")
    assert stall.ask(**CLIENT_CREDENTIALS).status == 200
    answer = stall.ask(grant_type="password", username=user, password=user[::-1])
    assert is_error(answer, 400, "unauthorized_client")
    assert is_error(stall.refresh("x"), 400, "unauthorized_client")
    metadata = market.gateway.get("/.well-known/oauth-authorization-server").json
    assert metadata["grant_types_supported"] == ["client_credentials"]
    market.changer("configure", **setting, value=None)
    assert stall.log_in(user)


def test_the_metadata_names_the_endpoints(market):
    answer = market.gateway.get("/.well-known/oauth-authorization-server")
    assert answer.status == 200
    assert is_login_answer(answer)
    url = market.gateway.url
    metadata = answer.json
    assert re.fullmatch("[0-9a-f]{16}", metadata.pop("apimctl_gateway"))
    with_secret = ["client_secret_basic", "client_secret_post"]
    assert metadata == {
        "issuer": url,
        "authorization_endpoint": f"{url}/authorize",
        "response_types_supported": ["code"],
        "response_modes_supported": ["query"],
        "code_challenge_methods_supported": ["S256"],
        "authorization_response_iss_parameter_supported": True,
        "token_endpoint": f"{url}/token",
        "token_endpoint_auth_methods_supported": [*with_secret, "none"],
        "revocation_endpoint": f"{url}/revoke",
        "revocation_endpoint_auth_methods_supported": [*with_secret, "none"],
        "introspection_endpoint": f"{url}/introspect",
        "jwks_uri": f"{url}/.well-known/jwks.json",
        "scopes_supported": [],
        "introspection_endpoint_auth_methods_supported": with_secret,
        "grant_types_supported": [
            *("authorization_code", "client_credentials", "password", "refresh_token"),
        ],
    }
    posted = market.gateway.send("POST", "/.well-known/oauth-authorization-server", body=b"")
    assert (posted.status, posted.headers["Allow"]) == (405, "GET, HEAD")
