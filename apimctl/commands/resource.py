"""`apimctl api resource`: what the parts of an API ask of a token."""

from typing import TYPE_CHECKING, Annotated, Any

import typer

from apimctl.commands.forms import ApiReference, Destroys, Reads, Writes, invocation, noun
from apimctl.domain.models import UNLIMITED, Api, AuthType, Resource
from apimctl.errors import UsageError
from apimctl.invocation import Invocation
from apimctl.services.shapes import changes, resource_shape

if TYPE_CHECKING:
    from sqlite3 import Connection

app = noun("Resources of an API: what each pattern and method asks of a token.")

Pattern = Annotated[
    str,
    typer.Option(
        metavar="PATTERN",
        help="Path below the API's own: /users/{id}, /files/*.",
        show_default=False,
    ),
]
Methods = Annotated[
    list[str],
    typer.Option(
        "--method",
        metavar="METHOD",
        help="A method; repeat for more. * for all.",
        show_default=False,
    ),
]
OneMethod = Annotated[
    list[str] | None,
    typer.Option(
        "--method",
        metavar="METHOD",
        help="A method of it, where the pattern has several resources.",
    ),
]
Scopes = Annotated[
    list[str] | None,
    typer.Option(
        "--scope",
        metavar="NAME",
        help="A scope of the API; a token needs one of them. Repeat for more; empty for none.",
    ),
]
AUTH_TYPES = ", ".join(AuthType)


@app.command(cls=Writes)
def create(
    ctx: typer.Context,
    api: ApiReference,
    *,
    method: Methods,
    pattern: Pattern,
    auth_type: Annotated[
        str, typer.Option(metavar="TYPE", help=f"The token it asks for: {AUTH_TYPES}.")
    ] = AuthType.ANY.value,
    tier: Annotated[
        str, typer.Option(metavar="TIER", help="How often an application may call it.")
    ] = UNLIMITED,
    scope: Scopes = None,
) -> None:
    """Add a resource. With its first one, an API serves only what it declares."""
    from apimctl.services import apis, resources  # noqa: PLC0415 - not for --help

    call = invocation(ctx)
    with call.writing() as db:
        found = apis.resolve(db, api)
        made = resources.create(
            db,
            found,
            methods=method,
            pattern=pattern,
            auth_type=_auth_type(auth_type),
            tier=tier,
            scopes=scope or (),
        )
        is_first = len(resources.list_of_api(db, found)) == 1
        asked = {"auth_type": made.auth_type, "tier": made.tier, "scopes": made.scopes}
        _audit(call, db, "create", made, found, **asked)
    said = f"created {_title(made)} of {found.reference}"
    if is_first:
        said += "; from now on the API serves only what it declares"
    call.done(resource_shape(made, found), title=_title(made), bare="pattern", said=said)


@app.command("list", cls=Reads)
def list_resources(ctx: typer.Context, api: ApiReference) -> None:
    """List the resources an API declares, by pattern."""
    from apimctl.services import apis, resources  # noqa: PLC0415 - not for --help

    call = invocation(ctx)
    with call.reading() as db:
        found = apis.resolve(db, api)
        rows = [resource_shape(each, found) for each in resources.list_of_api(db, found)]
    call.output.rows(
        rows,
        columns=("methods", "pattern", "auth_type", "tier", "scopes"),
        bare="pattern",
        empty=f"{found.reference} declares none: it serves every path and method to any token",
    )


@app.command(cls=Reads)
def show(
    ctx: typer.Context, api: ApiReference, *, pattern: Pattern, method: OneMethod = None
) -> None:
    """Show one resource."""
    from apimctl.services import apis, resources  # noqa: PLC0415 - not for --help

    call = invocation(ctx)
    with call.reading() as db:
        found = apis.resolve(db, api)
        resource = resources.require(db, found, pattern, method or ())
    call.output.record(resource_shape(resource, found), title=_title(resource), bare="pattern")


@app.command(cls=Writes)
def update(
    ctx: typer.Context,
    api: ApiReference,
    *,
    pattern: Pattern,
    method: OneMethod = None,
    auth_type: Annotated[
        str | None, typer.Option(metavar="TYPE", help=f"The token it asks for: {AUTH_TYPES}.")
    ] = None,
    tier: Annotated[
        str | None, typer.Option(metavar="TIER", help="How often an application may call it.")
    ] = None,
    scope: Scopes = None,
) -> None:
    """Change what a resource asks for, with the next request.

    Scopes replace those it has. Methods and pattern are its name: to change those, delete it and
    create another.
    """
    from apimctl.services import apis, resources  # noqa: PLC0415 - not for --help

    call = invocation(ctx)
    if (auth_type, tier, scope) == (None, None, None):
        raise UsageError("nothing to change", hint="apimctl api resource update --help")
    wanted = None if auth_type is None else _auth_type(auth_type)
    with call.writing() as db:
        found = apis.resolve(db, api)
        resource = resources.require(db, found, pattern, method or ())
        updated = resources.update(db, found, resource, auth_type=wanted, tier=tier, scopes=scope)
        changed = changes(resource_shape(resource, found), resource_shape(updated, found))
        _audit(call, db, "update", updated, found, **changed)
    call.done(
        resource_shape(updated, found),
        title=_title(updated),
        bare="pattern",
        said=f"updated {_title(updated)} of {found.reference}",
    )


@app.command(cls=Destroys)
def delete(
    ctx: typer.Context, api: ApiReference, *, pattern: Pattern, method: OneMethod = None
) -> None:
    """Delete a resource. Without its last one, an API serves every path and method again."""
    from apimctl.services import apis, resources  # noqa: PLC0415 - not for --help

    call = invocation(ctx)
    with call.reading() as db:
        found = apis.resolve(db, api)
        resource = resources.require(db, found, pattern, method or ())
        is_last = len(resources.list_of_api(db, found)) == 1
    after = ", the last one, and serve every path and method to any token" if is_last else ""
    call.confirm(f"Delete {_title(resource)} of {found.reference}{after}?")
    with call.writing() as db:
        found = apis.resolve(db, found.reference)
        resource = resources.require(db, found, resource.pattern, resource.methods)
        resources.delete(db, found, resource)
        _audit(call, db, "delete", resource, found)
    call.done(
        resource_shape(resource, found),
        title=_title(resource),
        bare="pattern",
        said=f"deleted {_title(resource)} of {found.reference}",
    )


def _audit(
    call: Invocation, db: "Connection", verb: str, resource: Resource, api: Api, **details: Any
) -> None:
    call.audit(db, f"api.resource.{verb}", api.reference, resource=_title(resource), **details)


def _title(resource: Resource) -> str:
    return f"{','.join(sorted(resource.methods))} {resource.pattern}"


def _auth_type(text: str) -> AuthType:
    """Return the auth type of that name, whatever its case."""
    for known in AuthType:
        if text.lower() == known.lower():
            return known
    raise UsageError(f"there is no auth type {text!r}", hint=f"There are {AUTH_TYPES}.")
