"""JWT access tokens: what a resource server can verify, and the gateway looks up all the same."""

import base64
import json
import time

import pytest
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, utils
from joserfc import jwt
from joserfc.errors import BadSignatureError
from joserfc.jwk import KeySet

from apimctl import sealing
from tests.e2e.expectations import is_error

KEYS = "/.well-known/jwks.json"


@pytest.fixture(scope="module")
def stall(market):
    """Give an API with a resource of each auth type, to an application that gets JWTs."""
    made = market.stall()
    made.change("update_app", name=made.name, token_format="jwt")
    for auth_type in ("Application", "Application_User", "None", "Any"):
        made.change(
            "create_resource", api=made.name, pattern=f"/{auth_type}/*", auth_type=auth_type
        )
    return made


@pytest.fixture(scope="module")
def user(market):
    return market.user()


def issue(stall, **fields) -> str:
    answer = stall.ask(grant_type="client_credentials", **fields)
    assert answer.status == 200, answer.body
    return answer.json["access_token"]


def published(market) -> dict:
    metadata = market.gateway.get("/.well-known/oauth-authorization-server").json
    assert metadata["jwks_uri"] == f"{market.gateway.url}{KEYS}"
    return market.gateway.get(KEYS).json


def decoded(part: str) -> bytes:
    return base64.urlsafe_b64decode(part + "=" * (-len(part) % 4))


def outcome(answer) -> int:
    return 200 if answer.status == 200 else answer.fault


def test_a_resource_server_verifies_it_by_the_published_keys(stall, market):
    text = issue(stall, validity_period=60)
    found = jwt.decode(text, KeySet.import_key_set(published(market)), algorithms=["ES256"])
    assert found.header["typ"] == "at+jwt"
    claims = found.claims
    registry = jwt.JWTClaimsRegistry(
        iss={"essential": True, "value": market.gateway.url},
        aud={"essential": True, "value": market.gateway.url},
        sub={"essential": True, "value": stall.client[0]},
        client_id={"essential": True, "value": stall.client[0]},
        **{name: {"essential": True} for name in ("exp", "iat", "jti")},
    )
    registry.validate(claims)
    assert claims["exp"] - claims["iat"] == 61
    assert (claims["scope"], claims["key_type"]) == ("default", "PRODUCTION")


def test_it_verifies_without_any_library_of_jwts(stall, market):
    header, claims, signature = issue(stall).split(".")
    key_id = json.loads(decoded(header))["kid"]
    (jwk,) = [key for key in published(market)["keys"] if key["kid"] == key_id]
    x, y = (int.from_bytes(decoded(jwk[name]), "big") for name in "xy")
    public = ec.EllipticCurvePublicNumbers(x, y, ec.SECP256R1()).public_key()
    raw = decoded(signature)
    both = (int.from_bytes(raw[:32], "big"), int.from_bytes(raw[32:], "big"))
    signed = f"{header}.{claims}".encode()
    public.verify(utils.encode_dss_signature(*both), signed, ec.ECDSA(hashes.SHA256()))


def test_application_and_user_tokens_reach_what_such_tokens_reach(stall, user):
    own, users = issue(stall), stall.log_in(user)["access_token"]
    assert outcome(stall.call(own, rest="/Application/x")) == 200
    assert outcome(stall.call(own, rest="/Application_User/x")) == 900905
    assert outcome(stall.call(users, rest="/Application/x")) == 900905
    assert outcome(stall.call(users, rest="/Application_User/x")) == 200
    assert (
        outcome(stall.call(own, rest="/Any/x")) == outcome(stall.call(users, rest="/Any/x")) == 200
    )


def test_a_user_token_is_renewed_as_a_jwt(stall, user, market):
    old = stall.log_in(user)
    new = stall.refresh(old["refresh_token"]).json
    assert outcome(stall.call(old["access_token"], rest="/Any/x")) == 900904
    assert outcome(stall.call(new["access_token"], rest="/Any/x")) == 200
    keys = KeySet.import_key_set(published(market))
    assert jwt.decode(new["access_token"], keys).claims["sub"] == user


def test_tampered_ones_are_unknown(stall, market):
    text = issue(stall)
    assert outcome(stall.call(text, rest="/Any/x")) == 200
    header, claims, signature = text.split(".")
    said = json.loads(decoded(claims))
    said["exp"] += 1
    longer = base64.urlsafe_b64encode(json.dumps(said).encode()).decode().rstrip("=")
    other = "AB"[text[-10] == "A"]
    for tampered in (
        f"{header}.{longer}.{signature}",
        f"{text[:-10]}{other}{text[-9:]}",
        f"{header}.{claims}.{issue(stall).rpartition('.')[2]}",
        f"{header}.{claims}.",
        f"{header}.{claims}",
        f"{text}A",
        text[1:],
    ):
        assert outcome(stall.call(tampered, rest="/Any/x")) == 900901
    with pytest.raises(BadSignatureError):
        jwt.decode(f"{header}.{longer}.{signature}", KeySet.import_key_set(published(market)))
    # The last letter holds bits that no decoder looks at: the digest does.
    twin = text[:-1] + chr(ord(text[-1]) + 1)
    assert outcome(stall.call(twin, rest="/Any/x")) == 900901
    assert outcome(stall.call(text, rest="/Any/x")) == 200


def test_an_unsigned_one_is_refused(stall):
    _, claims, _ = issue(stall).split(".")
    none = base64.urlsafe_b64encode(b'{"kid":"apim-0","alg":"none"}').decode().rstrip("=")
    for signature in ("", "A" * 86):
        assert outcome(stall.call(f"{none}.{claims}.{signature}", rest="/Any/x")) == 900901


def test_it_ends_with_the_next_request(stall, market, user):
    for end in (
        lambda text: stall.ask(path="/revoke", token=text),
        lambda text: stall.change("revoke", token=text),
        lambda text: market.cli.ok("token", "revoke", "--token-stdin", stdin=text),
    ):
        text = stall.log_in(user)["access_token"]
        assert outcome(stall.call(text, rest="/Any/x")) == 200
        end(text)
        assert outcome(stall.call(text, rest="/Any/x")) == 900904
        assert stall.ask(path="/introspect", token=text).json == {"active": False}
    text = issue(stall)
    stall.change("expire", token=text)
    assert outcome(stall.call(text, rest="/Any/x")) == 900903


def test_introspection_says_what_it_says_itself(stall, user):
    text = stall.log_in(user)["access_token"]
    told = stall.ask(path="/introspect", token=text).json
    claims = json.loads(decoded(text.split(".")[1]))
    assert told.items() >= {name: claims[name] for name in claims if name != "aud"}.items()
    assert (told["active"], told["username"]) == (True, user)


def test_another_client_cannot_end_it(stall, market):
    text = issue(stall)
    assert market.stall().ask(path="/revoke", token=text).status == 200
    assert outcome(stall.call(text, rest="/Any/x")) == 200


def test_it_is_kept_from_the_backend_also_where_no_token_is_needed(stall):
    def passed_on(answer):
        return [value for name, value in answer.json["headers"] if name.lower() == "authorization"]

    text = issue(stall)
    for sent in (text, text[:-1]):
        assert passed_on(stall.call(sent, rest="/None/x")) == []
    assert passed_on(stall.call(text, rest="/Any/x")) == []
    foreign = "Bearer eyJhbGciOiJFUzI1NiJ9.eyJqdGkiOiIwIn0.c2lnbmF0dXJl"
    answer = stall.call(rest="/None/x", headers={"Authorization": foreign})
    assert passed_on(answer) == [foreign]


def test_a_key_that_was_rotated_verifies_what_it_signed(stall, market):
    first = issue(stall)
    rotated = market.cli.data("signing-key", "rotate", "--algorithm", "RS256")
    second = issue(stall)
    keys = published(market)
    assert rotated["id"] == keys["keys"][0]["kid"]
    assert not any("d" in key for key in keys["keys"])
    key_set = KeySet.import_key_set(keys)
    for text, algorithm in ((first, "ES256"), (second, "RS256")):
        assert jwt.decode(text, key_set, algorithms=["ES256", "RS256"]).header["alg"] == algorithm
        assert outcome(stall.call(text, rest="/Any/x")) == 200
    market.cli.ok("signing-key", "delete", rotated["id"], "--yes")
    assert rotated["id"] not in [key["kid"] for key in published(market)["keys"]]
    third = issue(stall)
    assert jwt.decode(third, KeySet.import_key_set(published(market))).header["alg"] == "ES256"


def test_the_configured_issuer_is_named_whoever_is_called(stall, market):
    setting = {"file": str(market.cli.config), "key": "login_api.issuer"}
    market.changer("configure", **setting, value="https://login.test/auth")
    claims = json.loads(decoded(issue(stall).split(".")[1]))
    made = market.cli.data("token", "renew", "--app", stall.name)["access_token"]
    market.changer("configure", **setting, value=None)
    assert claims["iss"] == claims["aud"] == "https://login.test/auth"
    assert json.loads(decoded(made.split(".")[1]))["iss"] == "https://login.test/auth"


def test_the_command_line_names_the_gateway_that_runs(stall, market):
    made = market.cli.data("token", "renew", "--app", stall.name)["access_token"]
    assert json.loads(decoded(made.split(".")[1]))["iss"] == market.gateway.url
    assert outcome(stall.call(made, rest="/Any/x")) == 200


def test_the_published_keys_may_be_kept_for_a_while(market):
    answer = market.gateway.get(KEYS)
    assert answer.headers["Content-Type"] == "application/json"
    assert answer.headers["Cache-Control"] == "public, max-age=300"
    posted = market.gateway.send("POST", KEYS, body=b"")
    assert is_error(posted, 405, "invalid_request")
    assert posted.headers["Allow"] == "GET, HEAD"


def test_it_never_expires_before_it_says_so(stall):
    said = json.loads(decoded(issue(stall, validity_period=60).split(".")[1]))
    assert said["iat"] <= time.time() <= said["exp"] - 59


def test_without_the_key_file_it_is_said_why_until_a_new_key_signs(own_market):
    made = own_market.stall()
    own_market.cli.ok("app", "update", made.name, "--token-format", "jwt")
    kept = own_market.cli.data("token", "renew", "--app", made.name)["access_token"]
    sealing.key_path(own_market.cli.store).unlink()
    refused = made.ask(grant_type="client_credentials")
    assert is_error(refused, 503, "temporarily_unavailable")
    assert "apimctl.db.key cannot be read" in own_market.gateway.log
    assert made.call(kept).status == 200
    own_market.cli.ok("signing-key", "rotate")
    assert made.call(issue(made)).status == 200
