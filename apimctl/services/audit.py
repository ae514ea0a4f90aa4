"""The audit log: who issued, renewed, revoked, changed what. It never holds a secret."""

from sqlite3 import Connection
from typing import Any

from apimctl.domain.models import Actor, AuditEntry
from apimctl.tables import audit


def record(
    db: Connection, *, actor: Actor, action: str, target: str, now: int, **details: Any
) -> None:
    """Write what was done, in the transaction in which it is done.

    `action` is noun and verb as the command line names them, ``token.renew``; `target` what it was
    done to, by the name a person knows it by. `details` are JSON values and hold no secret.
    """
    entry = AuditEntry(at=now, actor=actor, action=action, target=target, details=details)
    audit.insert(db, entry)
