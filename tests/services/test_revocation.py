import pytest

from apimctl.domain import credentials
from apimctl.domain.models import KeyType
from apimctl.errors import InvalidInputError, NotFoundError
from apimctl.services import revocation, tokens
from apimctl.services.renewal import SpentReason
from apimctl.tables.changes import ChangeKind


@pytest.fixture
def key(desk):
    return desk.generate().key


def test_an_application_token_is_revoked_and_that_is_announced(desk):
    issued = desk.generate().issued
    with desk.announcing() as announced:
        revocation.require_and_revoke(desk.db, issued.access_token)
    assert desk.state(issued.access_token) == "REVOKED"
    assert announced == [(ChangeKind.TOKEN, issued.token.digest)]


def test_a_refresh_token_takes_its_access_token_with_it(desk, key):
    pair = desk.log_in(key, "admin")
    with desk.announcing() as announced:
        revocation.require_and_revoke(desk.db, pair.refresh_token)
    assert desk.state(pair.access_token) == "REVOKED"
    assert (ChangeKind.TOKEN, pair.token.digest) in announced


def test_an_access_token_takes_its_refresh_token_with_it(desk, key):
    pair = desk.log_in(key, "admin")
    revocation.require_and_revoke(desk.db, pair.access_token)
    assert desk.renew(pair.refresh_token) is SpentReason.REVOKED


def test_revoking_twice_is_once(desk):
    issued = desk.generate().issued
    revocation.require_and_revoke(desk.db, issued.access_token)
    with desk.announcing() as announced:
        revocation.require_and_revoke(desk.db, issued.access_token)
    assert announced == []


def test_revoking_a_replaced_token_leaves_the_one_that_replaced_it(desk, key):
    old = desk.log_in(key, "admin")
    new = desk.renew(old.refresh_token).issued
    assert revocation.revoke(desk.db, old.access_token)
    assert revocation.revoke(desk.db, old.refresh_token)
    assert desk.state(old.access_token) == "INACTIVE"
    assert desk.state(new.access_token) == "ACTIVE"


def test_a_token_is_revoked_by_its_id(desk):
    issued = desk.generate().issued
    revocation.revoke_by_id(desk.db, issued.token.id)
    assert desk.state(issued.access_token) == "REVOKED"
    with pytest.raises(NotFoundError):
        revocation.revoke_by_id(desk.db, "0" * 24)


def test_another_clients_token_counts_as_unknown(desk, key):
    pair = desk.log_in(key, "admin")
    for text in (pair.access_token, pair.refresh_token):
        assert not revocation.revoke(desk.db, text, consumer_key="another")
    assert desk.state(pair.access_token) == "ACTIVE"
    assert revocation.revoke(desk.db, pair.refresh_token, consumer_key=key.consumer_key)


@pytest.mark.parametrize("text", ["", "x", "apim_ats0_" + "0" * 36])
def test_what_is_no_token_is_invalid(desk, text):
    with pytest.raises(InvalidInputError):
        revocation.require_and_revoke(desk.db, text)
    assert not revocation.revoke(desk.db, text)


@pytest.mark.parametrize("kind", credentials.Kind)
def test_a_credential_of_another_store_is_not_found(desk, kind):
    with pytest.raises(NotFoundError):
        revocation.require_and_revoke(
            desk.db, credentials.encode(kind, KeyType.SANDBOX, b"\x01" * 22)
        )


def test_all_tokens_of_a_key_are_revoked_and_announced_at_once(desk, key):
    other = desk.generate(key_type=KeyType.PRODUCTION)
    pair = desk.log_in(key, "admin")
    texts = [pair.access_token, *(desk.issue(key).access_token for _ in range(3))]
    with desk.announcing() as announced:
        assert revocation.revoke_all(desk.db, key) == 5  # the first one too
    assert announced == [(ChangeKind.TOKENS_OF_KEY, key.consumer_key)]
    assert {desk.state(text) for text in texts} == {"REVOKED"}
    assert desk.renew(pair.refresh_token) is SpentReason.REVOKED
    assert desk.state(other.issued.access_token) == "ACTIVE"
    assert revocation.revoke_all(desk.db, key) == 0


def test_what_is_over_for_good_cannot_be_revoked(desk, key):
    plain = desk.issue(key, validity_seconds=10).token
    renewable = desk.log_in(key, "admin")
    assert revocation.is_revocable(plain, desk.now)
    assert not revocation.is_revocable(plain, desk.now + 10)
    assert revocation.is_revocable(renewable.token, desk.now + 100_000)
    revocation.require_and_revoke(desk.db, renewable.access_token)
    for text in (renewable.access_token, renewable.refresh_token):
        after = tokens.find_access_token(desk.db, text) or tokens.find_refresh_token(desk.db, text)
        assert not revocation.is_revocable(after, desk.now)
