import pytest

from apimctl.domain import credentials
from apimctl.domain.credentials import Kind
from apimctl.domain.models import KeyType, TokenState, User
from apimctl.errors import NotFoundError
from apimctl.services import (
    applications,
    introspection,
    keys,
    partitions,
    renewal,
    revocation,
    tokens,
    users,
)
from apimctl.services.renewal import SpentReason
from apimctl.tables import partitions as tables
from apimctl.tables import users as user_rows
from apimctl.tables.changes import ChangeKind

ON = {"FOO.COM": "A", "BAR.COM": "B"}
CHANGED = {"FOO.COM": "C"}
OFF = {}


@pytest.fixture
def key(desk):
    return desk.generate().key


@pytest.fixture
def log_in(desk, key):
    """Issue tokens to alice of a user store, by the partitions that are set."""

    def log_in(userstore="FOO.COM", *, partitions=ON):
        user_id = "admin"
        if userstore != "PRIMARY":
            alice = user_rows.find(desk.db, "alice", userstore=userstore)
            alice = alice or User(f"alice-{userstore}", "alice", userstore, None, desk.now)
            user_id = alice.id
            if user_rows.get(desk.db, user_id) is None:
                user_rows.insert(desk.db, alice)
        desk.configure(partitions=partitions)
        return desk.log_in(key, user_id)

    return log_in


@pytest.fixture
def traced(desk):
    """Return which token tables a call touches."""

    def traced(call):
        ran = []
        desk.db.set_trace_callback(ran.append)
        call()
        desk.db.set_trace_callback(None)
        return {word for sql in ran for word in sql.split() if word.startswith(TABLES)}

    return traced


TABLES = ("access_token", "refresh_token")


def letters(issued):
    """Return which partition an access token's text, its record and the refresh token name."""
    texts = (issued.access_token, issued.refresh_token)
    return {issued.token.partition, *(credentials.parse(text).partition for text in texts if text)}


def test_a_users_tokens_go_where_the_user_store_is_mapped(desk, key, log_in):
    assert letters(log_in("FOO.COM")) == {"A"}
    assert letters(log_in("BAR.COM")) == {"B"}
    assert letters(log_in("OTHER.COM")) == {"0"}
    assert letters(log_in("PRIMARY")) == {"0"}
    assert letters(desk.issue(key)) == {"0"}
    assert letters(log_in("FOO.COM", partitions=OFF)) == {"0"}


def test_two_user_stores_can_share_a_partition(log_in):
    shared = {"FOO.COM": "A", "BAR.COM": "A"}
    assert letters(log_in("FOO.COM", partitions=shared)) == {"A"}
    assert letters(log_in("BAR.COM", partitions=shared)) == {"A"}


def test_the_first_token_makes_its_tables_and_only_its(desk, log_in):
    log_in("PRIMARY")
    log_in("OTHER.COM")
    assert tables.list_all(desk.db) == ["0"]
    log_in("FOO.COM")
    log_in("FOO.COM")
    assert tables.list_all(desk.db) == ["0", "A"]


def test_what_is_configured_is_made_once(desk):
    assert partitions.create_missing(desk.db, {"X": "B", "Y": "A", "Z": "B"}, now=1) == ["A", "B"]
    assert partitions.create_missing(desk.db, {"X": "B", "Y": "C"}, now=1) == ["C"]
    assert partitions.create_missing(desk.db, OFF, now=1) == []


@pytest.mark.parametrize(("userstore", "table"), [("FOO.COM", "_A"), ("PRIMARY", "")])
def test_a_look_up_touches_the_one_table(desk, log_in, traced, userstore, table):
    log_in("BAR.COM")
    pair = log_in(userstore)
    find_access = lambda: tokens.find_access_token(desk.db, pair.access_token)  # noqa: E731
    find_refresh = lambda: tokens.find_refresh_token(desk.db, pair.refresh_token)  # noqa: E731
    assert traced(find_access) == {f"access_token{table}"}
    assert traced(find_refresh) == {f"refresh_token{table}"}


def test_issuing_touches_the_one_table(log_in, traced):
    log_in()
    assert traced(log_in) == {"access_token_A", "refresh_token_A"}
    assert traced(lambda: log_in("PRIMARY")) == {"access_token", "refresh_token"}


@pytest.mark.parametrize("setting", [OFF, ON])
def test_an_application_token_asks_for_no_partition(desk, key, setting):
    desk.configure(partitions=setting)
    ran = []
    desk.db.set_trace_callback(ran.append)
    issued = desk.issue(key)
    tokens.find_access_token(desk.db, issued.access_token)
    desk.db.set_trace_callback(None)
    assert ran
    assert not any("token_partition" in sql for sql in ran)


@pytest.mark.parametrize("kind", [Kind.ACCESS_TOKEN, Kind.REFRESH_TOKEN])
def test_a_token_of_a_partition_that_is_not_there_is_unknown(desk, log_in, traced, kind):
    log_in()
    text = credentials.encode(kind, KeyType.SANDBOX, bytes(22), partition="Q")

    def try_everything():
        assert tokens.find_access_token(desk.db, text) is None
        assert tokens.find_refresh_token(desk.db, text) is None
        assert not revocation.revoke(desk.db, text)
        assert desk.renew(text) is SpentReason.UNKNOWN
        with pytest.raises(NotFoundError):
            revocation.require_and_revoke(desk.db, text)

    assert traced(try_everything) == set()


STEPS = [(OFF, "0"), (ON, "A"), (CHANGED, "C"), (OFF, "0"), (ON, "A")]


def test_nothing_is_stranded_when_it_is_turned_on_changed_and_off(desk, log_in):
    issued = []
    for setting, letter in STEPS:
        issued.append(log_in(partitions=setting))
        assert letters(issued[-1]) == {letter}
        assert [desk.state(pair.access_token) for pair in issued] == ["ACTIVE"] * len(issued)
        # Each older one is renewed into today's partition, and the new one is as good.
        for number, old in enumerate(issued):
            issued[number] = desk.renew(old.refresh_token).issued
            assert letters(issued[number]) == {letter}
            assert desk.state(old.access_token) == "INACTIVE"
            assert desk.state(issued[number].access_token) == "ACTIVE"
        # And can be revoked, either way.
        for by in ("access_token", "refresh_token"):
            doomed = log_in(partitions=setting)
            assert revocation.revoke(desk.db, getattr(doomed, by))
            assert desk.state(doomed.access_token) == "REVOKED"
            assert desk.renew(doomed.refresh_token) is SpentReason.REVOKED


@pytest.fixture
def family(desk, log_in):
    """Renew one log-in through every step, and return the tokens, the oldest first."""
    pairs = [log_in(partitions=OFF)]
    for setting, _ in STEPS[1:]:
        desk.configure(partitions=setting)
        pairs.append(desk.renew(pairs[-1].refresh_token).issued)
    assert [pair.token.partition for pair in pairs] == [letter for _, letter in STEPS]
    assert {pair.token.family_id for pair in pairs} == {pairs[0].token.family_id}
    return pairs


def test_a_family_that_spans_partitions_has_one_living_pair(desk, family):
    states = [desk.state(pair.access_token) for pair in family]
    assert states == ["INACTIVE"] * 4 + ["ACTIVE"]


@pytest.mark.parametrize("replayed", range(4))
def test_a_replay_ends_the_family_in_every_partition(desk, family, replayed):
    desk.configure(partitions=CHANGED)
    last = desk.renew(family[-1].refresh_token).issued
    assert last.token.partition == "C"
    with desk.announcing() as announced:
        assert desk.renew(family[replayed].refresh_token) is SpentReason.REPLAYED
    assert announced == [(ChangeKind.TOKEN, last.token.digest)]
    assert desk.state(last.access_token) == "REVOKED"
    assert desk.renew(last.refresh_token) is SpentReason.REVOKED


@pytest.mark.parametrize("setting", [OFF, ON, CHANGED])
def test_ending_a_family_finds_living_tokens_wherever_they_are(desk, log_in, setting):
    # As after a restored row or two writers that knew different settings: alive in two places.
    first = log_in(partitions=ON)
    desk.configure(partitions=OFF)
    second = desk.log_in(
        keys.require(desk.db, desk.default, KeyType.SANDBOX),
        first.token.user_id,
        family_id=first.token.family_id,
    )
    assert {first.token.partition, second.token.partition} == {"A", "0"}
    desk.configure(partitions=setting)
    with desk.announcing() as announced:
        renewal.end_family(desk.db, first.token.family_id, TokenState.REVOKED)
    assert {subject for _, subject in announced} == {first.token.digest, second.token.digest}
    for pair in (first, second):
        assert desk.state(pair.access_token) == "REVOKED"
        assert desk.renew(pair.refresh_token) is SpentReason.REVOKED


def test_all_tokens_of_a_key_are_revoked_in_every_partition(desk, key, log_in):
    pairs = [log_in("FOO.COM"), log_in("BAR.COM"), log_in("PRIMARY")]
    assert revocation.revoke_all(desk.db, key) == 4  # the key's first one too
    assert {desk.state(pair.access_token) for pair in pairs} == {"REVOKED"}
    assert {desk.renew(pair.refresh_token) for pair in pairs} == {SpentReason.REVOKED}


@pytest.mark.parametrize("setting", [OFF, ON])
def test_a_token_is_revoked_by_its_id_in_every_partition(desk, log_in, setting):
    pairs = [log_in("FOO.COM"), log_in("BAR.COM"), log_in("PRIMARY")]
    desk.configure(partitions=setting)
    for pair in pairs:
        revocation.revoke_by_id(desk.db, pair.token.id)
        assert desk.state(pair.access_token) == "REVOKED"
    with pytest.raises(NotFoundError):
        revocation.revoke_by_id(desk.db, "0" * 24)


def test_a_token_is_introspected_in_every_partition(desk, log_in):
    pairs = [log_in("FOO.COM"), log_in("BAR.COM"), log_in("PRIMARY")]
    about = {"consumer_key": None, "issuer": "https://x", "now": desk.now}
    for pair in pairs:
        for text in (pair.access_token, pair.refresh_token):
            assert introspection.introspect(desk.db, text, **about)


def test_deleting_a_user_a_key_an_application_takes_tokens_from_every_partition(desk, log_in):
    admin_foo = user_rows.find(desk.db, "admin", userstore="PRIMARY")
    foo, bar = log_in("FOO.COM"), log_in("BAR.COM")
    user_rows.delete(desk.db, foo.token.user_id)
    assert tokens.find_access_token(desk.db, foo.access_token) is None
    assert tokens.find_refresh_token(desk.db, foo.refresh_token) is None
    keys.delete(desk.db, keys.require(desk.db, desk.default, KeyType.SANDBOX))
    assert tokens.find_access_token(desk.db, bar.access_token) is None
    shop = desk.application("shop")
    pair = desk.log_in(desk.generate(shop).key, bar.token.user_id)
    assert pair.token.partition == "B"
    applications.delete(desk.db, shop)
    assert tokens.find_access_token(desk.db, pair.access_token) is None
    assert users.require(desk.db, "admin") == admin_foo


def test_a_list_is_of_all_partitions_or_of_one(desk, key, log_in):
    made = []
    for userstore in ("FOO.COM", "PRIMARY", "BAR.COM", "FOO.COM"):
        desk.now += 1
        made.insert(0, log_in(userstore).token)
    asked = {"state": TokenState.ACTIVE}
    everything = desk.list(**asked)
    assert everything[:-1] == made  # behind them the key's first one
    assert desk.list(**asked, limit=2) == made[:2]
    in_a = desk.list(**asked, partition="A")
    assert in_a == [made[0], made[3]]
    assert desk.list(**asked, limit=1, partition="A") == made[:1]
    assert len(desk.list(**asked, partition="0")) == 2
    assert desk.list(**asked, partition="Q") == []


def test_a_partition_is_named_by_a_letter_that_is_there_or_configured(desk, log_in):
    log_in(partitions={"FOO.COM": "A"})
    desk.configure(partitions={"BAR.COM": "B"})
    for given, meant in {"A": "A", "a": "A", "b": "B", "0": "0"}.items():
        assert partitions.require(desk.db, given, settings=desk.settings) == meant
    for given in ("C", "", "AB", "foo.com"):
        with pytest.raises(NotFoundError) as caught:
            partitions.require(desk.db, given, settings=desk.settings)
        assert caught.value.hint == "There are 0, A, B; 0 is what is in no partition."


def test_tables_are_dropped_once_nothing_is_in_them_and_nothing_sends_tokens_there(desk, log_in):
    foo = log_in("FOO.COM")
    log_in("BAR.COM")
    partitions.create_missing(desk.db, {"X": "C", "Y": "D"}, now=desk.now)
    assert partitions.drop_unused(desk.db, {"Y": "D"}) == ["C"]
    user_rows.delete(desk.db, foo.token.user_id)
    assert partitions.drop_unused(desk.db, ON) == ["D"]
    assert partitions.drop_unused(desk.db, OFF) == ["A"]
    assert tokens.find_access_token(desk.db, foo.access_token) is None
    assert letters(log_in("FOO.COM")) == {"A"}
