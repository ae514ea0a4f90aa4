from dataclasses import replace

import pytest

from apimctl.domain.models import ConsumerSecret, RefreshToken, TokenState, User

from .strategies import NOW, TOKEN

SECRET = "digest-that-nobody-logs"


@pytest.mark.parametrize(
    "record",
    [
        replace(TOKEN, digest=SECRET),
        RefreshToken(SECRET, "family-1", "key", "user-1", TokenState.ACTIVE, "", "aB9x", NOW, None),
        ConsumerSecret(SECRET, "key", "aB9x", NOW, None),
        User("user-1", "alice", "PRIMARY", SECRET, NOW),
    ],
    ids=lambda record: type(record).__name__,
)
def test_no_record_shows_its_digest_when_it_is_printed(record):
    assert SECRET not in repr(record)


@pytest.mark.parametrize(
    ("state", "expires_at", "seen"),
    [
        ("ACTIVE", None, "ACTIVE"),
        ("ACTIVE", NOW + 1, "ACTIVE"),
        ("ACTIVE", NOW, "EXPIRED"),
        ("ACTIVE", NOW - 1, "EXPIRED"),
        ("INACTIVE", NOW - 1, "INACTIVE"),
        ("REVOKED", NOW - 1, "REVOKED"),
        ("REVOKED", None, "REVOKED"),
    ],
)
def test_only_an_active_token_expires_and_at_its_very_second(state, expires_at, seen):
    token = replace(TOKEN, state=TokenState(state), expires_at=expires_at)
    assert token.state_at(NOW + 0.0) == seen


@pytest.mark.parametrize(
    ("userstore", "name"), [("PRIMARY", "alice"), ("FOO.COM", "FOO.COM/alice")]
)
def test_a_user_is_named_with_the_user_store_unless_it_is_built_in(userstore, name):
    assert User("user-1", "alice", userstore, None, NOW).qualified_name == name
