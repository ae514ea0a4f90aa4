"""`apimctl api scope`: names that tokens are asked for, and who gets them."""

from typing import Annotated

import typer

from apimctl.commands.forms import Destroys, Reads, Writes, invocation, noun
from apimctl.errors import UsageError
from apimctl.services.shapes import changes, scope_shape

app = noun("Scopes of an API, in all its versions: what a token is asked for, and who gets it.")

ApiName = Annotated[
    str, typer.Argument(metavar="API", help="The API, without a version.", show_default=False)
]
OneApi = Annotated[
    str | None, typer.Argument(metavar="API", help="Only this API's.", show_default=False)
]
Name = Annotated[
    str, typer.Argument(metavar="NAME", help="The scope, as orders:read.", show_default=False)
]
Description = Annotated[
    str | None, typer.Option(metavar="TEXT", help="What it allows; users read it.")
]
Roles = Annotated[
    list[str] | None,
    typer.Option(
        "--role",
        metavar="ROLE",
        help="Who may have it; repeat for more. None, or an empty one, for everybody.",
    ),
]


@app.command(cls=Writes)
def create(
    ctx: typer.Context,
    api: ApiName,
    name: Name,
    *,
    description: Description = None,
    role: Roles = None,
) -> None:
    """Declare a scope. Resources ask for it once `api resource` names it."""
    from apimctl.services import scopes  # noqa: PLC0415 - not for --help

    call = invocation(ctx)
    with call.writing() as db:
        scope = scopes.declare(
            db, api, name, description=description or "", roles=role or (), now=call.now
        )
        call.audit(db, "api.scope.create", api, scope=scope.name, roles=scope.roles)
    call.done(
        scope_shape(scope),
        title=scope.name,
        bare="name",
        said=f"declared the scope {scope.name} of {api}",
    )


@app.command("list", cls=Reads)
def list_scopes(ctx: typer.Context, api: OneApi = None) -> None:
    """List the scopes that an API declares, or all."""
    from apimctl.services import scopes  # noqa: PLC0415 - not for --help

    call = invocation(ctx)
    with call.reading() as db:
        rows = [scope_shape(scope) for scope in scopes.list_all(db, api)]
    call.output.rows(
        rows,
        columns=("api", "name", "roles", "description"),
        bare="name",
        empty="no scopes; declare one: apimctl api scope create API NAME",
    )


@app.command(cls=Reads)
def show(ctx: typer.Context, api: ApiName, name: Name) -> None:
    """Show one scope."""
    from apimctl.services import scopes  # noqa: PLC0415 - not for --help

    call = invocation(ctx)
    with call.reading() as db:
        scope = scopes.require(db, api, name)
    call.output.record(scope_shape(scope), title=scope.name, bare="name")


@app.command(cls=Writes)
def update(
    ctx: typer.Context,
    api: ApiName,
    name: Name,
    *,
    description: Description = None,
    role: Roles = None,
) -> None:
    """Change what a scope says, or who may have it. Roles replace those it has.

    Roles count when a token is issued or renewed: tokens that have the scope keep it until then.
    """
    from apimctl.services import scopes  # noqa: PLC0415 - not for --help

    call = invocation(ctx)
    if (description, role) == (None, None):
        raise UsageError("nothing to change", hint="apimctl api scope update --help")
    with call.writing() as db:
        before = scopes.require(db, api, name)
        scope = scopes.update(db, before, description=description, roles=role)
        changed = changes(scope_shape(before), scope_shape(scope))
        call.audit(db, "api.scope.update", api, scope=scope.name, **changed)
    call.done(
        scope_shape(scope),
        title=scope.name,
        bare="name",
        said=f"updated the scope {scope.name} of {api}",
    )


@app.command(cls=Destroys)
def delete(ctx: typer.Context, api: ApiName, name: Name) -> None:
    """Delete a scope that no resource asks for; tokens lose it with the next request."""
    from apimctl.services import scopes  # noqa: PLC0415 - not for --help

    call = invocation(ctx)
    with call.reading() as db:
        scopes.require(db, api, name)
    call.confirm(f"Delete the scope {name} of {api}?")
    with call.writing() as db:
        scope = scopes.require(db, api, name)
        scopes.delete(db, scope)
        call.audit(db, "api.scope.delete", api, scope=scope.name)
    call.done(
        scope_shape(scope),
        title=scope.name,
        bare="name",
        said=f"deleted the scope {scope.name} of {api}",
    )
