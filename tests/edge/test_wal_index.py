"""On real stores, with commits of other connections and of other processes."""

import gc
import sqlite3
import subprocess
import sys

import pytest

from apimctl.edge.wal_index import HEADER_BYTES, WalIndex
from apimctl.store import connect

LOCK_OF_ALL_CONNECTIONS = 128
"""The byte of the wal-index that SQLite locks as long as anybody uses it."""


@pytest.fixture
def db(store):
    opened = connect(store.path, busy_timeout_seconds=60)
    opened.execute("SELECT count(*) FROM api").fetchone()
    yield opened
    opened.close()


def commit(path):
    other = connect(path, busy_timeout_seconds=60)
    other.execute("UPDATE tier SET requests = requests + 1 WHERE name = 'Gold'")
    other.commit()
    other.close()


def test_every_commit_changes_the_header_and_reading_does_not(db, store):
    index = WalIndex(db)
    seen = [index.header()]
    assert len(seen[0]) == HEADER_BYTES
    for _ in range(20):
        assert index.header() == seen[-1]
        db.execute("SELECT * FROM tier").fetchall()
        assert index.header() == seen[-1]
        commit(store.path)
        seen.append(index.header())
    assert len(set(seen)) == len(seen)


def test_a_commit_of_another_process_is_seen_once_that_process_says_so(db, store):
    index = WalIndex(db)
    before = index.header()
    script = (
        "import sqlite3, sys;"
        "db = sqlite3.connect(sys.argv[1]);"
        "db.execute('UPDATE tier SET requests = 7 WHERE name = \\'Gold\\'');"
        "db.commit(); print('done')"
    )
    subprocess.run([sys.executable, "-c", script, store.path], check=True, capture_output=True)
    assert index.header() != before


@pytest.mark.parametrize("mode", ["PASSIVE", "FULL", "RESTART", "TRUNCATE"])
def test_no_commit_is_missed_when_the_log_begins_anew(db, store, mode):
    index = WalIndex(db)
    for _ in range(3):
        commit(store.path)
        before = index.header()
        db.execute(f"PRAGMA wal_checkpoint({mode})").fetchall()
        commit(store.path)
        assert index.header() != before


def test_a_link_to_a_store_leads_to_the_index_that_is_in_use(store, tmp_path):
    link = tmp_path / "link.db"
    link.symlink_to(store.path)
    # Left behind by a store that once stood where the link is.
    (tmp_path / "link.db-shm").write_bytes(bytes(1 << 15))
    db = connect(link, busy_timeout_seconds=60)
    db.execute("SELECT count(*) FROM api").fetchone()
    index = WalIndex(db)
    before = index.header()
    assert before is not None
    commit(store.path)
    assert index.header() != before
    db.close()


def test_where_there_is_no_log_only_sqlite_can_tell(tmp_path):
    path = tmp_path / "plain.db"
    db = sqlite3.connect(path)
    db.execute("CREATE TABLE t (a)")
    assert WalIndex(db).header() is None
    db.close()


def test_sqlite_keeps_its_locks_when_nobody_looks_any_more(db, store):
    WalIndex(db).header()
    gc.collect()
    script = (
        "import fcntl, sys\n"
        "with open(sys.argv[1], 'r+b') as file:\n"
        "    try:\n"
        "        fcntl.lockf(file, fcntl.LOCK_EX | fcntl.LOCK_NB, 1, int(sys.argv[2]))\n"
        "    except OSError:\n"
        "        print('locked')\n"
    )
    command = [sys.executable, "-c", script, f"{store.path}-shm", str(LOCK_OF_ALL_CONNECTIONS)]
    assert subprocess.run(command, check=True, capture_output=True).stdout == b"locked\n"


def test_a_wal_index_is_mapped_once(db, store):
    first, second = WalIndex(db), WalIndex(db)
    assert first.header() == second.header()
    assert first._memory is second._memory
