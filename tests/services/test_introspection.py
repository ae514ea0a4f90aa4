import pytest

from apimctl.domain import credentials
from apimctl.domain.models import KeyType
from apimctl.domain.validity import NEVER
from apimctl.services import introspection, keys, revocation, scopes, users

ISSUER = "https://login.test"


@pytest.fixture
def key(desk):
    return desk.generate().key


@pytest.fixture
def ask(desk):
    def ask(text, client=None):
        consumer_key = client and client.consumer_key
        return introspection.introspect(
            desk.db, text, consumer_key=consumer_key, issuer=ISSUER, now=desk.now
        )

    return ask


def test_an_application_token_speaks_of_its_application(desk, key, ask):
    issued = desk.issue(key)
    assert ask(issued.access_token) == {
        "iss": ISSUER,
        "sub": key.consumer_key,
        "client_id": key.consumer_key,
        "iat": desk.now - 1,
        "exp": desk.now + 3600,
        "jti": f"0.{issued.token.id}",
        "scope": "default",
        "key_type": "SANDBOX",
        "application": "DefaultApplication",
        "token_type": "Bearer",
    }


def test_user_tokens_speak_of_their_user(desk, key, ask):
    pair = desk.log_in(key, desk.user("alice").id)
    access, refresh = ask(pair.access_token), ask(pair.refresh_token)
    assert (access["sub"], access["username"]) == ("alice", "alice")
    assert access["jti"] == f"0.{pair.token.id}"
    assert refresh["exp"] == desk.now + 86_400
    assert {**access, "exp": None, "jti": None} == {**refresh, "exp": None, "jti": None}


def test_a_token_that_never_expires_has_no_exp(desk, ask):
    assert "exp" not in ask(desk.generate(validity=NEVER).issued.access_token)


@pytest.mark.parametrize("which", ["access_token", "refresh_token"])
def test_a_client_learns_of_its_own_tokens_only(desk, key, ask, which):
    other = desk.generate(key_type=KeyType.PRODUCTION).key
    text = getattr(desk.log_in(key, "admin"), which)
    assert ask(text, key)
    assert ask(text, other) is None


def test_what_is_no_token_is_unknown(desk, key, ask):
    made = desk.generate(desk.application("shop"))
    stranger = credentials.encode(credentials.Kind.ACCESS_TOKEN, KeyType.SANDBOX, b"\x01" * 22)
    for text in ("", "x", key.consumer_key, made.consumer_secret, stranger, "\udcff"):
        assert ask(text) is None


def test_tokens_are_inactive_once_their_time_is_over(desk, key, ask):
    pair = desk.log_in(key, "admin")
    desk.now += 3599
    assert ask(pair.access_token)
    desk.now += 1
    assert ask(pair.access_token) is None
    assert ask(pair.refresh_token)
    desk.now += 86_400 - 3600
    assert ask(pair.refresh_token) is None


def test_what_was_replaced_or_revoked_is_inactive(desk, key, ask):
    old = desk.log_in(key, "admin")
    new = desk.renew(old.refresh_token).issued
    assert ask(old.access_token) is ask(old.refresh_token) is None
    assert ask(new.access_token)
    assert ask(new.refresh_token)
    revocation.revoke(desk.db, new.access_token)
    assert ask(new.access_token) is ask(new.refresh_token) is None


def test_what_went_with_its_user_or_its_key_is_unknown(desk, key, ask):
    mine, theirs = desk.issue(key), desk.log_in(key, desk.user("alice").id)
    users.delete(desk.db, "alice")
    assert ask(theirs.access_token) is ask(theirs.refresh_token) is None
    assert ask(mine.access_token)
    keys.delete(desk.db, key)
    assert ask(mine.access_token) is None


def test_a_scope_that_was_deleted_is_told_no_more(desk, key, ask):
    desk.api("orders")
    for name in ("read", "write"):
        scopes.declare(desk.db, "orders", name, now=desk.now)
    text = desk.issue(key, scope="read write").access_token
    assert ask(text)["scope"] == "read write"
    scopes.delete(desk.db, scopes.require(desk.db, "orders", "write"))
    assert ask(text)["scope"] == "read"
