"""`apimctl tier`: limits by name."""

from typing import Annotated

import typer

from apimctl.commands.forms import Destroys, Reads, Writes, invocation, noun
from apimctl.domain.validity import parse_duration
from apimctl.errors import UsageError
from apimctl.services.shapes import changes, tier_shape

app = noun("Limits by name.")

Name = Annotated[str, typer.Argument(metavar="NAME", help="The name.", show_default=False)]
Description = Annotated[str | None, typer.Option(metavar="TEXT", help="What it is for.")]


@app.command(cls=Writes)
def create(
    ctx: typer.Context,
    name: Name,
    *,
    requests: Annotated[
        int, typer.Option(metavar="N", help="So many requests ...", show_default=False)
    ],
    per: Annotated[
        str, typer.Option(metavar="D", help="... in this time: 1s, 1m, 1h, 1d.", show_default=False)
    ],
    description: Description = None,
) -> None:
    """Add a tier: so many requests in a time that opens with the first one."""
    from apimctl.services import tiers  # noqa: PLC0415 - not for --help

    call = invocation(ctx)
    per_seconds = parse_duration(per, what="--per")
    with call.writing() as db:
        tier = tiers.create(
            db, name, requests=requests, per_seconds=per_seconds, description=description or ""
        )
        limit = {"requests": tier.requests, "per_seconds": tier.per_seconds}
        call.audit(db, "tier.create", tier.name, **limit)
    call.done(tier_shape(tier), title=tier.name, bare="name", said=f"created the tier {tier.name}")


@app.command("list", cls=Reads)
def list_tiers(ctx: typer.Context) -> None:
    """List the tiers."""
    from apimctl.services import tiers  # noqa: PLC0415 - not for --help

    call = invocation(ctx)
    with call.reading() as db:
        rows = [tier_shape(tier) for tier in tiers.list_all(db)]
    call.output.rows(
        rows,
        columns=("name", "requests", "per_seconds", "description", "built_in"),
        bare="name",
        empty="no tiers",
    )


@app.command(cls=Reads)
def show(ctx: typer.Context, name: Name) -> None:
    """Show one tier."""
    from apimctl.services import tiers  # noqa: PLC0415 - not for --help

    call = invocation(ctx)
    with call.reading() as db:
        tier = tiers.require(db, name)
    call.output.record(tier_shape(tier), title=tier.name, bare="name")


@app.command(cls=Writes)
def update(
    ctx: typer.Context,
    name: Name,
    *,
    requests: Annotated[int | None, typer.Option(metavar="N", help="So many requests.")] = None,
    per: Annotated[str | None, typer.Option(metavar="D", help="In this time: 1m.")] = None,
    description: Description = None,
) -> None:
    """Change a tier of your own."""
    from apimctl.services import tiers  # noqa: PLC0415 - not for --help

    call = invocation(ctx)
    if (requests, per, description) == (None, None, None):
        raise UsageError("nothing to change", hint="apimctl tier update --help")
    per_seconds = None if per is None else parse_duration(per, what="--per")
    with call.writing() as db:
        before = tiers.require(db, name)
        tier = tiers.update(
            db, name, requests=requests, per_seconds=per_seconds, description=description
        )
        call.audit(db, "tier.update", tier.name, **changes(tier_shape(before), tier_shape(tier)))
    call.done(tier_shape(tier), title=tier.name, bare="name", said=f"updated the tier {tier.name}")


@app.command(cls=Destroys)
def delete(ctx: typer.Context, name: Name) -> None:
    """Delete a tier of your own that nothing uses."""
    from apimctl.services import tiers  # noqa: PLC0415 - not for --help

    call = invocation(ctx)
    with call.reading() as db:
        tiers.require(db, name)
    call.confirm(f"Delete the tier {name}?")
    with call.writing() as db:
        tier = tiers.delete(db, name)
        call.audit(db, "tier.delete", tier.name)
    call.done(tier_shape(tier), title=tier.name, bare="name", said=f"deleted the tier {tier.name}")
