"""The binary with a store that has something of everything, and a way to see what changed."""

import sqlite3
from contextlib import closing

import pytest

from apimctl.store import open_store

NOW = 1_800_000_000
API_URL = "http://127.0.0.1:9000/feed"


@pytest.fixture
def dump(cli):
    """Return all that is in the store, as text; the same text is the same store."""

    def dump() -> list[str]:
        if not cli.store.exists():
            return []
        with closing(sqlite3.connect(cli.store)) as connection:
            return list(connection.iterdump())

    return dump


@pytest.fixture
def api(cli):
    """Publish `twitter` 1.0.0, as a command would."""
    open_store(cli.store, now=NOW).close()
    with closing(sqlite3.connect(cli.store)) as db:
        db.execute(
            "INSERT INTO api VALUES ('1', 'twitter', '1.0.0', '/twitter', 'PUBLISHED', NULL, 0, ?,"
            " NULL, '', ?)",
            (API_URL, NOW),
        )
        db.commit()
    return "twitter"
