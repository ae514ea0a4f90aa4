"""The table ``token_partition``, and the tables of tokens that each partition has (SPEC section 7).

The tokens of partition A are in ``access_token_A`` and ``refresh_token_A``, which have the columns
and indexes of ``access_token`` and ``refresh_token``: those are the base partition.
"""

from collections.abc import Collection
from sqlite3 import Connection

from apimctl.domain.models import BASE_PARTITION
from apimctl.domain.partitions import ALL_PARTITIONS

_BASE_TABLES = ("access_token", "refresh_token")


def tables_of(base_table: str) -> dict[str, str]:
    """Return the name that a base table has in each partition, also in one that is not there."""
    return {
        partition: base_table if partition == BASE_PARTITION else f"{base_table}_{partition}"
        for partition in ALL_PARTITIONS
    }


def is_there(db: Connection, partition: str) -> bool:
    """Return whether the partition has its tables; the base partition always has."""
    if partition == BASE_PARTITION:
        return True
    row = db.execute("SELECT 1 FROM token_partition WHERE letter = ?", (partition,)).fetchone()
    return row is not None


def list_all(db: Connection) -> list[str]:
    """Return the partitions that are there, the base partition first."""
    rows = db.execute("SELECT letter FROM token_partition ORDER BY letter")
    return [BASE_PARTITION, *(letter for (letter,) in rows.fetchall())]


def create(db: Connection, letter: str, *, now: int) -> None:
    """Make the tables of a partition that is not there yet, as the base tables are today."""
    db.execute("INSERT INTO token_partition (letter, created_at) VALUES (?, ?)", (letter, now))
    for base_table in _BASE_TABLES:
        table = tables_of(base_table)[letter]
        # Whatever migrations have made of the base table: the catalogue has it as one statement
        # for the table and one for each index, which bears the name of its table.
        statements = db.execute(
            "SELECT sql FROM sqlite_master WHERE tbl_name = ? AND sql IS NOT NULL"
            " ORDER BY type = 'index', name",
            (base_table,),
        )
        for (sql,) in statements.fetchall():
            db.execute(sql.replace(base_table, table))


def drop_empty(db: Connection, *, but: Collection[str]) -> list[str]:
    """Drop the tables of partitions that hold no token, but these; return which those were."""
    dropped = []
    for letter in list_all(db):
        if letter == BASE_PARTITION or letter in but or not _is_empty(db, letter):
            continue
        for base_table in _BASE_TABLES:
            db.execute(f"DROP TABLE {tables_of(base_table)[letter]}")
        db.execute("DELETE FROM token_partition WHERE letter = ?", (letter,))
        dropped.append(letter)
    return dropped


def _is_empty(db: Connection, letter: str) -> bool:
    return not any(
        db.execute(f"SELECT 1 FROM {tables_of(base_table)[letter]} LIMIT 1").fetchone()
        for base_table in _BASE_TABLES
    )
