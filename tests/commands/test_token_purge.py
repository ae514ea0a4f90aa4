import sqlite3
from contextlib import closing

import pytest

from apimctl.services import upkeep

NOTHING = dict.fromkeys(map(str, upkeep.Leftover), 0)


@pytest.fixture
def dead(cli):
    """Fill a store with 1,200 tokens of which all but one are over since an hour."""
    key = cli.data("key", "generate")["consumer_key"]
    with closing(sqlite3.connect(cli.store)) as db:
        db.execute(
            "WITH RECURSIVE number (n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM number"
            " WHERE n < 1199) INSERT INTO access_token (digest, id, consumer_key, state, scope,"
            " hint, issued_at, expires_at) SELECT n, n, ?, 'ACTIVE', '', 'xxxx',"
            " unixepoch() - 7200, unixepoch() - 3600 FROM number",
            (key,),
        )
        db.commit()
    return cli


def count(cli) -> int:
    with closing(sqlite3.connect(cli.store)) as db:
        return db.execute("SELECT count(*) FROM access_token").fetchone()[0]


def test_what_is_over_goes_in_batches_and_is_counted(dead):
    assert dead.data("token", "purge") == NOTHING
    assert dead.data("token", "purge", "--older-than", "2h") == NOTHING
    result = dead.ok("token", "purge", "--older-than", "30m", "--json")
    assert result.json == {**NOTHING, "access_tokens": 1199}
    assert "purged 1199 access tokens" in result.stderr
    assert count(dead) == 1
    row, *_ = dead.data("audit", "list", "--action", "token.purge")
    assert row["details"] == {"access_tokens": 1199}


def test_a_dry_run_counts_and_leaves_all(dead):
    dead.ok("token", "revoke", "--all")
    result = dead.ok("token", "purge", "--older-than", "0", "--dry-run", "--json")
    assert result.json == {**NOTHING, "access_tokens": 1200}
    assert "dry run" in result.stderr
    assert count(dead) == 1200


def test_the_settings_say_how_long_dead_tokens_are_kept(dead):
    dead.ok("config", "set", "tokens.purge_after", "never")
    assert dead.data("token", "purge") == NOTHING
    dead.ok("config", "set", "tokens.purge_after", "30m")
    assert dead.ok("token", "purge", "--format", "value").stdout == "1199\n"


def test_what_is_no_length_of_time(cli):
    result = cli("token", "purge", "--older-than", "never")
    assert (result.code, result.stdout) == (2, "")
