"""`apimctl token purge`: what the gateway throws away by itself, at once."""

import time
from typing import TYPE_CHECKING, Annotated

import typer

from apimctl.commands.forms import invocation
from apimctl.domain.validity import parse_duration_or_none
from apimctl.invocation import Invocation

if TYPE_CHECKING:
    from apimctl.tables.leftovers import Leftover

PAUSE_SECONDS = 0.005
"""Between two batches: long enough for whoever else waits for the store."""


def purge(
    ctx: typer.Context,
    *,
    older_than: Annotated[
        str | None,
        typer.Option(
            metavar="D", help="Tokens that are over for so long: 0, 12h, 7d; tokens.purge_after."
        ),
    ] = None,
) -> None:
    """Throw away tokens that are over for long, and all else that the gateway would throw away.

    That is codes and sessions that ended, failed attempts to log in that count no more, and what is
    too old for the audit log. Spent refresh tokens stay until they would have expired, and codes
    for a day after that.
    """
    from apimctl.services import upkeep  # noqa: PLC0415 - not for --help

    call = invocation(ctx)
    seconds = (
        None if older_than is None else parse_duration_or_none(older_than, what="--older-than")
    )
    deadlines = upkeep.deadlines(call.settings, now=call.now, older_than_seconds=seconds)
    removed = dict.fromkeys(map(str, upkeep.Leftover), 0)
    for kind, before in deadlines.items():
        removed[kind] = (
            _count(call, kind, before) if call.is_dry_run else _purge(call, kind, before)
        )
    count = removed[upkeep.Leftover.ACCESS_TOKENS]
    with call.writing() as db:
        call.audit(db, "token.purge", "all partitions", **{k: n for k, n in removed.items() if n})
    call.done(
        removed,
        title="purged",
        bare=upkeep.Leftover.ACCESS_TOKENS,
        said=f"purged {count} access token{'' if count == 1 else 's'},"
        f" and {sum(removed.values()) - count} rows of other kinds",
    )


def _purge(call: Invocation, kind: "Leftover", before: int) -> int:
    from apimctl.services import upkeep  # noqa: PLC0415 - not for --help

    removed = 0
    while True:
        with call.writing() as db:
            batch = upkeep.purge(db, kind, before=before, now=call.now)
        removed += batch.removed
        if not batch.has_more:
            return removed
        time.sleep(PAUSE_SECONDS)  # noqa: TID251 - others are to have their turn


def _count(call: Invocation, kind: "Leftover", before: int) -> int:
    from apimctl.services import upkeep  # noqa: PLC0415 - not for --help

    with call.writing() as db:
        return upkeep.count(db, kind, before=before, now=call.now)
