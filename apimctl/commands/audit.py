"""`apimctl audit`: who did what."""

from typing import Annotated

import typer

from apimctl.commands.forms import Reads, invocation, noun
from apimctl.domain.models import Via
from apimctl.domain.moments import parse_moment
from apimctl.errors import UsageError
from apimctl.services.shapes import audit_shape

app = noun("Who issued, renewed, revoked and changed what.")

MOST_LISTED = 10_000


@app.command("list", cls=Reads)
def list_entries(
    ctx: typer.Context,
    *,
    action: Annotated[
        str | None,
        typer.Option(metavar="ACTION", help="Only this: token.renew, or token. for all of a noun."),
    ] = None,
    actor: Annotated[
        str | None, typer.Option(metavar="NAME", help="Only what this user or application did.")
    ] = None,
    target: Annotated[
        str | None, typer.Option(metavar="NAME", help="Only what was done to this.")
    ] = None,
    via: Annotated[
        str | None, typer.Option(metavar="WAY", help=f"Only by this way: {', '.join(Via)}.")
    ] = None,
    since: Annotated[
        str | None,
        typer.Option(metavar="TIME", help="Only from then on: 2h, 7d, 2026-11-23T09:30:00Z."),
    ] = None,
    until: Annotated[
        str | None, typer.Option(metavar="TIME", help="Only what was before then.")
    ] = None,
    limit: Annotated[
        int, typer.Option(metavar="N", help="At most so many.", min=1, max=MOST_LISTED)
    ] = 50,
    before: Annotated[
        int | None, typer.Option(metavar="ID", help="Only older ones than this: the next page.")
    ] = None,
) -> None:
    """List what was done to this store, the newest first."""
    from apimctl.services import audit  # noqa: PLC0415 - not for --help

    call = invocation(ctx)
    if via is not None and via not in set(Via):
        raise UsageError(f"there is no way {via!r}", hint=f"There are {', '.join(Via)}.")
    wanted = audit.AuditFilter(
        action=action,
        actor=actor,
        target=target,
        via=Via(via) if via else None,
        since=None if since is None else parse_moment(since, what="--since", now=call.now),
        until=None if until is None else parse_moment(until, what="--until", now=call.now),
        before_id=before,
    )
    with call.reading() as db:
        rows = [audit_shape(entry) for entry in audit.list_newest(db, wanted, limit=limit)]
    call.output.rows(
        rows,
        columns=("id", "at", "via", "actor", "action", "target"),
        bare="id",
        empty="nothing that fits is in the audit log",
    )
    if len(rows) == limit:
        call.output.say(f"the newest {limit}; older ones with --before {rows[-1]['id']}")


@app.command(cls=Reads)
def show(
    ctx: typer.Context,
    entry_id: Annotated[
        int, typer.Argument(metavar="ID", help="As in audit list.", show_default=False)
    ],
) -> None:
    """Show one entry, with its details."""
    from apimctl.services import audit  # noqa: PLC0415 - not for --help

    call = invocation(ctx)
    with call.reading() as db:
        entry = audit.require(db, entry_id)
    call.output.record(audit_shape(entry), title=f"{entry.action} {entry.target}", bare="action")
