import os
import socket
import sqlite3
import tempfile
from contextlib import closing, contextmanager
from pathlib import Path

import pytest
import sqlite_utils

from apimctl import migrations
from apimctl.errors import StoreError, StoreUnreadableError
from apimctl.store import connect, open_store, schema_version

NOW = 1_800_000_000
NOBODY = 65_534
NEEDED_LATER = (sqlite_utils, migrations)
"""Imported before the rights are given up: the interpreter may be out of reach afterwards."""


def refusal(path) -> StoreError:
    with pytest.raises(StoreError) as caught:
        open_store(path, now=NOW)
    assert caught.value.exit_code == 7
    assert str(path) in caught.value.message
    assert "\n" not in caught.value.message
    assert caught.value.hint
    return caught.value


@contextmanager
def without_rights():
    """Give up the rights of root for a while, if we have them: modes would mean nothing."""
    is_root = os.geteuid() == 0
    if is_root:
        os.seteuid(NOBODY)
    try:
        yield
    finally:
        if is_root:
            os.seteuid(0)


@pytest.fixture
def open_folder():
    """Return a folder that everybody may enter, owned by whom `without_rights` makes us."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        folder.chmod(0o755)
        if os.geteuid() == 0:
            os.chown(folder, NOBODY, NOBODY)
        yield folder
        folder.chmod(0o755)


@pytest.fixture
def store_of_mine(open_folder):
    path = open_folder / "apimctl.db"
    with without_rights():
        open_store(path, now=NOW).close()
    return path


def test_a_folder_is_refused(tmp_path):
    assert "is a folder" in refusal(tmp_path).message
    with pytest.raises(StoreUnreadableError):
        schema_version(tmp_path)


def test_a_text_file_is_refused_and_left_as_it_is(tmp_path):
    path = tmp_path / "notes.txt"
    path.write_text("not a database, but long enough to have been one " * 50)
    before = path.read_bytes()
    assert refusal(path).message == f"{path} is not a database"
    assert path.read_bytes() == before
    assert list(tmp_path.iterdir()) == [path]


def test_another_programs_database_is_refused_and_left_as_it_is(tmp_path):
    path = tmp_path / "other.db"
    with closing(sqlite3.connect(path)) as connection:
        connection.execute("CREATE TABLE bookmark (url)")
    before = path.read_bytes()
    assert refusal(path).message == f"{path} is a database of another program"
    assert path.read_bytes() == before
    assert list(tmp_path.iterdir()) == [path]


@pytest.mark.parametrize("pragma", ["application_id = 7", "user_version = 1"])
def test_another_programs_empty_database_is_refused(tmp_path, pragma):
    path = tmp_path / "other.db"
    with closing(sqlite3.connect(path)) as connection:
        connection.execute(f"PRAGMA {pragma}")
    assert "another program" in refusal(path).message


def test_a_path_below_a_file_is_refused(tmp_path):
    (tmp_path / "file").touch()
    for path in (tmp_path / "file" / "apimctl.db", tmp_path / "file" / "deep" / "apimctl.db"):
        assert refusal(path).message.endswith(f"{tmp_path / 'file'} is not a folder")
    assert (tmp_path / "file").read_bytes() == b""


def test_a_link_to_nothing_is_refused(tmp_path):
    path = tmp_path / "link.db"
    path.symlink_to(tmp_path / "nowhere" / "apimctl.db")
    assert "cannot be used" in refusal(path).message


def test_a_link_to_a_store_is_that_store(store, store_path, tmp_path):
    path = tmp_path / "link.db"
    path.symlink_to(store_path)
    with closing(open_store(path, now=NOW)) as linked:
        assert not linked.is_new


def test_a_name_that_is_too_long_is_refused(tmp_path):
    assert "too long" in refusal(tmp_path / ("x" * 300)).message


def test_a_device_is_refused():
    assert "is a device, a pipe or a socket" in refusal(Path("/dev/null")).message


def test_a_pipe_is_refused_without_waiting_for_it(tmp_path):
    path = tmp_path / "pipe"
    os.mkfifo(path)
    assert "is a device, a pipe or a socket" in refusal(path).message


def test_a_socket_is_refused(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)  # the path of a socket may not be long
    with closing(socket.socket(socket.AF_UNIX)) as listener:
        listener.bind("socket")
        assert "is a device, a pipe or a socket" in refusal(tmp_path / "socket").message


def test_a_damaged_store_is_refused(store, store_path):
    store.close()
    content = bytearray(store_path.read_bytes())
    content[100:4096] = b"\xff" * 3996
    store_path.write_bytes(content)
    assert "is damaged" in refusal(store_path).message


def test_a_file_without_rights_is_refused(store_of_mine):
    store_of_mine.chmod(0)
    with without_rights():
        assert refusal(store_of_mine).hint


def test_a_folder_that_may_not_be_written_is_refused(open_folder):
    open_folder.chmod(0o555)
    with without_rights():
        for path in (open_folder / "apimctl.db", open_folder / "deep" / "apimctl.db"):
            assert "permission denied" in refusal(path).message
    assert list(open_folder.iterdir()) == []


def test_a_store_that_may_only_be_read_refuses_writes_with_a_clear_line(store_of_mine):
    store_of_mine.chmod(0o400)
    with without_rights(), pytest.raises(StoreError) as caught:
        write(store_of_mine)
    assert caught.value.exit_code == 7
    assert "read-only" in caught.value.message
    assert "rights" in caught.value.hint


def write(path):
    with closing(open_store(path, now=NOW)) as store, store.transaction() as db:
        db.execute("UPDATE tier SET description = ''")


def test_a_full_disk_is_said_and_nothing_is_written(store):
    with store.reading() as db:
        before = list(db.iterdump())
    store._connection.execute("PRAGMA max_page_count = 1")
    with pytest.raises(StoreUnreadableError) as caught, store.transaction() as db:
        db.execute("UPDATE tier SET description = ?", ("x" * 100_000,))
    assert "is full" in caught.value.message
    with store.reading() as db:
        assert list(db.iterdump()) == before


def test_a_defect_of_ours_is_not_blamed_on_the_store(store_path, store):
    with pytest.raises(sqlite3.IntegrityError), store.transaction() as db:
        db.execute("INSERT INTO tier SELECT * FROM tier")


def test_a_store_that_was_closed_by_its_maker_can_be_read_by_another(store, store_path):
    store.close()
    with closing(connect(store_path)) as other:
        assert other.execute("SELECT count(*) FROM tier").fetchone() == (5,)
