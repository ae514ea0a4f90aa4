import random

import pytest

from apimctl.domain.models import Actor, AuditEntry, Via
from apimctl.tables import audit
from apimctl.tables.audit import LATEST_SECONDS, AuditFilter

NOW = 1_800_000_000
WHO = Actor("eve", Via.CLI)


@pytest.fixture
def log(store):
    """Give an open transaction of a log of 500 entries whose times are a little out of order."""
    drawn = random.Random(3)
    with store.transaction() as db:
        for minute in range(500):
            at = NOW + minute * 60 - drawn.randrange(LATEST_SECONDS)
            audit.insert(db, AuditEntry(at, WHO, "app.create", "shop", {}))
        yield db


def times(db, **wanted) -> list[int]:
    return [entry.at for entry in audit.list_newest(db, AuditFilter(**wanted), limit=1000)]


def test_bounds_of_time_find_all_that_lies_between_them(log):
    whole = times(log)
    assert whole != sorted(whole, reverse=True)
    for start, end in ((0, 30_000), (5_000, 5_060), (-9_000, -1), (-9_000, 90_000)):
        since, until = NOW + start, NOW + end
        assert times(log, since=since, until=until) == [at for at in whole if since <= at < until]


def test_bounds_of_time_are_found_without_reading_the_log(log):
    asked = []
    log.set_trace_callback(asked.append)
    times(log, since=NOW + 10_000, until=NOW + 10_060)
    log.set_trace_callback(None)
    plan = log.execute(f"EXPLAIN QUERY PLAN {asked[-1]}").fetchall()
    assert "rowid>? AND rowid<?" in plan[0][-1]
    assert len(asked) < 30


def test_an_empty_log_has_no_bounds(store):
    with store.transaction() as db:
        assert times(db, since=NOW, until=NOW + 1) == []
