import pytest

from apimctl.tables import changes
from apimctl.tables.changes import Change, ChangeKind


def test_what_follows_an_id_is_listed_in_order(store):
    with store.transaction() as db:
        assert changes.newest_id(db) == 0
        for subject in ("a", "b", "c"):
            changes.announce(db, ChangeKind.TOKEN, subject)
        changes.announce(db, ChangeKind.API)
        assert changes.list_after(db, 2) == [
            Change(3, ChangeKind.TOKEN, "c"),
            Change(4, ChangeKind.API, ""),
        ]
        assert changes.newest_id(db) == 4
        assert changes.list_after(db, 4) == []


def test_the_feed_keeps_so_many_and_never_counts_anew(store):
    newest = changes.KEPT_CHANGES + 1
    with store.transaction() as db:
        ids = [(1,), (2,), (3,), (newest,)]
        db.executemany("INSERT INTO changes VALUES (?, 'api', '')", ids)
        changes.announce(db, ChangeKind.API)
        assert [one.id for one in changes.list_after(db, 0)] == [3, newest, newest + 1]
        db.execute("DELETE FROM changes")
        changes.announce(db, ChangeKind.API)
        assert changes.newest_id(db) == newest + 2


def test_a_change_and_what_it_announces_are_kept_or_undone_together(store):
    with store.transaction(dry_run=True) as db:
        changes.announce(db, ChangeKind.API)
    with store.reading() as db:
        assert changes.newest_id(db) == 0


@pytest.mark.parametrize("kind", ChangeKind)
def test_every_kind_comes_back_as_it_went(store, kind):
    with store.transaction() as db:
        changes.announce(db, kind, "subject")
        assert changes.list_after(db, 0) == [Change(1, kind, "subject")]
