"""`apimctl app`: applications."""

import shlex
from typing import Annotated

import typer

from apimctl.commands.forms import Destroys, Owner, Reads, Writes, invocation, noun
from apimctl.domain.models import ADMIN, UNLIMITED, Application, GrantType, TokenFormat
from apimctl.errors import UsageError
from apimctl.services.shapes import application_shape, changes

app = noun("Applications, which subscribe to APIs and hold keys.")

Name = Annotated[str, typer.Argument(metavar="NAME", help="The name.", show_default=False)]
Description = Annotated[str | None, typer.Option(metavar="TEXT", help="What it is for.")]
CallbackUrls = Annotated[
    list[str] | None,
    typer.Option(
        "--callback-url",
        metavar="URL",
        help="Where its users are sent back; repeat for more. Compared exactly.",
    ),
]
Grants = Annotated[
    list[str] | None,
    typer.Option(
        "--grant",
        metavar="GRANT",
        help=f"A grant it may use; repeat for more: {', '.join(GrantType)}, or all.",
    ),
]
Format = Annotated[
    str | None,
    typer.Option(
        "--token-format", metavar="FORMAT", help=f"Its access tokens: {', '.join(TokenFormat)}."
    ),
]


@app.command(cls=Writes)
def create(
    ctx: typer.Context,
    name: Name,
    *,
    owner: Annotated[str, typer.Option(metavar="USER", help="Whose it is.")] = ADMIN,
    tier: Annotated[str, typer.Option(metavar="TIER", help="Its limit over all APIs.")] = UNLIMITED,
    description: Description = None,
    callback_url: CallbackUrls = None,
    grant: Grants = None,
    token_format: Format = None,
    public: Annotated[
        bool,
        typer.Option(
            "--public", help="It can keep no secret, as a page or an app: it gets none, uses PKCE."
        ),
    ] = False,
) -> None:
    """Add an application. Its name is unique among its owner's."""
    from apimctl.services import applications  # noqa: PLC0415 - not for --help

    call = invocation(ctx)
    form = applications.ApplicationForm(
        tier=tier,
        description=description,
        callback_urls=callback_url,
        grants=_grants(grant),
        token_format=_token_format(token_format),
        is_public=public,
    )
    with call.writing() as db:
        application = applications.create(
            db, name, owner=owner, form=form, now=call.now, random=call.random
        )
        call.audit(db, "app.create", application.name, owner=application.owner)
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
    callback_url: CallbackUrls = None,
    grant: Grants = None,
    token_format: Format = None,
    public: Annotated[
        bool | None,
        typer.Option("--public/--confidential", help="Whether it can keep no secret, or can."),
    ] = None,
) -> None:
    """Change an application. Callback URLs and grants replace those it has; an empty URL is none.

    What its tokens look like and which grants it may use holds from the next request to /token.
    One that becomes public loses its consumer secrets at once.
    """
    from apimctl.services import applications  # noqa: PLC0415 - not for --help

    call = invocation(ctx)
    form = applications.ApplicationForm(
        tier=tier,
        description=description,
        callback_urls=callback_url,
        grants=_grants(grant),
        token_format=_token_format(token_format),
        is_public=public,
    )
    if new_name is None and form == applications.ApplicationForm():
        raise UsageError("nothing to change", hint="apimctl app update --help")
    with call.writing() as db:
        before = applications.resolve(db, name, owner=owner)
        application = applications.update(db, before, form, name=new_name)
        changed = changes(application_shape(before), application_shape(application))
        call.audit(db, "app.update", before.name, **{"owner": application.owner, **changed})
    call.done(
        application_shape(application),
        title=application.name,
        bare="name",
        said=f"updated {application.name}{_about_secrets(before, application)}",
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
        call.audit(db, "app.delete", application.name, owner=application.owner)
    call.done(
        application_shape(application),
        title=application.name,
        bare="name",
        said=f"deleted {application.name} of {application.owner}",
    )


def _about_secrets(before: Application, after: Application) -> str:
    """Return what becomes of the consumer secrets of an application, if anything does."""
    if after.is_public == before.is_public:
        return ""
    if after.is_public:
        return "; it is public now, its consumer secrets are over"
    return (
        "; it is confidential now, its keys get a secret by"
        f" apimctl key rotate --app {shlex.quote(after.name)}"
    )


def _grants(names: list[str] | None) -> frozenset[GrantType] | None:
    """Return the grants of these names, an empty set for all. Raises UsageError."""
    if names is None:
        return None
    if names == ["all"]:
        return frozenset()
    for name in names:
        if name not in set(GrantType):
            raise UsageError(
                f"there is no grant {name!r}", hint=f"There are {', '.join(GrantType)}, or all."
            )
    return frozenset(GrantType(name) for name in names)


def _token_format(name: str | None) -> TokenFormat | None:
    if name is None:
        return None
    if name.lower() not in set(TokenFormat):
        raise UsageError(
            f"there is no token format {name!r}", hint=f"There are {', '.join(TokenFormat)}."
        )
    return TokenFormat(name.lower())
