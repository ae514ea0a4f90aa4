"""The audit log: who issued, renewed, revoked, changed what. It never holds a secret."""

from sqlite3 import Connection
from typing import Any

from apimctl.domain.models import (
    AccessToken,
    Actor,
    Application,
    AuditEntry,
    Key,
    RefreshToken,
    Via,
)
from apimctl.errors import NotFoundError
from apimctl.tables import applications, audit, keys, users
from apimctl.tables.audit import AuditFilter

__all__ = ["AuditFilter", "list_newest", "record", "record_token", "require"]


def record(
    db: Connection, *, actor: Actor, action: str, target: str, now: int, **details: Any
) -> None:
    """Write what was done, in the transaction in which it is done.

    `action` is noun and verb as the command line names them, ``token.renew``; `target` what it was
    done to, by the name a person knows it by. `details` are JSON values and hold no secret.
    """
    entry = AuditEntry(at=now, actor=actor, action=action, target=target, details=details)
    audit.insert(db, entry)


def record_token(
    db: Connection,
    action: str,
    token: AccessToken | RefreshToken,
    *,
    now: int,
    key: Key | None = None,
    application: Application | None = None,
    actor: Actor | None = None,
    **details: Any,
) -> None:
    """Write what was done to a token: the target is its user, else its application.

    `key` and `application` are its own, for who knows them already. `actor` None is the application
    itself, by the Login API. The token is named by its id, a
    refresh token by its last four characters.
    """
    key = key or keys.get(db, token.consumer_key)
    application = application or (applications.find(db, key.application_id) if key else None)
    if key is None or application is None:
        raise AssertionError(token)  # it refers to both
    user = users.get(db, token.user_id) if token.user_id else None
    whose = {
        "application": application.name,
        "owner": application.owner,
        "key_type": key.key_type,
    }
    if isinstance(token, AccessToken):
        named = {"token": token.id}
    else:
        named = {"refresh_token": f"...{token.hint}"}
    entry = AuditEntry(
        at=now,
        actor=actor or Actor(application.name, Via.LOGIN_API),
        action=action,
        target=user.qualified_name if user else application.name,
        details={**whose, **named, **details},
    )
    audit.insert(db, entry)


def list_newest(db: Connection, wanted: AuditFilter, *, limit: int) -> list[AuditEntry]:
    """Return at most `limit` of the entries that are wanted, the newest first."""
    return audit.list_newest(db, wanted, limit=limit)


def require(db: Connection, entry_id: int) -> AuditEntry:
    """Return the entry with that number. Raises NotFoundError."""
    entry = audit.get(db, entry_id)
    if entry is None:
        raise NotFoundError(
            f"there is no entry {entry_id} in the audit log",
            hint="apimctl audit list shows the latest; old ones go, as audit.retention says.",
        )
    return entry
