"""Scopes: what APIs declare, and what a token gets of those it is asked for (SPEC section 4).

An API declares a scope in all its versions, and a name belongs to one API: else a user's role that
opens it at one API would open another's, too.
"""

import shlex
from collections.abc import Iterable
from dataclasses import replace
from sqlite3 import Connection

from apimctl.domain import scopes as rules
from apimctl.domain.models import Api, Application, Scope
from apimctl.domain.names import check_role, check_text
from apimctl.domain.scopes import Granted, ScopeRefusal, check_scope
from apimctl.errors import ConflictError, InvalidInputError, NotFoundError
from apimctl.tables import apis, resources, scopes, user_roles
from apimctl.tables.changes import ChangeKind, announce


def declare(
    db: Connection,
    api_name: str,
    name: str,
    *,
    description: str = "",
    roles: Iterable[str] = (),
    now: int,
) -> Scope:
    """Add a scope to an API. An empty role counts as none.

    Raises NotFoundError for an unknown API, ConflictError for a name that is taken,
    InvalidInputError.
    """
    require_api(db, api_name)
    scope = Scope(
        name=check_scope(name),
        api_name=api_name,
        description=check_text(description, what="description"),
        roles=_checked(roles),
        created_at=now,
    )
    taken = scopes.find(db, name)
    if taken is not None:
        own = taken.api_name == api_name
        change = shlex.join(("apimctl", "api", "scope", "update", api_name, name))
        raise ConflictError(
            f"{taken.api_name} has a scope {name!r} already",
            hint=f"Change it: {change}"
            if own
            else "A scope belongs to one API. Choose another name.",
        )
    scopes.insert(db, scope)
    announce(db, ChangeKind.API)
    return scope


def require_api(db: Connection, api_name: str) -> list[Api]:
    """Return the versions of the API of that name. Raises NotFoundError, InvalidInputError."""
    name, colon, _ = api_name.partition(":")
    if colon:
        raise InvalidInputError(
            f"a scope belongs to all versions of {name!r}", hint=f"Name the API alone: {name}"
        )
    if versions := apis.list_named(db, api_name):
        return versions
    raise NotFoundError(f"there is no API {api_name!r}", hint="apimctl api list shows them all.")


def require(db: Connection, api_name: str, name: str) -> Scope:
    """Return the scope of that name, which the API declares. Raises as `require_api`."""
    require_api(db, api_name)
    found = scopes.find(db, name)
    if found is not None and found.api_name == api_name:
        return found
    listed = shlex.join(("apimctl", "api", "scope", "list", api_name))
    raise NotFoundError(
        f"{api_name} declares no scope {name!r}",
        hint=f"It belongs to {found.api_name}." if found else f"{listed} shows what it declares.",
    )


def list_all(db: Connection, api_name: str | None = None) -> list[Scope]:
    """Return the scopes of an API, or all, by API and name. Raises as `require_api`."""
    if api_name is None:
        return scopes.list_all(db)
    require_api(db, api_name)
    return scopes.list_of_api(db, api_name)


def update(
    db: Connection,
    scope: Scope,
    *,
    description: str | None = None,
    roles: Iterable[str] | None = None,
) -> Scope:
    """Change a scope; None leaves as it is. Raises InvalidInputError.

    Tokens that have it keep it, until they are renewed or their time is over.
    """
    changed = replace(
        scope,
        description=scope.description
        if description is None
        else check_text(description, what="description"),
        roles=scope.roles if roles is None else _checked(roles),
    )
    scopes.update(db, changed)
    return changed


def delete(db: Connection, scope: Scope) -> None:
    """Remove a scope, with the next request from all tokens. Raises ConflictError if it is used.

    A resource that asks for a scope nobody can get would be closed; one that asks for none, open.
    """
    users = [
        f"{', '.join(sorted(resource.methods))} {resource.pattern} of {api.reference}"
        for api in apis.list_named(db, scope.api_name)
        for resource in resources.list_of_api(db, api.id)
        if scope.name in resource.scopes
    ]
    if users:
        raise ConflictError(
            f"the scope {scope.name!r} is asked for by {'; '.join(users)}",
            hint="Take it away there: apimctl api resource update --scope names those that stay,"
            ' --scope "" none.',
        )
    scopes.delete(db, scope.name)
    announce(db, ChangeKind.API)


def check_declared(db: Connection, api: Api, names: Iterable[str]) -> tuple[str, ...]:
    """Return the names if the API declares them all, by name; an empty one counts as none.

    Raises NotFoundError.
    """
    return tuple(sorted({require(db, api.name, name).name for name in names if name}))


def grant(db: Connection, requested: str | None, *, user_id: str) -> Granted | ScopeRefusal:
    """Return what a user's token gets of the scope that was requested for it.

    None, or legacy names alone: the default scope. A name that the user has no role for is left
    out; nothing is granted for one that is unknown, or if nothing remains.
    """
    found = _find(db, requested)
    if isinstance(found, ScopeRefusal):
        return found
    granted = _permitted(db, found, user_id)
    return ScopeRefusal.FORBIDDEN if found and not granted.scopes else granted


def is_known(db: Connection, requested: str | None) -> bool:
    """Return whether all names of a scope that is requested are declared."""
    return not isinstance(_find(db, requested), ScopeRefusal)


def grant_to_application(
    db: Connection, requested: str | None, application: Application
) -> Granted | ScopeRefusal:
    """Return what an application's own token gets: what its owner would, as in WSO2."""
    return grant(db, requested, user_id=application.owner_id)


def regrant(db: Connection, held: str, *, granted_at: int, user_id: str) -> Granted:
    """Return what a user's new token gets of the scope that was granted then.

    Scopes and roles may be gone since.
    """
    left = living(db, held, issued_at=granted_at)
    found = [scopes.find(db, name) for name in rules.parse(left)]
    return _permitted(db, [scope for scope in found if scope], user_id)


def living(db: Connection, held: str, *, issued_at: int) -> str:
    """Return what is left of the scope of a token issued then: names may have been deleted."""
    if not rules.parse(held):
        return rules.DEFAULT_SCOPE
    return rules.living(held, issued_at=issued_at, declared=scopes.declared_since(db))


def _find(db: Connection, requested: str | None) -> list[Scope] | ScopeRefusal:
    """Return the scopes of these names; the first one that is unknown ends the search."""
    found = []
    for name in rules.parse(requested):
        scope = scopes.find(db, name)
        if scope is None:
            return ScopeRefusal.UNKNOWN
        found.append(scope)
    return found


def _permitted(db: Connection, found: list[Scope], user_id: str) -> Granted:
    needs_role = any(scope.roles for scope in found)
    return rules.permitted(found, user_roles.list_of(db, user_id) if needs_role else ())


def _checked(roles: Iterable[str]) -> tuple[str, ...]:
    return tuple(sorted({check_role(role) for role in roles if role}))
