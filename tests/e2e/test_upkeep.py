"""The gateway throws away what is over, and serves meanwhile."""

import sqlite3
from contextlib import closing

import pytest

from tests.e2e.conftest import running_gateway
from tests.e2e.waiting import until

DEAD = 3_000


@pytest.fixture
def dead(cli):
    """Fill a store with tokens that are over since a month, and return its key."""
    made = cli.data("key", "generate")
    with closing(sqlite3.connect(cli.store)) as db:
        db.execute(
            "WITH RECURSIVE number (n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM number"
            " WHERE n < ?) INSERT INTO access_token (digest, id, consumer_key, state, scope,"
            " hint, issued_at, expires_at) SELECT n, n, ?, 'ACTIVE', '', 'xxxx',"
            " unixepoch() - 2682000, unixepoch() - 2678400 FROM number",
            (DEAD, made["consumer_key"]),
        )
        db.commit()
    return made


def count(cli) -> int:
    with closing(sqlite3.connect(cli.store)) as db:
        return db.execute("SELECT count(*) FROM access_token").fetchone()[0]


@pytest.mark.parametrize("workers", [1, 2])
def test_dead_tokens_go_by_themselves_while_new_ones_are_issued(cli, dead, workers):
    client = (dead["consumer_key"], dead["consumer_secret"])
    issued = 0
    with running_gateway(cli, "--workers", workers) as gateway:
        while count(cli) > issued + 1:
            answer = gateway.form("/token", {"grant_type": "client_credentials"}, client=client)
            assert answer.status == 200
            issued += 1
        assert until(lambda: count(cli) == issued + 1)
    assert len(cli.data("token", "list", "--state", "EXPIRED")) == 0
