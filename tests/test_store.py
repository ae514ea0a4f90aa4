import os
import sqlite3
import stat
import subprocess
import sys
from contextlib import closing
from pathlib import Path

import pytest

from apimctl.errors import StoreBusyError
from apimctl.migrations import migrations
from apimctl.services import applications, tiers, users
from apimctl.store import (
    APPLICATION_ID,
    SCHEMA_VERSION,
    Store,
    connect,
    open_store,
    rehearse_store,
    schema_version,
)

NOW = 1_800_000_000
OPENER = """
import sys
from pathlib import Path
from apimctl.store import open_store
sys.stdin.readline()
store = open_store(Path(sys.argv[1]), now=1)
with store.reading() as db:
    (count,) = db.execute("SELECT count(*) FROM tier").fetchone()
store.close()
print(store.is_new, count)
"""


def mode(path) -> int:
    return stat.S_IMODE(path.stat().st_mode)


def test_a_new_store_has_admin_without_password_and_the_default_application(store):
    assert store.is_new
    with store.reading() as db:
        (admin,) = users.list_all(db)
        (application,) = applications.list_all(db)
    assert (admin.name, admin.userstore, admin.password_hash) == ("admin", "PRIMARY", None)
    assert (application.name, application.owner) == ("DefaultApplication", "admin")
    assert application.tier == "Unlimited"
    assert admin.created_at == application.created_at == NOW


def test_a_new_store_has_the_built_in_tiers(store):
    with store.reading() as db:
        found = [(tier.name, tier.requests, tier.per_seconds) for tier in tiers.list_all(db)]
        assert all(tier.is_built_in for tier in tiers.list_all(db))
    assert found == [
        ("Unlimited", None, None),
        ("Unauthenticated", 60, 60),
        ("Gold", 20, 60),
        ("Silver", 5, 60),
        ("Bronze", 1, 60),
    ]


def test_opening_again_changes_nothing(store, store_path):
    with closing(open_store(store_path, now=NOW + 1)) as again:
        assert not again.is_new
        assert again.backup_path is None
        with again.reading() as db:
            assert [user.created_at for user in users.list_all(db)] == [NOW]


@pytest.mark.parametrize(
    ("pragma", "value"),
    [
        ("journal_mode", "wal"),
        ("synchronous", 2),
        ("foreign_keys", 1),
        ("application_id", APPLICATION_ID),
        ("user_version", SCHEMA_VERSION),
    ],
)
def test_every_connection_is_durable_and_keeps_references(store, store_path, pragma, value):
    with closing(connect(store_path)) as connection:
        assert connection.execute(f"PRAGMA {pragma}").fetchone() == (value,)


def test_the_schema_version_is_the_number_of_migrations(store, store_path):
    assert len(migrations._migrations) == SCHEMA_VERSION
    assert schema_version(store_path) == SCHEMA_VERSION


def test_a_store_that_is_not_there_has_no_schema_and_is_not_made_by_asking(store_path):
    assert schema_version(store_path) == 0
    assert not store_path.parent.exists()


def test_only_the_owner_may_read_the_folder_and_the_files(store, store_path):
    with store.transaction() as db:
        db.execute("UPDATE tier SET description = '' WHERE name = 'Gold'")
    assert mode(store_path.parent) == 0o700
    files = sorted(path.name for path in store_path.parent.iterdir())
    assert files == ["apimctl.db", "apimctl.db-shm", "apimctl.db-wal"]
    assert {mode(path) for path in store_path.parent.iterdir()} == {0o600}


def test_an_empty_file_becomes_a_store_that_only_its_owner_may_read(tmp_path):
    path = tmp_path / "empty.db"
    path.touch()
    path.chmod(0o644)
    with closing(open_store(path, now=NOW)) as made:
        assert made.is_new
        assert mode(path) == 0o600


def test_a_folder_that_is_there_keeps_its_mode(tmp_path):
    tmp_path.chmod(0o755)
    open_store(tmp_path / "apimctl.db", now=NOW).close()
    assert mode(tmp_path) == 0o755


def test_a_transaction_is_kept_as_a_whole(store, store_path):
    with store.transaction() as db:
        db.execute("UPDATE tier SET description = 'kept'")
    with closing(connect(store_path)) as other:
        assert other.execute("SELECT DISTINCT description FROM tier").fetchall() == [("kept",)]


def test_a_transaction_that_fails_is_undone_as_a_whole(store):
    before = dump(store)
    with pytest.raises(sqlite3.IntegrityError):
        fail_halfway(store)
    assert dump(store) == before


def test_a_dry_run_is_undone(store):
    before = dump(store)
    with store.transaction(dry_run=True) as db:
        changed = db.execute("UPDATE tier SET description = 'lost'").rowcount
    assert changed == 5
    assert dump(store) == before


def test_a_reader_sees_one_state_throughout(store, store_path):
    with closing(open_store(store_path, now=NOW)) as reader, reader.reading() as db:
        before = db.execute("SELECT count(*) FROM tier").fetchone()
        with store.transaction() as writer:
            writer.execute("DELETE FROM tier WHERE name = 'Gold'")
        assert db.execute("SELECT count(*) FROM tier").fetchone() == before


def test_a_writer_waits_for_another_one_and_then_says_who_is_in_the_way(store, store_path):
    other = connect(store_path, busy_timeout_seconds=0.05)
    with closing(Store(store_path, other, is_new=False, backup_path=None)) as waiting:
        with (
            store.transaction(),
            pytest.raises(StoreBusyError) as caught,
            waiting.transaction(),
        ):
            pytest.fail("two writers at once")
        assert caught.value.exit_code == 7
        assert "another process is writing" in caught.value.message
        with waiting.transaction() as db:
            db.execute("UPDATE tier SET description = ''")


def test_a_reader_does_not_wait_for_a_writer(store, store_path):
    other = connect(store_path, busy_timeout_seconds=0)
    with (
        closing(Store(store_path, other, is_new=False, backup_path=None)) as reader,
        store.transaction(),
        reader.reading() as db,
    ):
        assert db.execute("SELECT count(*) FROM tier").fetchone() == (5,)


def test_one_of_many_processes_that_come_first_makes_the_store(store_path):
    processes = [
        subprocess.Popen(
            [sys.executable, "-c", OPENER, store_path],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
        for _ in range(8)
    ]
    for process in processes:
        process.stdin.write("go\n")
        process.stdin.flush()
    outcomes = []
    for process in processes:
        stdout, stderr = process.communicate(timeout=60)
        assert (process.returncode, stderr) == (0, "")
        outcomes.append(stdout.strip())
    assert sorted(outcomes) == ["False 5"] * 7 + ["True 5"]


def test_a_store_in_order_has_no_problems(store):
    assert store.check() == []


def test_a_row_that_refers_to_nothing_is_a_problem(store, store_path):
    with closing(sqlite3.connect(store_path)) as careless:
        careless.execute("UPDATE application SET owner_id = 'nobody'")
        careless.commit()
    (problem,) = store.check()
    assert problem.startswith("row ")
    assert "of application refers to a row of user_account that is not there" in problem


@pytest.mark.parametrize("suffix", ["", "-wal", "-shm", ".counters"])
def test_a_file_that_others_may_read_is_a_problem(store, store_path, suffix):
    file = Path(f"{store_path}{suffix}")
    file.touch()
    file.chmod(0o640)
    assert store.check() == [f"others may use the file (mode 640): chmod 600 {file}"]


def test_a_damaged_file_is_a_problem(store, store_path):
    with store.transaction() as db:
        db.execute("PRAGMA writable_schema = ON")
        db.execute("UPDATE sqlite_master SET rootpage = 2 WHERE name = 'changes'")
    store.close()
    with closing(open_store(store_path, now=NOW)) as damaged:
        assert any("page 2" in problem for problem in damaged.check())


def test_a_rehearsal_makes_no_file(store_path):
    with closing(rehearse_store(store_path, now=NOW)) as rehearsed:
        with rehearsed.transaction() as db:
            assert [user.name for user in users.list_all(db)] == ["admin"]
        assert not rehearsed.is_new
    assert not store_path.parent.exists()


def test_a_rehearsal_on_a_store_sees_what_is_in_it(store, store_path):
    with store.transaction() as db:
        db.execute("UPDATE tier SET description = 'mine'")
    with closing(rehearse_store(store_path, now=NOW)) as rehearsed, rehearsed.reading() as db:
        assert tiers.require(db, "Gold").description == "mine"


def test_a_new_store_in_a_umask_that_hides_nothing_is_hidden(tmp_path):
    before = os.umask(0)
    try:
        open_store(tmp_path / "data" / "apimctl.db", now=NOW).close()
    finally:
        os.umask(before)
    assert mode(tmp_path / "data") == 0o700
    assert mode(tmp_path / "data" / "apimctl.db") == 0o600


def fail_halfway(store):
    with store.transaction() as db:
        db.execute("UPDATE tier SET description = 'lost'")
        db.execute("UPDATE tier SET name = 'the same'")


def dump(store) -> list[str]:
    with store.reading() as db:
        return list(db.iterdump())
