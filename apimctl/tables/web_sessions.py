"""The table ``web_session``."""

from sqlite3 import Connection

from apimctl.domain.models import WebSession

_COLUMNS = "digest, user_id, created_at, used_at, expires_at, user_agent, address"


def insert(db: Connection, session: WebSession) -> None:
    """Add a session."""
    db.execute(
        f"INSERT INTO web_session ({_COLUMNS}) VALUES (?, ?, ?, ?, ?, ?, ?)",
        (
            session.digest,
            session.user_id,
            session.created_at,
            session.used_at,
            session.expires_at,
            session.user_agent,
            session.address,
        ),
    )


def find(db: Connection, digest: str) -> WebSession | None:
    """Return the session with that digest."""
    row = db.execute(f"SELECT {_COLUMNS} FROM web_session WHERE digest = ?", (digest,)).fetchone()
    return WebSession(*row) if row else None


def list_of_user(db: Connection, user_id: str) -> list[WebSession]:
    """Return all sessions of a user, also such as are over, the last used first."""
    rows = db.execute(
        f"SELECT {_COLUMNS} FROM web_session WHERE user_id = ? ORDER BY used_at DESC, digest",
        (user_id,),
    )
    return [WebSession(*row) for row in rows]


def set_used_at(db: Connection, digest: str, used_at: int) -> None:
    """Note when a session was used last."""
    db.execute("UPDATE web_session SET used_at = ? WHERE digest = ?", (used_at, digest))


def delete(db: Connection, digest: str) -> None:
    """Remove a session."""
    db.execute("DELETE FROM web_session WHERE digest = ?", (digest,))


def delete_of_user(db: Connection, user_id: str, *, but: str = "") -> int:
    """Remove all sessions of a user but the one with that digest; return how many that were."""
    cursor = db.execute("DELETE FROM web_session WHERE user_id = ? AND digest <> ?", (user_id, but))
    return cursor.rowcount


def delete_all_but_latest(db: Connection, user_id: str, *, kept: int) -> None:
    """Remove a user's sessions but for so many of those used last."""
    db.execute(
        "DELETE FROM web_session WHERE user_id = ? AND digest NOT IN"
        " (SELECT digest FROM web_session WHERE user_id = ? ORDER BY used_at DESC, digest LIMIT ?)",
        (user_id, user_id, kept),
    )
