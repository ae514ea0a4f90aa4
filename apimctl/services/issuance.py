"""User tokens that an administrator issues, without the user's password."""

from collections.abc import Sequence
from dataclasses import dataclass
from sqlite3 import Connection

from apimctl.config import TokenSettings
from apimctl.domain.models import Application, KeyType, User
from apimctl.domain.scopes import ScopeRefusal, parse, written
from apimctl.errors import DeniedError, NotFoundError
from apimctl.services import applications, keys, scopes, tokens, users
from apimctl.services.identifiers import RandomBytes
from apimctl.services.tokens import IssuedToken


@dataclass(frozen=True, slots=True)
class IssuedForUser:
    """A user's new tokens, with whom they belong to."""

    application: Application
    user: User
    issued: IssuedToken


def issue(
    db: Connection,
    username: str,
    *,
    app: str,
    owner: str | None,
    key_type: KeyType,
    scope_names: Sequence[str],
    shorter_seconds: int | None,
    settings: TokenSettings,
    now: int,
    random: RandomBytes,
) -> IssuedForUser:
    """Issue what the password grant would: an access and a refresh token of a new log-in.

    Raises NotFoundError for a user, application, key or scope that is not there, DeniedError for
    a scope that the user has no role for.
    """
    user = users.require(db, username)
    application = applications.resolve(db, app, owner=owner)
    key = keys.require(db, application, key_type)
    issued = tokens.issue_user_token(
        db,
        key,
        user.id,
        settings=settings,
        now=now,
        random=random,
        shorter_seconds=shorter_seconds,
        scope=_scope(db, scope_names, user),
    )
    return IssuedForUser(application, user, issued)


def _scope(db: Connection, names: Sequence[str], user: User) -> str:
    """Return the scope if the user may have all of it: here somebody asked for each by name."""
    wanted = parse(" ".join(names))
    granted = scopes.grant(db, written(wanted), user_id=user.id)
    if granted is ScopeRefusal.UNKNOWN:
        raise NotFoundError(
            "one of these scopes is not declared",
            hint="apimctl api scope list shows them.",
        )
    held = () if isinstance(granted, ScopeRefusal) else {scope.name for scope in granted.scopes}
    missing = [name for name in wanted if name not in held]
    if missing or isinstance(granted, ScopeRefusal):
        raise DeniedError(
            f"{user.qualified_name} has no role for the scope {', '.join(missing)}",
            hint="apimctl user update --role gives one, apimctl api scope list shows which.",
        )
    return granted.text
