import sqlite3
from contextlib import closing
from dataclasses import replace

import pytest

from apimctl.config import SigningSettings, TokenSettings
from apimctl.domain import credentials
from apimctl.domain.admission import Presented
from apimctl.domain.credentials import Kind
from apimctl.domain.models import KeyType, TokenFormat, TokenState, User
from apimctl.edge.read_model import ReadModel
from apimctl.edge.wal_index import WalIndex
from apimctl.errors import StoreError
from apimctl.services import apis, applications, keys, revocation, settings, tokens
from apimctl.services.applications import ApplicationForm
from apimctl.store import connect, open_store
from apimctl.tables import access_tokens, changes, partitions, users
from apimctl.tables.changes import ChangeKind, announce
from tests.conftest import NOW
from tests.edge.conftest import TOKENS


@pytest.fixture
def announced():
    """Count how often the settings were said to have changed."""
    return []


@pytest.fixture
def model(shop, store_path, announced):
    with closing(ReadModel(store_path, on_settings_changed=lambda: announced.append(1))) as opened:
        yield opened


def facts(model, token=None, path="/twitter/1/x", method="GET"):
    authorization = [] if token is None else [f"Bearer {token}"]
    model.refresh()
    return model.facts(path, method, authorization=authorization, client_domains=(), now=NOW)


def statements_of(model):
    """Return the list to which the SQL of the model's connection is added."""
    ran = []
    model._db.set_trace_callback(ran.append)
    return ran


def test_a_request_is_answered_with_all_that_is_known(shop, model):
    known = facts(model, shop.token)
    assert known.match.api.name == "twitter"
    assert known.match.rest == "/x"
    assert known.token.digest == credentials.digest(shop.token)
    assert known.key == shop.generated.key
    assert known.subscription.api_id == known.match.api.id
    assert known.now == NOW


def test_a_jwt_is_looked_up_by_its_digest_and_what_is_none_is_not(shop, model, store_path):
    with shop.store.transaction() as db:
        application = applications.resolve(db, "DefaultApplication")
        applications.update(db, application, ApplicationForm(token_format=TokenFormat.JWT))
    signing = SigningSettings("https://login.test", store_path=store_path)
    signed = shop.issue(settings=replace(TOKENS, signing=signing))
    assert signed.startswith("eyJ")
    assert facts(model, signed).token.digest == credentials.digest(signed)
    header, claims, signature = signed.split(".")
    ran = statements_of(model)
    for text in (f"{header}.{claims}", f"{header}.x{claims}.{signature}", signed + "x" * 4096):
        assert facts(model, text).presented is Presented.UNREADABLE
    assert [sql for sql in ran if "access_token" in sql] == []
    assert facts(model, f"{signed}x").presented is Presented.TOKEN
    assert facts(model, f"{signed}x").token is None


def test_what_is_known_is_not_read_again(shop, model):
    facts(model, shop.token)
    ran = statements_of(model)
    for _ in range(3):
        assert facts(model, shop.token).token is not None
    assert ran == []


def test_where_the_wal_index_cannot_be_read_sqlite_is_asked(shop, model):
    with closing(sqlite3.connect(":memory:")) as without:
        model._wal_index = WalIndex(without)
    assert facts(model, shop.token).token.state is TokenState.ACTIVE
    ran = statements_of(model)
    for _ in range(3):
        assert facts(model, shop.token).token.state is TokenState.ACTIVE
    assert ran == ["PRAGMA data_version"] * 3
    with shop.store.transaction() as db:
        revocation.revoke(db, shop.token)
    assert facts(model, shop.token).token.state is TokenState.REVOKED


def test_a_path_of_no_api_asks_for_no_token(shop, model):
    model.refresh()
    ran = statements_of(model)
    known = facts(model, shop.token, path="/nothing")
    assert (known.match, known.token) == (None, None)
    assert ran == []


def test_a_malformed_token_is_not_looked_up(shop, model):
    model.refresh()
    ran = statements_of(model)
    assert facts(model, shop.token[:-1] + "!").token is None
    assert ran == []


@pytest.mark.parametrize("text", ["", "\udcff", "x" * 8000])
def test_any_text_can_stand_for_a_token(model, text):
    model.refresh()
    ran = statements_of(model)
    assert facts(model, text).presented is Presented.UNREADABLE
    assert ran == []


def test_a_token_that_is_known_is_not_presented_by_another_text(shop, model):
    facts(model, shop.token)
    assert facts(model, f"{shop.token} ").presented is Presented.TOKEN
    for text in (f"{shop.token}x", f"{shop.token}\udcff", credentials.digest(shop.token)):
        assert facts(model, text).presented is Presented.UNREADABLE


def test_an_unknown_token_is_remembered_until_the_next_commit(shop, model):
    with shop.store.transaction() as db:
        row = db.execute("SELECT * FROM access_token").fetchone()
        db.execute("DELETE FROM access_token")
    assert facts(model, shop.token).token is None
    ran = statements_of(model)
    assert facts(model, shop.token).token is None
    assert ran == []
    with shop.store.transaction() as db:
        # Nothing is announced: whatever is committed may have issued that token.
        db.execute(f"INSERT INTO access_token VALUES ({', '.join('?' * len(row))})", row)
    assert facts(model, shop.token).token is not None


def test_issuing_a_token_disturbs_nothing_that_is_known(shop, model):
    facts(model, shop.token)
    issued = shop.issue()
    ran = statements_of(model)
    assert facts(model, shop.token).token is not None
    assert not any("access_token" in statement for statement in ran)
    assert facts(model, issued).token is not None


def test_a_change_forgets_what_it_names_and_nothing_else(shop, model):
    other = shop.issue()
    facts(model, shop.token)
    facts(model, other)
    with shop.store.transaction() as db:
        revocation.revoke(db, shop.token)
    assert facts(model, shop.token).token.state is TokenState.REVOKED
    ran = statements_of(model)
    assert facts(model, other).token.state is TokenState.ACTIVE
    assert ran == []


def test_a_key_is_read_anew_when_its_domains_change(shop, model):
    assert facts(model, shop.token).key.allowed_domains == ()
    shop.restrict("example.com")
    assert facts(model, shop.token).key.allowed_domains == ("example.com",)


def test_a_key_that_is_deleted_is_no_more(shop, model):
    assert facts(model, shop.token).key is not None
    with shop.store.transaction() as db:
        keys.delete(db, shop.generated.key)
    assert facts(model, shop.token).key is None


def test_all_tokens_of_a_key_can_be_forgotten(shop, model):
    facts(model, shop.token)
    with shop.store.transaction() as db:
        revocation.revoke_all(db, shop.generated.key)
    assert facts(model, shop.token).token.state is TokenState.REVOKED


def test_routes_follow_the_apis(shop, model):
    assert facts(model, path="/other/1").match is None
    shop.publish("other")
    assert facts(model, path="/other/1").match.api.name == "other"
    with shop.store.transaction() as db:
        apis.delete(db, "other")
    assert facts(model, path="/other/1").match is None


def test_a_change_of_settings_is_said_by_the_next_refresh(shop, model, announced):
    with shop.store.transaction() as db:
        settings.announce_change(db)
    assert announced == []
    model.refresh()
    assert announced == [1]
    model.refresh()
    assert announced == [1]


def test_a_change_that_only_a_later_apimctl_knows_makes_it_forget_all(shop, model, announced):
    facts(model, shop.token)
    with shop.store.transaction() as db:
        access_tokens.set_state(db, shop.generated.issued.token, TokenState.REVOKED)
        announce(db, "weather", "rain")
    assert facts(model, shop.token).token.state is TokenState.REVOKED
    assert announced == [1]


def test_a_gap_in_the_changes_makes_it_forget_all(shop, model, announced):
    facts(model, shop.token)
    with shop.store.transaction() as db:
        access_tokens.set_state(db, shop.generated.issued.token, TokenState.REVOKED)
        for _ in range(3):
            announce(db, ChangeKind.KEY, "another")
        # What named the token is gone from the feed.
        db.execute("DELETE FROM changes WHERE id < ?", (changes.newest_id(db),))
    assert facts(model, shop.token).token.state is TokenState.REVOKED
    assert announced == [1]


def test_an_emptied_feed_makes_it_forget_all(shop, model):
    facts(model, shop.token)
    with shop.store.transaction() as db:
        access_tokens.set_state(db, shop.generated.issued.token, TokenState.REVOKED)
        db.execute("DELETE FROM changes")
    assert facts(model, shop.token).token.state is TokenState.REVOKED


def test_an_older_state_of_the_file_makes_it_forget_all(shop, model, store_path, tmp_path):
    with closing(connect(store_path)) as db:
        db.execute("VACUUM INTO ?", (str(tmp_path / "backup.db"),))
    shop.restrict("example.com")
    assert facts(model, shop.token).key.allowed_domains == ("example.com",)
    # Restored in place, as by SQLite's own shell: the file stays the same one.
    with closing(connect(tmp_path / "backup.db")) as backup, closing(connect(store_path)) as db:
        backup.backup(db)
    assert facts(model, shop.token).key.allowed_domains == ()


def test_more_changes_than_are_kept_make_it_forget_all(shop, model, monkeypatch):
    monkeypatch.setattr(changes, "KEPT_CHANGES", 5)
    facts(model, shop.token)
    with shop.store.transaction() as db:
        revocation.revoke(db, shop.token)
        for _ in range(20):
            announce(db, ChangeKind.KEY, "another")
    assert facts(model, shop.token).token.state is TokenState.REVOKED


def test_what_another_connection_has_not_committed_is_not_seen(shop, model):
    facts(model, shop.token)
    with shop.store.transaction(dry_run=True) as db:
        revocation.revoke(db, shop.token)
        assert facts(model, shop.token).token.state is TokenState.ACTIVE
    assert facts(model, shop.token).token.state is TokenState.ACTIVE


def test_a_file_that_goes_away_is_noticed_and_taken_up_again(shop, model, store_path, announced):
    facts(model, shop.token)
    away = store_path.with_name("away.db")
    store_path.rename(away)
    model.check_file()
    with pytest.raises(StoreError, match="is not there"):
        facts(model, shop.token)
    away.rename(store_path)
    model.check_file()
    assert facts(model, shop.token).token is not None
    # A setting may have changed while nobody could be told.
    assert announced == [1]


def test_a_file_that_stays_is_left_alone(shop, model, announced):
    facts(model, shop.token)
    model.check_file()
    ran = statements_of(model)
    facts(model, shop.token)
    assert ran == []
    assert announced == []


def test_another_file_at_the_path_is_another_store(shop, model, store_path, tmp_path):
    facts(model, shop.token)
    shop.store.close()
    other = tmp_path / "other.db"
    open_store(other, now=NOW).close()
    for suffix in ("", "-wal", "-shm"):
        store_path.with_name(store_path.name + suffix).unlink(missing_ok=True)
    other.rename(store_path)
    model.check_file()
    known = facts(model, shop.token)
    assert (known.match, known.token) == (None, None)


def test_a_file_that_is_no_store_refuses_until_a_store_is_there(shop, model, store_path):
    with closing(connect(store_path)) as db:
        # SQLite deletes a log that it finds beside an empty file.
        db.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    shop.store.close()
    away = store_path.with_name("away.db")
    store_path.rename(away)
    store_path.touch()
    with pytest.raises(StoreError):
        model.check_file()
    with pytest.raises(StoreError):
        facts(model, shop.token)
    away.rename(store_path)
    model.check_file()
    assert facts(model, shop.token).token is not None


def test_a_damaged_table_refuses(shop, model):
    with shop.store.transaction() as db:
        db.execute("ALTER TABLE access_token RENAME TO elsewhere")
    with pytest.raises(StoreError):
        facts(model, shop.token)
    with shop.store.transaction() as db:
        db.execute("ALTER TABLE elsewhere RENAME TO access_token")
    model.check_file()
    assert facts(model, shop.token).token is not None


def test_a_store_that_is_not_there_cannot_be_opened(tmp_path):
    with pytest.raises(StoreError):
        ReadModel(tmp_path / "none.db", on_settings_changed=list)


@pytest.fixture
def foo_token(shop):
    """Issue a token to alice of FOO.COM, into partition A."""
    alice = User("alice", "alice", "FOO.COM", None, NOW)
    with shop.store.transaction() as db:
        users.insert(db, alice)
        issued = tokens.issue_user_token(
            db, shop.generated.key, "alice", settings=PARTITIONED, **shop.made
        )
    return issued.access_token


PARTITIONED = TokenSettings(3600, 3600, 3600, 0, 300, partitions={"FOO.COM": "A", "BAR.COM": "B"})


def token_tables(ran):
    return {word for sql in ran for word in sql.split() if word.startswith("access_token")}


def test_a_token_is_looked_up_in_the_partition_it_names_and_in_no_other(shop, model, foo_token):
    model.refresh()
    ran = statements_of(model)
    assert facts(model, foo_token).token.partition == "A"
    assert token_tables(ran) == {"access_token_A"}
    ran.clear()
    assert facts(model, foo_token).token.partition == "A"
    assert ran == []
    assert facts(model, shop.token).token.partition == "0"
    assert token_tables(ran) == {"access_token"}
    # The base partition asks for nothing but its one row.
    assert len([sql for sql in ran if "partition" in sql]) == 0


def test_a_token_of_a_partition_that_is_not_there_is_unknown(shop, model, foo_token):
    text = credentials.encode(Kind.ACCESS_TOKEN, KeyType.SANDBOX, bytes(22), partition="Q")
    model.refresh()
    ran = statements_of(model)
    known = facts(model, text)
    assert (known.presented, known.token) == (Presented.TOKEN, None)
    assert token_tables(ran) == set()
    ran.clear()
    assert facts(model, text).token is None
    assert ran == []


def test_a_partition_that_comes_and_goes_is_noticed_by_the_next_request(shop, model, foo_token):
    assert facts(model, foo_token).token is not None
    with shop.store.transaction() as db:
        users.delete(db, "alice")
        announce(db, ChangeKind.TOKENS_OF_USER, "alice")
        assert partitions.drop_empty(db, but=()) == ["A"]
    assert facts(model, foo_token).token is None
    with shop.store.transaction() as db:
        users.insert(db, User("alice", "alice", "FOO.COM", None, NOW))
        again = tokens.issue_user_token(
            db, shop.generated.key, "alice", settings=PARTITIONED, **shop.made
        )
    assert facts(model, again.access_token).token.partition == "A"


def test_a_partition_that_is_dropped_amid_a_look_up_is_no_trouble(shop, model, foo_token):
    with shop.store.transaction() as db:
        users.delete(db, "alice")
    model.refresh()
    dropped = []

    def drop_before(sql):
        if "FROM access_token_A" in sql:
            with shop.store.transaction() as db:
                dropped.extend(partitions.drop_empty(db, but=()))

    model._db.set_trace_callback(drop_before)
    assert facts(model, foo_token).token is None
    assert dropped == ["A"]


def test_a_token_in_a_partition_is_revoked_with_the_next_request(shop, model, foo_token):
    assert facts(model, foo_token).token.state is TokenState.ACTIVE
    with shop.store.transaction() as db:
        revocation.revoke(db, foo_token)
    assert facts(model, foo_token).token.state is TokenState.REVOKED
