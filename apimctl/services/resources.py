"""Resources of an API: what each pattern and method asks of a token (SPEC sections 1 and 5).

A method of a pattern belongs to one resource. So methods and pattern name a resource; whoever
wants to change those deletes it and creates another.
"""

import shlex
from collections.abc import Iterable
from dataclasses import replace
from sqlite3 import Connection

from apimctl.domain.models import UNLIMITED, Api, AuthType, Resource
from apimctl.domain.patterns import check_methods, check_pattern, shape
from apimctl.errors import ConflictError, InvalidInputError, NotFoundError
from apimctl.services import scopes as api_scopes
from apimctl.services import tiers
from apimctl.tables import resources
from apimctl.tables.changes import ChangeKind, announce


def list_of_api(db: Connection, api: Api) -> list[Resource]:
    """Return the resources that the API declares, by pattern; none: it is one `WHOLE_API`."""
    return resources.list_of_api(db, api.id)


def require(db: Connection, api: Api, pattern: str, methods: Iterable[str] = ()) -> Resource:
    """Return the resource of that pattern which has the methods; one will do.

    Without methods the pattern has to have one resource. Raises NotFoundError, ConflictError for
    several, InvalidInputError.
    """
    asked = check_methods(methods) if methods else frozenset()
    wanted = shape(check_pattern(pattern))
    known = [each for each in list_of_api(db, api) if shape(each.pattern) == wanted]
    found = [each for each in known if asked <= each.methods]
    if len(found) == 1:
        return found[0]
    listed = f"apimctl api resource list {shlex.quote(api.reference)}"
    if not found:
        said = f"{', '.join(sorted(asked))} {pattern}".strip()
        raise NotFoundError(
            f"{api.reference} has no resource {said!r}", hint=f"{listed} shows all."
        )
    raise ConflictError(
        f"{api.reference} has {len(found)} resources {pattern!r}",
        hint=f"Name one by a method of it, with --method; {listed} shows them.",
    )


def create(
    db: Connection,
    api: Api,
    *,
    methods: Iterable[str],
    pattern: str,
    auth_type: AuthType = AuthType.ANY,
    tier: str = UNLIMITED,
    scopes: Iterable[str] = (),
) -> Resource:
    """Add a resource. With its first one, the API serves only what it declares.

    Raises ConflictError for a method that the pattern has, NotFoundError for a tier or for a scope
    that the API does not declare, InvalidInputError.
    """
    made = Resource(
        methods=check_methods(methods),
        pattern=check_pattern(pattern),
        auth_type=auth_type,
        tier=tiers.require(db, tier).name,
        scopes=api_scopes.check_declared(db, api, scopes),
    )
    _check_scopes_can_be(made)
    for other in list_of_api(db, api):
        both = sorted(other.methods & made.methods)
        if both and shape(other.pattern) == shape(made.pattern):
            raise ConflictError(
                f"{api.reference} has a resource {both[0]} {other.pattern} already",
                hint="apimctl api resource update changes what it asks for.",
            )
    resources.insert(db, api.id, made)
    announce(db, ChangeKind.API)
    return made


def update(
    db: Connection,
    api: Api,
    resource: Resource,
    *,
    auth_type: AuthType | None = None,
    tier: str | None = None,
    scopes: Iterable[str] | None = None,
) -> Resource:
    """Change what a resource asks for; None leaves as it is. Raises as `create`."""
    changed = replace(
        resource,
        auth_type=auth_type or resource.auth_type,
        tier=resource.tier if tier is None else tiers.require(db, tier).name,
        scopes=resource.scopes if scopes is None else api_scopes.check_declared(db, api, scopes),
    )
    _check_scopes_can_be(changed)
    resources.update(db, api.id, changed)
    announce(db, ChangeKind.API)
    return changed


def delete(db: Connection, api: Api, resource: Resource) -> None:
    """Remove a resource. Without its last one, an API answers everything again."""
    resources.delete(db, api.id, resource)
    announce(db, ChangeKind.API)


def _check_scopes_can_be(resource: Resource) -> None:
    """Raise InvalidInputError for scopes where nothing is asked of a token."""
    if resource.scopes and resource.auth_type is AuthType.NONE:
        raise InvalidInputError(
            "a resource of auth type None asks for no token, so for no scope either",
            hint='Choose another --auth-type, or take the scopes away: --scope "".',
        )
