import sqlite3
from contextlib import closing

from sqlite_utils import Database

from apimctl.migrations import migrations
from apimctl.store import APPLICATION_ID, SCHEMA_VERSION


def make_older(path):
    path.parent.mkdir(parents=True)
    path.touch(mode=0o600)
    with closing(sqlite3.connect(path, isolation_level=None)) as connection:
        migrations.apply(Database(connection, execute_plugins=False), stop_before="m004_gateways")
        connection.execute("INSERT INTO tier VALUES ('Mine', 7, 60, '', 0)")
        connection.execute(f"PRAGMA application_id = {APPLICATION_ID}")
        connection.execute("PRAGMA user_version = 3")


def test_migrate_makes_the_store_and_then_leaves_it(cli):
    made = cli.data("db", "migrate")
    assert made == {
        "store": str(cli.store),
        "schema_before": 0,
        "schema": SCHEMA_VERSION,
        "backup": None,
    }
    assert cli.data("db", "migrate") == {**made, "schema_before": SCHEMA_VERSION}


def test_migrate_backs_up_an_older_store_and_says_where(cli):
    make_older(cli.store)
    result = cli.ok("db", "migrate", "--json")
    assert (result.json["schema_before"], result.json["schema"]) == (3, SCHEMA_VERSION)
    backup = result.json["backup"]
    assert backup.startswith(f"{cli.store}.schema-3.")
    assert f"it was backed up to {backup}" in result.stderr
    with closing(sqlite3.connect(backup)) as connection:
        assert connection.execute("SELECT name FROM tier").fetchall() == [("Mine",)]


def test_any_command_migrates_an_older_store(cli):
    make_older(cli.store)
    result = cli.ok("tier", "show", "Mine")
    assert "migrated the store; it was backed up to " in result.stderr
    assert cli.data("db", "check")["is_clean"]


def test_a_dry_run_migrates_nothing(cli):
    make_older(cli.store)
    before = cli.store.read_bytes()
    result = cli.ok("db", "migrate", "--dry-run", "--json")
    assert (result.json["schema_before"], result.json["schema"]) == (3, 3)
    assert f"would migrate {cli.store} from schema 3" in result.stderr
    assert cli.data("tier", "create", "More", "--requests", "1", "--per", "1m", "--dry-run")
    assert cli.store.read_bytes() == before
    assert [file.name for file in cli.store.parent.iterdir()] == ["apimctl.db"]


def test_check_finds_what_is_wrong_and_exits_with_7(cli):
    assert cli.data("db", "check") == {"store": str(cli.store), "is_clean": True, "problems": []}
    cli.store.chmod(0o644)
    result = cli("db", "check", "--json")
    assert result.code == 7
    problems = result.json["problems"]
    assert problems[0] == f"others may use the file (mode 644): chmod 600 {cli.store}"
    assert len(problems) == 3  # SQLite gives the files beside it the same mode
    assert result.error["code"] == "store_unreadable"
    assert " 3 problems: others may use" in result.error["message"]


def test_a_newer_store_is_refused_by_every_command(cli):
    cli.ok("app", "list")
    with closing(sqlite3.connect(cli.store)) as connection:
        connection.execute(f"PRAGMA user_version = {SCHEMA_VERSION + 1}")
    for arguments in (("app", "list"), ("db", "migrate"), ("db", "check"), ("key", "generate")):
        result = cli(*arguments, "--json")
        assert (result.code, result.stdout) == (7, "")
        assert result.error["code"] == "store_newer"
