import sqlite3
import stat
from contextlib import closing

import pytest
from sqlite_utils import Database

from apimctl.domain.models import WebSession
from apimctl.errors import StoreNewerError, StoreUnreadableError
from apimctl.migrations import migrations
from apimctl.services import tiers
from apimctl.store import (
    APPLICATION_ID,
    SCHEMA_VERSION,
    open_store,
    rehearse_store,
    schema_version,
)
from apimctl.tables import gateways, partitions, user_roles, web_sessions
from apimctl.tables.gateways import Gateway

NOW = 1_800_000_000


@pytest.fixture
def older(tmp_path):
    """Return the path of a store as the second schema had it, with a tier in it."""
    path = tmp_path / "older.db"
    path.touch(mode=0o600)
    with closing(sqlite3.connect(path, isolation_level=None)) as connection:
        connection.execute("PRAGMA journal_mode = WAL")
        migrations.apply(Database(connection, execute_plugins=False), stop_before="m003_tokens")
        connection.execute("INSERT INTO tier VALUES ('Mine', 7, 60, '', 0)")
        connection.execute(f"PRAGMA application_id = {APPLICATION_ID}")
        connection.execute("PRAGMA user_version = 2")
    return path


def tables(path):
    with closing(sqlite3.connect(path)) as connection:
        rows = connection.execute("SELECT name FROM sqlite_master WHERE type = 'table'")
        return {name for (name,) in rows}


def test_an_older_store_is_migrated_and_keeps_what_it_has(older):
    with closing(open_store(older, now=NOW)) as migrated:
        assert not migrated.is_new
        assert migrated.check() == []
        with migrated.reading() as db:
            assert [tier.name for tier in tiers.list_all(db)] == ["Mine"]
    assert schema_version(older) == SCHEMA_VERSION
    assert {"access_token", "changes"} <= tables(older)


def test_an_older_store_is_backed_up_whole_before_it_is_migrated(older):
    with closing(open_store(older, now=NOW)) as migrated:
        backup = migrated.backup_path
    assert backup == older.with_name("older.db.schema-2.20270115T080000Z.backup")
    assert stat.S_IMODE(backup.stat().st_mode) == 0o600
    assert "access_token" not in tables(backup)
    with closing(sqlite3.connect(backup)) as connection:
        assert connection.execute("SELECT name FROM tier").fetchall() == [("Mine",)]
        assert connection.execute("PRAGMA integrity_check").fetchone() == ("ok",)
        assert connection.execute("PRAGMA user_version").fetchone() == (2,)


def test_a_backup_is_a_store_that_can_be_opened(older):
    with closing(open_store(older, now=NOW)) as migrated:
        backup = migrated.backup_path
    with closing(open_store(backup, now=NOW)) as restored, restored.reading() as db:
        assert tiers.require(db, "Mine").requests == 7


def test_a_migration_that_fails_leaves_the_older_store(older):
    with closing(sqlite3.connect(older, isolation_level=None)) as connection:
        connection.execute("CREATE TABLE gateway (in_the_way)")
    before = older.read_bytes()
    with pytest.raises(StoreUnreadableError):
        open_store(older, now=NOW)
    assert schema_version(older) == 2
    assert "access_token" not in tables(older)
    assert older.read_bytes()[100:] == before[100:]


def test_rehearsing_a_migration_writes_nothing(older):
    before = older.read_bytes(), sorted(path.name for path in older.parent.iterdir())
    with closing(rehearse_store(older, now=NOW)) as rehearsed, rehearsed.transaction() as db:
        assert tiers.require(db, "Mine").requests == 7
        assert db.execute("SELECT count(*) FROM access_token").fetchone() == (0,)
    assert (older.read_bytes(), sorted(path.name for path in older.parent.iterdir())) == before


def test_a_newer_store_is_refused_and_left_as_it_is(store, store_path):
    store.close()
    with closing(sqlite3.connect(store_path)) as connection:
        connection.execute(f"PRAGMA user_version = {SCHEMA_VERSION + 1}")
    before = store_path.read_bytes()
    for open_it in (open_store, rehearse_store):
        with pytest.raises(StoreNewerError) as caught:
            open_it(store_path, now=NOW)
    assert caught.value.exit_code == 7
    assert f"schema {SCHEMA_VERSION + 1}, this one knows {SCHEMA_VERSION}" in caught.value.message
    assert caught.value.hint.startswith("Upgrade apimctl")
    assert store_path.read_bytes() == before
    assert [path.name for path in store_path.parent.iterdir()] == ["apimctl.db"]


WITHOUT_STORE = sqlite3.connect(":memory:")
STEPS = [step.name for step in migrations.pending(Database(WITHOUT_STORE, execute_plugins=False))]
WITHOUT_STORE.close()
WITH_PARTITIONS = [*STEPS[STEPS.index("m008_token_partitions") + 1 :], None]


@pytest.mark.parametrize("stop_before", WITH_PARTITIONS)
def test_the_tables_of_partitions_are_migrated_as_the_base_tables_are(stop_before):
    with closing(sqlite3.connect(":memory:", isolation_level=None)) as connection:
        db = Database(connection, execute_plugins=False)
        migrations.apply(db, stop_before=stop_before)
        partitions.create(connection, "A", now=NOW)
        migrations.apply(db)
        for table in ("access_token", "refresh_token"):
            rows = "SELECT replace(sql, ?, '') FROM sqlite_master WHERE tbl_name = ? ORDER BY name"
            as_base = connection.execute(rows, (table, table)).fetchall()
            partition = f"{table}_A"
            assert connection.execute(rows, (partition, partition)).fetchall() == as_base


def test_gateways_that_are_listed_stay_so_when_they_get_certificates(tmp_path):
    with closing(sqlite3.connect(tmp_path / "x.db", isolation_level=None)) as connection:
        db = Database(connection, execute_plugins=False)
        migrations.apply(db, stop_before="m006_gateway_certificates")
        connection.execute("INSERT INTO gateway VALUES ('one', 'http://a', 42, '1.0', 7)")
        migrations.apply(db)
        assert gateways.list_all(connection) == [Gateway("one", "http://a", 42, "1.0", 7)]


def test_admin_has_its_role_in_an_older_store(older):
    with closing(sqlite3.connect(older, isolation_level=None)) as connection:
        for name in ("admin", "alice"):
            connection.execute(
                "INSERT INTO user_account VALUES (?, ?, 'PRIMARY', NULL, 7)", (name, name)
            )
    with closing(open_store(older, now=NOW)) as migrated, migrated.reading() as db:
        assert user_roles.list_by_user(db) == {"admin": ("admin",)}


def test_sessions_of_an_older_store_go_on_and_say_nothing_of_their_browser():
    with closing(sqlite3.connect(":memory:", isolation_level=None)) as connection:
        db = Database(connection, execute_plugins=False)
        migrations.apply(db, stop_before="m016_where_sessions_began")
        connection.execute("INSERT INTO user_account VALUES ('alice', 'alice', 'PRIMARY', NULL, 7)")
        connection.execute("INSERT INTO web_session VALUES ('digest', 'alice', 7, 8, 9)")
        migrations.apply(db)
        assert web_sessions.find(connection, "digest") == WebSession("digest", "alice", 7, 8, 9)
