import json
import os

import pytest
from joserfc import jws, jwt
from joserfc.jwk import KeySet

from apimctl.config import SigningSettings
from apimctl.domain import credentials, signed_tokens
from apimctl.domain.models import TokenFormat, User
from apimctl.domain.validity import LONGEST_SECONDS, NEVER
from apimctl.errors import InvalidInputError
from apimctl.services import (
    applications,
    gateways,
    introspection,
    keys,
    revocation,
    signing_keys,
    tokens,
)
from apimctl.services.applications import ApplicationForm
from apimctl.tables import user_roles, users
from apimctl.tables.gateways import Gateway

ISSUER = "https://login.test"


@pytest.fixture
def key(desk, store_path):
    desk.configure(signing=SigningSettings(ISSUER, "http://127.0.0.1:8280", store_path))
    return desk.generate(desk.application("shop", token_format=TokenFormat.JWT)).key


@pytest.fixture
def verify(desk):
    def verify(text) -> dict:
        key_set = KeySet.import_key_set(signing_keys.key_set(desk.db, now=desk.now))
        return jwt.decode(text, key_set, algorithms=["ES256"]).claims

    return verify


def test_an_application_token_says_what_rfc_9068_asks_for(desk, key, verify):
    issued = desk.issue(key)
    assert verify(issued.access_token) == {
        "iss": ISSUER,
        "sub": key.consumer_key,
        "aud": ISSUER,
        "client_id": key.consumer_key,
        "iat": desk.now - 1,
        "exp": desk.now + 3600,
        "jti": f"0.{issued.token.id}",
        "scope": "default",
        "key_type": "SANDBOX",
        "application": "shop",
    }
    header = jws.extract_compact(issued.access_token.encode()).headers()
    assert (header["typ"], header["alg"]) == ("at+jwt", "ES256")


def test_a_user_token_names_the_user_and_the_roles(desk, key, verify):
    alice, bob = desk.user("alice"), desk.user("bob")
    user_roles.replace(desk.db, alice.id, ["writer", "editor"])
    claims = verify(desk.log_in(key, alice.id).access_token)
    assert (claims["sub"], claims["roles"]) == ("alice", ["editor", "writer"])
    assert "roles" not in verify(desk.log_in(key, bob.id).access_token)


def test_a_refresh_token_stays_opaque(desk, key):
    assert desk.log_in(key, "admin").refresh_token.startswith("apim_rts0_")


def test_every_way_to_a_token_leads_to_a_jwt(desk, key):
    application = applications.resolve(desk.db, "shop")
    made = keys.generate(
        *(desk.db, application, "PRODUCTION"),
        allowed_domains=(),
        validity_seconds=None,
        **desk.issuing,
    )
    pair = desk.log_in(key, "admin")
    for issued in (made.issued, desk.issue(key), pair, desk.renew(pair.refresh_token).issued):
        assert issued.access_token.startswith(signed_tokens.PREFIX)
        assert issued.token.digest == credentials.digest(issued.access_token)
        assert issued.token.hint == issued.access_token[-4:]


def test_the_format_holds_from_the_next_token_and_leaves_the_earlier_ones(desk, key):
    first = desk.issue(key).access_token
    application = applications.resolve(desk.db, "shop")
    applications.update(desk.db, application, ApplicationForm(token_format=TokenFormat.OPAQUE))
    second = desk.issue(key).access_token
    assert second.startswith("apim_ats0_")
    assert desk.state(first) == desk.state(second) == "ACTIVE"


def test_a_token_that_never_ends_says_a_hundred_years(desk, key, verify):
    issued = desk.issue(key, validity_seconds=NEVER)
    assert issued.token.expires_at is None
    assert verify(issued.access_token)["exp"] == desk.now + LONGEST_SECONDS


def test_it_can_be_looked_up_introspected_and_revoked_by_its_text(desk, key, verify):
    issued = desk.issue(key)
    text = issued.access_token
    assert tokens.require_access_token(desk.db, text).id == issued.token.id
    told = introspection.introspect(
        desk.db, text, consumer_key=key.consumer_key, issuer=ISSUER, now=desk.now
    )
    claims = verify(text)
    del claims["aud"]
    assert told == {**claims, "token_type": "Bearer"}
    assert revocation.revoke(desk.db, text)
    assert desk.state(text) == "REVOKED"


def test_it_is_revoked_by_its_jti(desk, key, verify):
    text = desk.issue(key).access_token
    revocation.revoke_by_id(desk.db, verify(text)["jti"])
    assert desk.state(text) == "REVOKED"


def test_the_store_keeps_nothing_of_its_text(desk, key):
    text = desk.issue(key).access_token
    dump = "\n".join(desk.db.iterdump())
    for part in text.split("."):
        assert part not in dump


def test_a_key_that_is_kept_nowhere_signs_what_nobody_is_shown(desk, key):
    before = signing_keys.list_all(desk.db)
    desk.configure(signing=SigningSettings(ISSUER))
    assert credentials.parse(desk.issue(key).access_token)
    assert signing_keys.list_all(desk.db) == before


def test_roles_that_make_it_too_long_are_left_out(desk, key, verify):
    user_roles.replace(desk.db, "admin", [f"role-number-{number}" for number in range(300)])
    text = desk.log_in(key, "admin").access_token
    assert len(text) <= signed_tokens.LONGEST
    assert "roles" not in verify(text)
    assert credentials.parse(text)


def test_scopes_that_make_it_too_long_are_refused(desk, key):
    with pytest.raises(InvalidInputError, match="longer than 4096 characters"):
        desk.issue(key, scope="x" * signed_tokens.LONGEST)


def test_it_names_its_partition_and_is_found_there(desk, key, verify):
    desk.configure(partitions={"FOO.COM": "A"})
    alice = User("alice-foo", "alice", "FOO.COM", None, desk.now)
    users.insert(desk.db, alice)
    issued = desk.log_in(key, alice.id)
    claims = verify(issued.access_token)
    assert (claims["jti"], claims["sub"]) == (f"A.{issued.token.id}", "FOO.COM/alice")
    assert credentials.parse(issued.access_token).partition == "A"
    desk.configure(partitions={})
    assert desk.state(issued.access_token) == "ACTIVE"
    revocation.revoke_by_id(desk.db, claims["jti"])
    assert desk.state(issued.access_token) == "REVOKED"


@pytest.mark.parametrize("position", ["header", "claims", "signature"])
def test_one_that_was_tampered_with_is_unknown(desk, key, position):
    parts = dict(
        zip(("header", "claims", "signature"), desk.issue(key).access_token.split("."), strict=True)
    )
    part = parts[position]
    parts[position] = part[:-2] + ("A" if part[-2] != "A" else "B") + part[-1]
    text = ".".join(parts.values())
    assert not revocation.revoke(desk.db, text)


def test_the_issuer_is_the_configured_one_else_a_gateway_that_runs_else_where_one_would(
    desk, key, verify
):
    def issuer():
        return verify(desk.issue(key).access_token)["iss"]

    assert issuer() == ISSUER
    signing = desk.settings.signing
    desk.configure(signing=SigningSettings(None, signing.gateway_url, signing.store_path))
    assert issuer() == "http://127.0.0.1:8280"
    gateways.register(
        desk.db, Gateway("1", "http://gate.test:1", os.getpid(), "0", started_at=desk.now)
    )
    assert issuer() == "http://gate.test:1"


def test_names_are_written_as_they_are(desk, key, verify):
    user = desk.user("j\u00fcrgen")
    text = desk.log_in(key, user.id).access_token
    assert verify(text)["sub"] == "j\u00fcrgen"
    assert "\\u" not in json.dumps(verify(text), ensure_ascii=False)
