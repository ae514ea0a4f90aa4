"""What is thrown away, and what is kept."""

import pytest

from apimctl import config
from apimctl.domain.models import Actor, Via
from apimctl.domain.validity import NEVER
from apimctl.errors import NotFoundError
from apimctl.services import audit, revocation, tokens, upkeep
from apimctl.services.renewal import SpentReason
from apimctl.services.upkeep import Leftover

HOUR, DAY = 3600, 86_400
WEEK = 7 * DAY


@pytest.fixture
def key(desk):
    return desk.generate().key


@pytest.fixture
def settings(tmp_path):
    def load(**values):
        files = {"db": str(tmp_path / "x.db"), "config": str(tmp_path / "none.toml")}
        return config.load(files | values, environ={})

    return load


@pytest.fixture
def tidy(desk, settings):
    """Purge as often as there is something, and return what went, by kind."""

    def tidy(*, limit=upkeep.BATCH, older_than=None, **values):
        went = {}
        found = upkeep.deadlines(settings(**values), now=desk.now, older_than_seconds=older_than)
        for kind, before in found.items():
            expected = desk.rehearse(upkeep.count, kind, before=before, now=desk.now)
            removed, has_more = 0, True
            while has_more:
                batch = upkeep.purge(desk.db, kind, before=before, now=desk.now, limit=limit)
                assert batch.removed <= limit
                removed, has_more = removed + batch.removed, batch.has_more
            assert removed == expected
            went[kind] = removed
        return {kind: removed for kind, removed in went.items() if removed}

    return tidy


def is_known(desk, text) -> bool:
    try:
        tokens.require_access_token(desk.db, text)
    except NotFoundError:
        return False
    return True


def test_an_expired_token_is_kept_for_a_while_and_then_goes(desk, key, tidy):
    living = desk.issue(key, validity_seconds=2 * WEEK).access_token
    expired = desk.issue(key, validity_seconds=HOUR).access_token
    desk.now += HOUR + WEEK - 1
    assert tidy() == {}
    assert desk.state(expired) == "EXPIRED"
    desk.now += 1
    assert tidy() == {Leftover.ACCESS_TOKENS: 2}  # and the first token of the key
    assert not is_known(desk, expired)
    assert desk.state(living) == "ACTIVE"


def test_how_long_is_for_the_settings_to_say_and_for_whoever_purges(desk, key, tidy):
    desk.issue(key, validity_seconds=HOUR)
    desk.now += 2 * HOUR
    assert tidy(**{"tokens.purge_after": "never"}) == {}
    assert tidy(**{"tokens.purge_after": "2h"}) == {}
    assert tidy(**{"tokens.purge_after": "2h"}, older_than=HOUR) == {Leftover.ACCESS_TOKENS: 2}


def test_a_token_that_is_accepted_beyond_its_expiry_is_not_over(desk, key, tidy):
    desk.now += HOUR
    assert tidy(**{"tokens.timestamp_skew": "5m"}, older_than=0) == {}
    desk.now += 300
    assert tidy(**{"tokens.timestamp_skew": "5m"}, older_than=0) == {Leftover.ACCESS_TOKENS: 1}


@pytest.mark.parametrize("validity", [NEVER, 365 * DAY])
def test_a_long_token_that_was_revoked_stays_known_for_a_while(desk, key, tidy, validity):
    revoked = desk.issue(key, validity_seconds=validity).access_token
    living = desk.issue(key, validity_seconds=validity).access_token
    desk.now += 30 * DAY
    revocation.require_and_revoke(desk.db, revoked)
    assert tidy() == {Leftover.ACCESS_TOKENS: 1}  # the first one, expired
    desk.now += WEEK - 1
    assert tidy() == {}
    assert desk.state(revoked) == "REVOKED"
    desk.now += 1
    assert tidy() == {Leftover.ACCESS_TOKENS: 1}
    assert not is_known(desk, revoked)
    assert desk.state(living) == "ACTIVE"


def test_a_spent_refresh_token_is_known_until_it_would_have_expired(desk, key, tidy):
    desk.configure(refresh_validity_seconds=60 * DAY)
    first = desk.log_in(key, "admin")
    renewed = desk.renew(first.refresh_token).issued
    desk.now += 60 * DAY - 1
    assert tidy(older_than=0) == {Leftover.ACCESS_TOKENS: 3}
    assert desk.renew(first.refresh_token) is SpentReason.REPLAYED
    assert desk.renew(renewed.refresh_token) is SpentReason.REVOKED


def test_refresh_tokens_go_with_their_time(desk, key, tidy):
    first = desk.log_in(key, "admin")
    desk.renew(first.refresh_token)
    desk.now += DAY + WEEK
    assert tidy() == {Leftover.ACCESS_TOKENS: 3, Leftover.REFRESH_TOKENS: 2}
    assert desk.renew(first.refresh_token) is SpentReason.UNKNOWN


def test_a_revoked_refresh_token_that_would_never_expire_goes_too(desk, key, tidy):
    desk.configure(refresh_validity_seconds=NEVER)
    spent = desk.log_in(key, "admin")
    renewed = desk.renew(spent.refresh_token).issued
    revocation.require_and_revoke(desk.db, renewed.refresh_token)
    assert tidy() == {}
    desk.now += WEEK
    assert tidy()[Leftover.REFRESH_TOKENS] == 1
    assert desk.renew(spent.refresh_token) is SpentReason.REPLAYED


def test_what_is_over_goes_from_every_partition(desk, key, tidy):
    desk.configure(partitions={"FOO.COM": "A"})
    alice = desk.user_of("FOO.COM", "alice")
    kept_apart = desk.log_in(key, alice.id)
    assert kept_apart.token.partition == "A"
    desk.now += DAY + WEEK
    assert tidy() == {Leftover.ACCESS_TOKENS: 2, Leftover.REFRESH_TOKENS: 1}
    assert not is_known(desk, kept_apart.access_token)


def test_batches_are_small_however_much_is_over(desk, key, tidy):
    for _ in range(23):
        desk.issue(key, validity_seconds=NEVER)
    revocation.revoke_all(desk.db, key)
    assert tidy(limit=5, older_than=0) == {Leftover.ACCESS_TOKENS: 24}


def test_purging_announces_nothing(desk, key, tidy):
    desk.issue(key)
    desk.now += HOUR + WEEK
    with desk.announcing() as announced:
        assert tidy() == {Leftover.ACCESS_TOKENS: 2}
    assert announced == []


def test_the_audit_log_is_kept_as_long_as_the_settings_say(desk, tidy):
    who = Actor("eve", Via.CLI)
    for _ in range(7):
        audit.record(desk.db, actor=who, action="app.create", target="shop", now=desk.now)
        desk.now += DAY
    desk.now += 86 * DAY  # the oldest is 93 days old by now
    assert tidy(**{"audit.retention": "never"}) == {}
    assert tidy(limit=2) == {Leftover.AUDIT_ENTRIES: 4}
    assert len(audit.list_newest(desk.db, audit.AuditFilter(), limit=100)) == 3


def test_codes_sessions_and_failed_attempts_go(desk, key, tidy):
    for expires_at in (desk.now, desk.now + 1):
        code = (f"c{expires_at}", key.consumer_key, "admin", "f", None, None, "", 1, 1, expires_at)
        desk.db.execute(f"INSERT INTO authorization_code VALUES ({','.join('?' * 10)})", code)
        session = (f"s{expires_at}", "admin", 1, 1, expires_at, "", "")
        desk.db.execute(f"INSERT INTO web_session VALUES ({','.join('?' * 7)})", session)
        desk.db.execute("INSERT INTO failed_attempt VALUES (?, 1, 1, ?)", (expires_at, expires_at))
        desk.db.execute("INSERT INTO known_network VALUES (?, ?)", (expires_at, expires_at))
    kinds = {Leftover.WEB_SESSIONS, Leftover.FAILED_ATTEMPTS, Leftover.KNOWN_NETWORKS}
    assert tidy() == dict.fromkeys(kinds, 1)
    assert tidy(older_than=0) == {}  # a second use of a code is to be seen as one, for a day
    desk.now += DAY
    assert tidy() == dict.fromkeys(kinds | {Leftover.AUTHORIZATION_CODES}, 1)
