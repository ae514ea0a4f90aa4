import pytest

from apimctl.domain import credentials
from apimctl.domain.models import KeyType, TokenState
from apimctl.domain.validity import NEVER
from apimctl.errors import InvalidInputError, NotFoundError
from apimctl.services import keys, tokens


@pytest.mark.parametrize(
    ("own", "default", "lives"),
    [
        (None, 3600, 3600),
        (60, 3600, 60),
        (NEVER, 3600, NEVER),
        (None, NEVER, NEVER),
        (60, NEVER, 60),
    ],
)
def test_an_application_token_lives_as_its_key_says_else_as_configured(desk, own, default, lives):
    desk.configure(application_validity_seconds=default)
    issued = desk.generate(validity=own).issued
    assert issued.validity_seconds == lives
    assert issued.token.expires_at == (None if lives == NEVER else desk.now + lives)


@pytest.mark.parametrize(
    ("own", "configured", "shorter", "lives"),
    [
        (None, 3600, None, 3600),
        (60, 3600, None, 60),
        (7200, 3600, None, 3600),
        (NEVER, 3600, None, 3600),
        (None, NEVER, None, NEVER),
        (60, NEVER, None, 60),
        (NEVER, NEVER, None, NEVER),
        (None, 3600, 10, 10),
        (60, 3600, 7200, 60),
        (None, 3600, NEVER, 3600),
    ],
)
def test_a_user_token_lives_no_longer_than_configured_than_its_key_and_than_asked(
    desk, own, configured, shorter, lives
):
    desk.configure(user_validity_seconds=configured)
    key = desk.generate(validity=own).key
    issued = desk.log_in(key, "admin", shorter_seconds=shorter)
    assert issued.validity_seconds == lives


def test_a_default_applies_to_tokens_issued_afterwards(desk):
    first = desk.generate().issued
    desk.configure(application_validity_seconds=60)
    second = desk.issue(keys.require(desk.db, desk.default, KeyType.SANDBOX))
    assert first.token.expires_at == desk.now + 3600
    assert second.token.expires_at == desk.now + 60


def test_each_issue_makes_another_token_and_leaves_the_earlier_ones(desk):
    key = desk.generate().key
    texts = {desk.issue(key).access_token for _ in range(5)}
    assert len(texts) == 5
    assert {desk.state(text) for text in texts} == {"ACTIVE"}


def test_only_a_user_token_has_a_refresh_token(desk):
    key = desk.generate().key
    assert desk.issue(key).refresh_token is None
    issued = desk.log_in(key, "admin")
    assert credentials.parse(issued.refresh_token).kind is credentials.Kind.REFRESH_TOKEN
    assert issued.token.user_id == "admin"
    assert issued.token.family_id


def test_two_log_ins_are_two_families(desk):
    key = desk.generate().key
    first, second = desk.log_in(key, "admin"), desk.log_in(key, "admin")
    assert first.token.family_id != second.token.family_id


def test_the_store_keeps_a_digest_and_a_hint(desk):
    issued = desk.log_in(desk.generate().key, "admin")
    assert issued.token.digest == credentials.digest(issued.access_token)
    assert issued.token.hint == issued.access_token[-4:]
    dump = "\n".join(desk.db.iterdump())
    assert issued.access_token not in dump
    assert issued.refresh_token not in dump
    assert issued.access_token not in repr(issued)
    assert issued.refresh_token not in repr(issued)


def test_issuing_announces_nothing(desk):
    key = desk.generate().key
    with desk.announcing() as announced:
        desk.issue(key)
        desk.log_in(key, "admin")
    assert announced == []


def test_a_token_is_active_until_the_moment_it_expires(desk):
    text = desk.generate(validity=60).issued.access_token
    desk.now += 59
    assert desk.state(text) == "ACTIVE"
    desk.now += 1
    assert desk.state(text) == "EXPIRED"


def test_a_token_that_never_expires_is_active_for_ever(desk):
    text = desk.generate(validity=NEVER).issued.access_token
    desk.now += 1000 * 365 * 86_400
    assert desk.state(text) == "ACTIVE"


@pytest.mark.parametrize("text", ["", "x", "apim_ats0_" + "0" * 36])
def test_what_is_no_token_is_invalid_without_a_look_up(desk, text):
    with pytest.raises(InvalidInputError) as caught:
        tokens.require_access_token(desk.db, text)
    assert caught.value.hint.startswith("Copy it whole: it starts with apim_at, or as a JWT with ")


def test_another_credential_is_no_access_token(desk):
    made = desk.generate()
    refresh = desk.log_in(made.key, "admin").refresh_token
    for text in (made.key.consumer_key, made.consumer_secret, refresh):
        with pytest.raises(InvalidInputError):
            tokens.require_access_token(desk.db, text)


def test_a_token_of_another_store_is_not_found(desk):
    text = credentials.encode(credentials.Kind.ACCESS_TOKEN, KeyType.SANDBOX, b"\x01" * 22)
    with pytest.raises(NotFoundError):
        tokens.require_access_token(desk.db, text)


@pytest.fixture
def many(desk):
    """Make a token in every state and return their ids by state."""
    key = desk.generate(validity=60).key
    found = {TokenState.EXPIRED: keys.current_token(desk.db, key).id}
    desk.now += 60
    family = desk.log_in(key, "admin")
    desk.renew(family.refresh_token)
    found[TokenState.INACTIVE] = family.token.id
    revoked = desk.issue(key)
    desk.db.execute("UPDATE access_token SET state = 'REVOKED' WHERE id = ?", (revoked.token.id,))
    found[TokenState.REVOKED] = revoked.token.id
    return found


@pytest.mark.parametrize("state", [TokenState.EXPIRED, TokenState.INACTIVE, TokenState.REVOKED])
def test_a_list_shows_the_state_a_user_sees(desk, many, state):
    found = desk.list(state=state)
    assert [token.id for token in found] == [many[state]]


def test_active_leaves_out_what_has_expired(desk, many):
    found = desk.list(state=TokenState.ACTIVE)
    assert {token.id for token in found}.isdisjoint(many.values())
    assert {token.state_at(desk.now) for token in found} == {"ACTIVE"}
    whole = desk.list()
    assert len(whole) == len(found) + len(many)


def test_a_list_is_of_these_keys_newest_first_and_no_longer_than_asked(desk):
    key = desk.generate().key
    other = desk.application("other")
    desk.generate(other)
    for _ in range(3):
        desk.now += 1
        desk.issue(key)
    found = desk.list(applications=[desk.default], limit=3)
    assert [token.issued_at for token in found] == [desk.now, desk.now - 1, desk.now - 2]
    assert len(desk.list(applications=[other])) == 1
    assert desk.list(applications=[]) == []


def test_a_token_is_shown_with_its_key_application_and_user(desk):
    key = desk.generate().key
    user = desk.user("alice")
    mine, theirs = desk.issue(key).token, desk.log_in(key, user.id).token
    assert tokens.with_owners(desk.db, [mine, theirs]) == [
        (mine, keys.require(desk.db, desk.default, key.key_type), desk.default, None),
        (theirs, keys.require(desk.db, desk.default, key.key_type), desk.default, user),
    ]
