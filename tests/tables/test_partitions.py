import sqlite3

import pytest

from apimctl.tables import partitions

NOW = 1_800_000_000


def schema(db, table):
    """Return the SQL of a table and its indexes, by name, as if it had none."""
    rows = db.execute(
        "SELECT name, sql FROM sqlite_master WHERE tbl_name = ? AND sql > ''", (table,)
    )
    return {name.replace(table, "?"): sql.replace(table, "?") for name, sql in rows}


@pytest.fixture
def db(store):
    with store.transaction() as opened:
        yield opened


@pytest.mark.parametrize("base_table", ["access_token", "refresh_token"])
def test_the_tables_of_a_partition_are_as_the_base_tables(db, base_table):
    partitions.create(db, "A", now=NOW)
    made = schema(db, f"{base_table}_A")
    assert len(made) == 6  # the table and five indexes
    assert made == schema(db, base_table)
    keys = f"SELECT * FROM pragma_foreign_key_list('{base_table}{{}}')"
    of_partition = db.execute(keys.format("_A")).fetchall()
    assert len(of_partition) == 2
    assert of_partition == db.execute(keys.format("")).fetchall()


def test_what_a_base_table_has_become_its_next_partition_is_too(db):
    partitions.create(db, "A", now=NOW)
    db.execute("ALTER TABLE access_token ADD COLUMN colour TEXT NOT NULL DEFAULT ''")
    db.execute("CREATE INDEX access_token_colour ON access_token (colour)")
    partitions.create(db, "B", now=NOW)
    assert schema(db, "access_token_B") == schema(db, "access_token")
    assert schema(db, "access_token_A") != schema(db, "access_token")


def test_partitions_are_listed_behind_the_base_one(db):
    assert partitions.list_all(db) == ["0"]
    for letter in "BA":
        partitions.create(db, letter, now=NOW)
    assert partitions.list_all(db) == ["0", "A", "B"]
    assert [partitions.is_there(db, one) for one in "0ABC"] == [True, True, True, False]


def test_what_is_undone_was_never_there(store):
    with store.transaction(dry_run=True) as db:
        partitions.create(db, "A", now=NOW)
    with store.transaction() as db:
        assert not partitions.is_there(db, "A")
        partitions.create(db, "A", now=NOW)


def test_what_is_empty_is_dropped_but_for_those_that_are_kept(db):
    for letter in "ABCD":
        partitions.create(db, letter, now=NOW)
    db.execute("INSERT INTO application_key VALUES ('k', 'default', 'SANDBOX', '', 1, NULL, 1)")
    db.execute(
        "INSERT INTO refresh_token_B VALUES ('d', 'f', 'k', 'admin', 'REVOKED', '', '', 1, 1)"
    )
    assert partitions.drop_empty(db, but={"C"}) == ["A", "D"]
    assert partitions.list_all(db) == ["0", "B", "C"]
    assert schema(db, "access_token_A") == schema(db, "refresh_token_A") == {}
    db.execute("DELETE FROM refresh_token_B")
    assert partitions.drop_empty(db, but=()) == ["B", "C"]
    partitions.create(db, "A", now=NOW)


@pytest.mark.parametrize("letter", ["0", "a", "AB", "", "Ä", "["])
def test_nothing_but_a_letter_can_be_a_partition(db, letter):
    with pytest.raises(sqlite3.IntegrityError):
        partitions.create(db, letter, now=NOW)
    assert partitions.list_all(db) == ["0"]
