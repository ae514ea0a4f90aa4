"""The table ``known_network``: from where users logged in of late."""

from sqlite3 import Connection


def find(db: Connection, subject: str) -> int:
    """Return until when the user is known at the network, 0 if not at all."""
    row = db.execute(
        "SELECT forgotten_at FROM known_network WHERE subject = ?", (subject,)
    ).fetchone()
    return int(row[0]) if row else 0


def put(db: Connection, subject: str, *, forgotten_at: int) -> None:
    """Remember the user at the network until then."""
    db.execute(
        "INSERT INTO known_network (subject, forgotten_at) VALUES (?, ?)"
        " ON CONFLICT (subject) DO UPDATE SET forgotten_at = excluded.forgotten_at",
        (subject, forgotten_at),
    )


def delete_forgotten(db: Connection, *, now: int, most: int) -> int:
    """Remove up to so many rows that are forgotten, and return how many that were."""
    cursor = db.execute(
        "DELETE FROM known_network WHERE subject IN"
        " (SELECT subject FROM known_network WHERE forgotten_at <= ? LIMIT ?)",
        (now, most),
    )
    return cursor.rowcount
