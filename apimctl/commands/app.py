"""`apimctl app`: applications."""

from typing import Annotated

import typer

from apimctl.commands.forms import Destroys, Owner, Reads, Writes, invocation, noun
from apimctl.commands.shapes import application_shape
from apimctl.domain.models import ADMIN, UNLIMITED
from apimctl.errors import UsageError

app = noun("Applications, which subscribe to APIs and hold keys.")

Name = Annotated[str, typer.Argument(metavar="NAME", help="The name.", show_default=False)]
Description = Annotated[str | None, typer.Option(metavar="TEXT", help="What it is for.")]
CallbackUrl = Annotated[
    str | None, typer.Option("--callback-url", metavar="URL", help="Where its users are sent back.")
]


@app.command(cls=Writes)
def create(
    ctx: typer.Context,
    name: Name,
    *,
    owner: Annotated[str, typer.Option(metavar="USER", help="Whose it is.")] = ADMIN,
    tier: Annotated[str, typer.Option(metavar="TIER", help="Its limit over all APIs.")] = UNLIMITED,
    description: Description = None,
    callback_url: CallbackUrl = None,
) -> None:
    """Add an application. Its name is unique among its owner's."""
    from apimctl.services import applications  # noqa: PLC0415 - not for --help

    call = invocation(ctx)
    with call.writing() as db:
        application = applications.create(
            db,
            name,
            owner=owner,
            tier=tier,
            description=description or "",
            callback_url=callback_url,
            now=call.now,
            random=call.random,
        )
    call.done(
        application_shape(application),
        title=application.name,
        bare="name",
        said=f"created {application.name} of {application.owner}",
    )


@app.command("list", cls=Reads)
def list_applications(
    ctx: typer.Context,
    owner: Annotated[str | None, typer.Option(metavar="USER", help="Only this user's.")] = None,
) -> None:
    """List the applications."""
    from apimctl.services import applications  # noqa: PLC0415 - not for --help

    call = invocation(ctx)
    with call.reading() as db:
        chosen = applications.choose(db, None, owner=owner)
        rows = [application_shape(application) for application in chosen]
    call.output.rows(
        rows,
        columns=("name", "owner", "tier", "description", "created_at"),
        bare="name",
        empty="no applications; add one: apimctl app create NAME",
    )


@app.command(cls=Reads)
def show(ctx: typer.Context, name: Name, owner: Owner = None) -> None:
    """Show one application."""
    from apimctl.services import applications  # noqa: PLC0415 - not for --help

    call = invocation(ctx)
    with call.reading() as db:
        application = applications.resolve(db, name, owner=owner)
    call.output.record(application_shape(application), title=application.name, bare="name")


@app.command(cls=Writes)
def update(
    ctx: typer.Context,
    name: Name,
    owner: Owner = None,
    *,
    new_name: Annotated[
        str | None, typer.Option("--name", metavar="NAME", help="Another name.")
    ] = None,
    tier: Annotated[str | None, typer.Option(metavar="TIER", help="Another tier.")] = None,
    description: Description = None,
    callback_url: CallbackUrl = None,
) -> None:
    """Change an application. An empty callback URL takes it away."""
    from apimctl.services import applications  # noqa: PLC0415 - not for --help

    call = invocation(ctx)
    if (new_name, tier, description, callback_url) == (None,) * 4:
        raise UsageError("nothing to change", hint="apimctl app update --help")
    with call.writing() as db:
        application = applications.update(
            db,
            applications.resolve(db, name, owner=owner),
            name=new_name,
            tier=tier,
            description=description,
            callback_url=callback_url,
        )
    call.done(
        application_shape(application),
        title=application.name,
        bare="name",
        said=f"updated {application.name}",
    )


@app.command(cls=Destroys)
def delete(ctx: typer.Context, name: Name, owner: Owner = None) -> None:
    """Delete an application, its keys and subscriptions; its tokens stop at once."""
    from apimctl.services import applications  # noqa: PLC0415 - not for --help

    call = invocation(ctx)
    with call.reading() as db:
        applications.resolve(db, name, owner=owner)
    call.confirm(f"Delete {name}, its keys and its subscriptions?")
    with call.writing() as db:
        application = applications.resolve(db, name, owner=owner)
        applications.delete(db, application)
    call.done(
        application_shape(application),
        title=application.name,
        bare="name",
        said=f"deleted {application.name} of {application.owner}",
    )
