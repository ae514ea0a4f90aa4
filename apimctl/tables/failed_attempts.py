"""The table ``failed_attempt``: failures by subject, until they are forgotten."""

from sqlite3 import Connection

from apimctl.domain.attempts import NO_FAILURES, Failures

_COLUMNS = "subject, failures, blocked_until, forgotten_at"


def find(db: Connection, subject: str) -> Failures:
    """Return a subject's failures, which may be forgotten already."""
    row = db.execute(
        "SELECT failures, blocked_until, forgotten_at FROM failed_attempt WHERE subject = ?",
        (subject,),
    ).fetchone()
    return Failures(*row) if row else NO_FAILURES


def put(db: Connection, subject: str, failures: Failures) -> None:
    """Write a subject's failures."""
    db.execute(
        f"INSERT INTO failed_attempt ({_COLUMNS}) VALUES (?, ?, ?, ?)"
        " ON CONFLICT (subject) DO UPDATE SET failures = excluded.failures,"
        " blocked_until = excluded.blocked_until, forgotten_at = excluded.forgotten_at",
        (subject, failures.count, failures.blocked_until, failures.forgotten_at),
    )


def delete(db: Connection, subject: str) -> None:
    """Forget a subject's failures."""
    db.execute("DELETE FROM failed_attempt WHERE subject = ?", (subject,))


def delete_with_networks(db: Connection, subject: str) -> None:
    """Forget a subject's failures, and those at each network: ``SUBJECT NETWORK``."""
    delete(db, subject)
    db.execute(
        "DELETE FROM failed_attempt WHERE subject > ? AND subject < ?",
        (f"{subject} ", f"{subject}!"),
    )


def delete_forgotten(db: Connection, *, now: int, most: int) -> int:
    """Remove up to so many rows that are forgotten, and return how many that were."""
    cursor = db.execute(
        "DELETE FROM failed_attempt WHERE subject IN"
        " (SELECT subject FROM failed_attempt WHERE forgotten_at <= ? LIMIT ?)",
        (now, most),
    )
    return cursor.rowcount
