"""The audit log: who issued, renewed, revoked, changed what. It never holds a secret."""

from sqlite3 import Connection
from typing import Any

from apimctl.domain.models import AccessToken, Actor, AuditEntry, RefreshToken, Via
from apimctl.services import tokens
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


def record_token(
    db: Connection,
    action: str,
    token: AccessToken | RefreshToken,
    *,
    now: int,
    actor: Actor | None = None,
    **details: Any,
) -> None:
    """Write what was done to a token: the target is its user, else its application.

    `actor` None is the application itself, by the Login API. The token is named by its id, a
    refresh token by its last four characters.
    """
    ((_, key, application, user),) = tokens.with_owners(db, [token])
    whose = {"owner": application.owner, "key_type": key.key_type}
    if user is not None:
        whose["application"] = application.name
    named = (
        {"token": token.id}
        if isinstance(token, AccessToken)
        else {"refresh_token": f"...{token.hint}"}
    )
    record(
        db,
        actor=actor or Actor(application.name, Via.LOGIN_API),
        action=action,
        target=user.qualified_name if user else application.name,
        now=now,
        **whose,
        **named,
        **details,
    )
