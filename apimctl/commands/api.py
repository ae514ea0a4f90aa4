"""`apimctl api`: publish backends under a context and a version."""

import shlex
from typing import Annotated

import typer

from apimctl.commands import resource, scope
from apimctl.commands.forms import ApiReference, Destroys, Reads, Writes, invocation, noun
from apimctl.domain.models import ApiState
from apimctl.errors import UsageError
from apimctl.services.shapes import api_shape, changes

app = noun("Publish APIs: a backend behind a context and a version.")
app.add_typer(resource.app, name="resource")
app.add_typer(scope.app, name="scope")

ProductionUrl = Annotated[
    str | None,
    typer.Option("--production-url", metavar="URL", help="Backend of production tokens."),
]
SandboxUrl = Annotated[
    str | None, typer.Option("--sandbox-url", metavar="URL", help="Backend of sandbox tokens.")
]
Tiers = Annotated[
    list[str] | None,
    typer.Option(
        "--tier",
        metavar="TIER",
        help="A tier one may subscribe at; repeat for more. Empty for all.",
    ),
]
CorsOrigins = Annotated[
    list[str] | None,
    typer.Option(
        "--cors-origin",
        metavar="ORIGIN",
        help="Whose pages may read its answers: https://app.example.com; repeat for more."
        " * for all, empty to leave CORS to the backend.",
    ),
]
CorsCredentials = Annotated[
    bool | None,
    typer.Option(
        "--cors-credentials/--no-cors-credentials", help="Those pages may send cookies, too."
    ),
]
Description = Annotated[str | None, typer.Option(metavar="TEXT", help="What it is for.")]


@app.command(cls=Writes)
def create(
    ctx: typer.Context,
    name: Annotated[str, typer.Argument(metavar="NAME", help="The name.", show_default=False)],
    *,
    context: Annotated[
        str,
        typer.Option(metavar="PATH", help="First part of its paths: /twitter.", show_default=False),
    ],
    version: Annotated[
        str, typer.Option(metavar="VERSION", help="Second part: 1.0.0.", show_default=False)
    ],
    production_url: ProductionUrl = None,
    sandbox_url: SandboxUrl = None,
    tier: Tiers = None,
    description: Description = None,
    cors_origin: CorsOrigins = None,
    cors_credentials: CorsCredentials = None,
    default: Annotated[
        bool, typer.Option("--default", help="Answer without the version in the path, too.")
    ] = False,
    publish: Annotated[bool, typer.Option("--publish", help="Publish it at once.")] = False,
    prototype: Annotated[
        bool, typer.Option("--prototype", help="Serve it as a prototype at once.")
    ] = False,
) -> None:
    """Add an API. Until it is published the gateway does not serve it."""
    from apimctl.services import apis  # noqa: PLC0415 - not for --help

    call = invocation(ctx)
    if publish and prototype:
        raise UsageError("--publish and --prototype exclude each other", hint="Use one.")
    state = ApiState.PUBLISHED if publish else ApiState.CREATED
    with call.writing() as db:
        api = apis.create(
            db,
            name,
            context=context,
            version=version,
            state=ApiState.PROTOTYPED if prototype else state,
            form=apis.ApiForm(
                production_url,
                sandbox_url,
                tier,
                description,
                default,
                cors_origin,
                cors_credentials,
            ),
            now=call.now,
            random=call.random,
        )
        call.audit(db, "api.create", api.reference, context=api.context, state=api.state)
    said = f"created {api.reference}"
    if api.state is ApiState.CREATED:
        said += f"; serve it with: apimctl api publish {shlex.quote(api.reference)}"
    call.done(api_shape(api), title=api.reference, bare="name", said=said)


@app.command("list", cls=Reads)
def list_apis(ctx: typer.Context) -> None:
    """List the APIs."""
    from apimctl.services import apis  # noqa: PLC0415 - not for --help

    call = invocation(ctx)
    with call.reading() as db:
        rows = [api_shape(api) for api in apis.list_all(db)]
    call.output.rows(
        rows,
        columns=("name", "version", "context", "state", "production_url", "sandbox_url", "tiers"),
        bare="name",
        empty="no APIs; add one: apimctl api create --help",
    )


@app.command(cls=Reads)
def show(ctx: typer.Context, api: ApiReference) -> None:
    """Show one API."""
    from apimctl.services import apis  # noqa: PLC0415 - not for --help

    call = invocation(ctx)
    with call.reading() as db:
        found = apis.resolve(db, api)
    call.output.record(api_shape(found), title=found.reference, bare="name")


@app.command(cls=Writes)
def update(
    ctx: typer.Context,
    api: ApiReference,
    *,
    production_url: ProductionUrl = None,
    sandbox_url: SandboxUrl = None,
    tier: Tiers = None,
    description: Description = None,
    cors_origin: CorsOrigins = None,
    cors_credentials: CorsCredentials = None,
    default: Annotated[
        bool | None,
        typer.Option("--default/--no-default", help="Answer without the version in the path, too."),
    ] = None,
) -> None:
    """Change an API, with the next request. An empty URL takes that backend away."""
    from apimctl.services import apis  # noqa: PLC0415 - not for --help

    call = invocation(ctx)
    form = apis.ApiForm(
        production_url,
        sandbox_url,
        tier or None,
        description,
        default,
        cors_origin or None,
        cors_credentials,
    )
    if form == apis.ApiForm():
        raise UsageError("nothing to change", hint="apimctl api update --help")
    with call.writing() as db:
        found = apis.resolve(db, api)
        updated = apis.update(db, found.reference, form)
        changed = changes(api_shape(found), api_shape(updated))
        call.audit(db, "api.update", updated.reference, **changed)
    call.done(
        api_shape(updated),
        title=updated.reference,
        bare="name",
        said=f"updated {updated.reference}",
    )


@app.command(cls=Writes)
def publish(ctx: typer.Context, api: ApiReference) -> None:
    """Serve an API and let applications subscribe."""
    _change_state(ctx, api, "publish")


@app.command(cls=Writes)
def block(ctx: typer.Context, api: ApiReference) -> None:
    """Stop serving an API for a while: 503 from the next request on."""
    _change_state(ctx, api, "block")


@app.command(cls=Writes)
def unblock(ctx: typer.Context, api: ApiReference) -> None:
    """Serve a blocked API again."""
    _change_state(ctx, api, "unblock")


@app.command(cls=Writes)
def deprecate(ctx: typer.Context, api: ApiReference) -> None:
    """Serve an API to those who have it, and take no new subscriptions."""
    _change_state(ctx, api, "deprecate")


@app.command(cls=Writes)
def retire(ctx: typer.Context, api: ApiReference) -> None:
    """Stop serving an API for good."""
    _change_state(ctx, api, "retire")


@app.command(cls=Destroys)
def delete(ctx: typer.Context, api: ApiReference) -> None:
    """Delete an API with its subscriptions."""
    from apimctl.services import apis  # noqa: PLC0415 - not for --help

    call = invocation(ctx)
    with call.reading() as db:
        found = apis.resolve(db, api)
    call.confirm(f"Delete {found.reference} and its subscriptions?")
    with call.writing() as db:
        deleted = apis.delete(db, found.reference)
        call.audit(db, "api.delete", deleted.reference)
    call.done(
        api_shape(deleted),
        title=deleted.reference,
        bare="name",
        said=f"deleted {deleted.reference}",
    )


def _change_state(ctx: typer.Context, reference: str, verb: str) -> None:
    from apimctl.services import apis  # noqa: PLC0415 - not for --help

    call = invocation(ctx)
    with call.writing() as db:
        api = apis.change_state(db, reference, verb)
        call.audit(db, f"api.{verb}", api.reference)
    call.done(
        api_shape(api), title=api.reference, bare="name", said=f"{api.reference} is {api.state}"
    )
