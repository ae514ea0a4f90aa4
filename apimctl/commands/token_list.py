"""`apimctl token list`: access tokens, page by page."""

from typing import Annotated

import typer

from apimctl.commands.forms import Owner, invocation, named_key_type
from apimctl.domain.models import TokenState
from apimctl.domain.moments import parse_moment
from apimctl.errors import UsageError
from apimctl.services.shapes import token_shape

MOST_LISTED = 10_000
ORDERS = ("issued_at", "expires_at")


def list_tokens(
    ctx: typer.Context,
    *,
    app_name: Annotated[
        str | None, typer.Option("--app", metavar="NAME", help="Only this application's.")
    ] = None,
    owner: Owner = None,
    user: Annotated[
        str | None, typer.Option(metavar="USER", help="Only this user's: FOO.COM/alice.")
    ] = None,
    production: Annotated[
        bool, typer.Option("--production", help="Only production tokens.")
    ] = False,
    sandbox: Annotated[bool, typer.Option("--sandbox", help="Only sandbox tokens.")] = False,
    partition: Annotated[
        str | None,
        typer.Option(metavar="P", help="Only those in this partition, 0 for those in none."),
    ] = None,
    state: Annotated[
        str | None,
        typer.Option(metavar="STATE", help=f"Only these: {', '.join(TokenState)}."),
    ] = None,
    issued_since: Annotated[
        str | None,
        typer.Option(metavar="TIME", help="Only those issued from then on: 2h, 2026-11-23."),
    ] = None,
    expires_before: Annotated[
        str | None,
        typer.Option(metavar="TIME", help="Only those that expire before: 2026-11-23T09:30:00Z."),
    ] = None,
    sort: Annotated[
        str,
        typer.Option(metavar="FIELD", help="issued_at, newest first, or expires_at, next first."),
    ] = ORDERS[0],
    reverse: Annotated[bool, typer.Option("--reverse", help="The other way round.")] = False,
    limit: Annotated[
        int, typer.Option(metavar="N", help="At most so many.", min=1, max=MOST_LISTED)
    ] = 100,
    after: Annotated[
        str | None, typer.Option(metavar="CURSOR", help="The next page: what the one before said.")
    ] = None,
) -> None:
    """List access tokens, the newest first. The tokens themselves are nowhere kept."""
    from apimctl.services import (  # noqa: PLC0415 - not for --help
        applications,
        partitions,
        token_pages,
        users,
    )

    call = invocation(ctx)
    if state is not None and state.upper() not in set(TokenState):
        raise UsageError(f"there is no state {state!r}", hint=f"There are {', '.join(TokenState)}.")
    if sort not in ORDERS:
        raise UsageError(f"nothing is sorted by {sort!r}", hint=f"Use {' or '.join(ORDERS)}.")
    with call.reading() as db:
        whose = None
        if app_name is not None or owner is not None:
            whose = applications.choose(db, app_name, owner=owner)
        if partition is not None:
            partition = partitions.require(db, partition, settings=call.settings.tokens)
        query = token_pages.TokenQuery(
            limit=limit,
            applications=whose,
            key_type=named_key_type(production=production, sandbox=sandbox),
            user=None if user is None else users.require(db, user),
            partition=partition,
            state=TokenState(state.upper()) if state else None,
            issued_since=_moment(issued_since, what="--issued-since", now=call.now),
            expires_before=_moment(expires_before, what="--expires-before", now=call.now),
            order=token_pages.Order(sort),
            is_reversed=reverse,
            after=after,
        )
        page = token_pages.list_page(db, query, now=call.now)
        rows = [
            token_shape(token, key, application, user=owner_of, now=call.now)
            for token, key, application, owner_of in page.rows
        ]
    call.output.rows(
        rows,
        columns=("id", "application", "key_type", "user", "state", "expires_at"),
        bare="id",
        empty="no tokens",
    )
    if page.next is not None:
        call.output.say(f"there are more; the next page: --after {page.next}")


def _moment(text: str | None, *, what: str, now: int) -> int | None:
    return None if text is None else parse_moment(text, what=what, now=now)
