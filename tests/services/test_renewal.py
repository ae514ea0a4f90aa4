import pytest

from apimctl.domain import credentials
from apimctl.domain.models import KeyType
from apimctl.domain.validity import NEVER
from apimctl.errors import DeniedError, NotFoundError
from apimctl.services import keys, renewal, revocation, scopes
from apimctl.services.renewal import SpentReason
from apimctl.tables.changes import ChangeKind


@pytest.fixture
def key(desk):
    return desk.generate(domains=("a.com",)).key


def kept(desk):
    return keys.require(desk.db, desk.default, KeyType.SANDBOX)


def test_regenerating_revokes_the_current_token_and_keeps_key_secret_and_domains(desk):
    made = desk.generate(domains=("a.com",))
    issued = desk.regenerate(made.key)
    assert desk.state(made.issued.access_token) == "REVOKED"
    assert desk.state(issued.access_token) == "ACTIVE"
    assert keys.current_token(desk.db, kept(desk)) == issued.token
    assert kept(desk).consumer_key == made.key.consumer_key
    assert kept(desk).allowed_domains == ("a.com",)


def test_regenerating_leaves_other_tokens_of_the_key(desk, key):
    others = [desk.issue(key).access_token, desk.log_in(key, "admin").access_token]
    desk.regenerate(key)
    assert [desk.state(text) for text in others] == ["ACTIVE", "ACTIVE"]


def test_a_new_validity_becomes_the_keys_own(desk, key):
    assert desk.regenerate(key, validity=60).validity_seconds == 60
    assert kept(desk).validity_seconds == 60
    assert desk.regenerate(key).validity_seconds == 60
    assert desk.regenerate(key, validity=NEVER).token.expires_at is None


def test_with_grace_the_old_token_lives_on_that_long(desk):
    made = desk.generate()
    desk.regenerate(made.key, grace=600)
    desk.now += 599
    assert desk.state(made.issued.access_token) == "ACTIVE"
    desk.now += 1
    assert desk.state(made.issued.access_token) == "EXPIRED"


@pytest.mark.parametrize(("validity", "ends"), [(60, 60), (3600, 600), (NEVER, 600)])
def test_a_grace_never_lengthens_a_life(desk, validity, ends):
    made = desk.generate(validity=validity)
    desk.regenerate(made.key, grace=600)
    desk.now += ends - 1
    assert desk.state(made.issued.access_token) == "ACTIVE"
    desk.now += 1
    assert desk.state(made.issued.access_token) == "EXPIRED"


def test_a_revoked_token_does_not_live_again_by_grace(desk):
    made = desk.generate()
    revocation.require_and_revoke(desk.db, made.issued.access_token)
    desk.regenerate(made.key, grace=600)
    assert desk.state(made.issued.access_token) == "REVOKED"


@pytest.mark.parametrize("grace", [0, 600])
def test_the_end_of_the_old_application_token_is_announced(desk, grace):
    made = desk.generate()
    with desk.announcing() as announced:
        desk.regenerate(made.key, grace=grace)
    assert announced == [(ChangeKind.TOKEN, made.issued.token.digest)]


def test_renewing_a_user_token_replaces_both_tokens(desk, key):
    old = desk.log_in(key, "admin")
    with desk.announcing() as announced:
        renewed = desk.renew(old.refresh_token)
    assert renewed.application == desk.default
    assert renewed.key == kept(desk)
    assert desk.state(old.access_token) == "INACTIVE"
    assert desk.state(renewed.issued.access_token) == "ACTIVE"
    assert renewed.issued.refresh_token != old.refresh_token
    assert renewed.issued.token.family_id == old.token.family_id
    assert renewed.issued.token.user_id == "admin"
    assert announced == [(ChangeKind.TOKEN, old.token.digest)]


def test_the_scope_is_kept(desk, key):
    desk.api()
    for name in ("read", "write"):
        scopes.declare(desk.db, "twitter", name, now=desk.now)
    old = desk.log_in(key, "admin", scope="read write")
    assert desk.renew(old.refresh_token).issued.token.scope == "read write"


def test_a_chain_of_renewals_ends_with_one_living_pair(desk, key):
    pairs = [desk.log_in(key, "admin")]
    for _ in range(3):
        pairs.append(desk.renew(pairs[-1].refresh_token).issued)
    assert [desk.state(pair.access_token) for pair in pairs] == ["INACTIVE"] * 3 + ["ACTIVE"]


def test_a_replay_revokes_the_whole_family(desk, key):
    first = desk.log_in(key, "admin")
    second = desk.renew(first.refresh_token).issued
    bystander = desk.log_in(key, "admin")
    with desk.announcing() as announced:
        assert desk.renew(first.refresh_token) is SpentReason.REPLAYED
    assert announced == [(ChangeKind.TOKEN, second.token.digest)]
    assert desk.state(second.access_token) == "REVOKED"
    assert desk.renew(second.refresh_token) is SpentReason.REVOKED
    assert desk.state(bystander.access_token) == "ACTIVE"


def test_an_expired_access_token_is_renewed_while_its_refresh_token_lives(desk, key):
    old = desk.log_in(key, "admin")
    desk.now += 86_399
    assert desk.state(old.access_token) == "EXPIRED"
    assert desk.state(desk.renew(old.refresh_token).issued.access_token) == "ACTIVE"


def test_an_expired_refresh_token_renews_nothing_and_revokes_nothing(desk, key):
    desk.configure(user_validity_seconds=NEVER)
    old = desk.log_in(key, "admin")
    desk.now += 86_400
    assert desk.renew(old.refresh_token) is SpentReason.EXPIRED
    assert desk.state(old.access_token) == "ACTIVE"


def test_a_revoked_one_renews_nothing(desk, key):
    old = desk.log_in(key, "admin")
    revocation.require_and_revoke(desk.db, old.access_token)
    assert desk.renew(old.refresh_token) is SpentReason.REVOKED


def test_what_is_no_refresh_token_of_this_store_renews_nothing(desk, key):
    made = desk.log_in(key, "admin")
    stranger = credentials.encode(credentials.Kind.REFRESH_TOKEN, KeyType.SANDBOX, b"\x01" * 22)
    for text in ("", "x", made.access_token, key.consumer_key, stranger, made.refresh_token[:-1]):
        assert desk.renew(text) is SpentReason.UNKNOWN


def test_another_client_cannot_redeem_it_nor_harm_its_family(desk, key):
    old = desk.log_in(key, "admin")
    desk.renew(old.refresh_token)
    spent = renewal.redeem(desk.db, old.refresh_token, consumer_key="another", now=desk.now)
    assert spent is SpentReason.FOREIGN
    new = desk.log_in(key, "admin")
    own = renewal.redeem(desk.db, new.refresh_token, consumer_key=key.consumer_key, now=desk.now)
    assert own.family_id == new.token.family_id


def test_each_refusal_says_why(desk):
    for reason in SpentReason:
        error = renewal.refusal(reason)
        kind = NotFoundError if reason is SpentReason.UNKNOWN else DeniedError
        assert isinstance(error, kind)
        assert reason in error.message
        assert error.hint
