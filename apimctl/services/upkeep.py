"""Throwing away what is over: tokens, codes, sessions, failed attempts, old entries of the log.

In small batches, each in a transaction of its own, so that nobody waits long. Nothing of it is
announced: what the gateway may have in memory of it is refused there as well.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from sqlite3 import Connection

from apimctl.config import Settings
from apimctl.domain.validity import NEVER
from apimctl.tables import leftovers
from apimctl.tables.leftovers import Leftover

__all__ = ["Batch", "Leftover", "count", "deadlines", "purge"]

BATCH = 500
"""Rows a transaction."""

CODES_KEPT_SECONDS = 24 * 3600
"""How long beyond its end a code is kept, so that a second use of it is still seen as one."""

_KEPT_FOR_A_WHILE = (Leftover.ACCESS_TOKENS, Leftover.REFRESH_TOKENS)
"""So that a client is told that its token expired, and not that there never was one."""


@dataclass(frozen=True, slots=True)
class Batch:
    """What came of one batch: how many rows went, and whether there may be more."""

    removed: int
    has_more: bool


def deadlines(
    settings: Settings, *, now: int, older_than_seconds: int | None = None
) -> Mapping[Leftover, int]:
    """Return, for each kind of leftover, since when it must have been over in order to go.

    Kinds that are kept for good are left out. `older_than_seconds` stands for what the settings
    say of tokens. A token that is accepted beyond its expiry is not over then.
    """
    found = dict.fromkeys(
        (Leftover.WEB_SESSIONS, Leftover.FAILED_ATTEMPTS, Leftover.KNOWN_NETWORKS), now
    )
    found[Leftover.AUTHORIZATION_CODES] = now - CODES_KEPT_SECONDS
    kept = settings.upkeep.purge_after_seconds if older_than_seconds is None else older_than_seconds
    if kept != NEVER:
        skew = settings.tokens.timestamp_skew_seconds
        found |= dict.fromkeys(_KEPT_FOR_A_WHILE, now - kept - skew)
    retention = settings.upkeep.audit_retention_seconds
    if retention != NEVER:
        found[Leftover.AUDIT_ENTRIES] = now - retention
    return found


def purge(db: Connection, kind: Leftover, *, before: int, now: int, limit: int = BATCH) -> Batch:
    """Remove one batch of what was over at `before`.

    A token that was revoked or replaced long before its time counts from when that is found here.
    A spent refresh token stays until it would have expired: whoever uses it again ends its family.
    """
    dated = 0
    if kind in {Leftover.ACCESS_TOKENS, Leftover.REFRESH_TOKENS}:
        latest = now + (now - before)
        dated = leftovers.date_ended_tokens(db, kind, now=now, latest=latest, limit=limit)
    removed = leftovers.delete(db, kind, before=before, limit=limit)
    return Batch(removed, limit in {dated, removed})


def count(db: Connection, kind: Leftover, *, before: int, now: int) -> int:
    """Return how many rows `purge` would remove in all. Dates tokens as that does: undo it."""
    if kind in {Leftover.ACCESS_TOKENS, Leftover.REFRESH_TOKENS}:
        latest = now + (now - before)
        leftovers.date_ended_tokens(db, kind, now=now, latest=latest, limit=leftovers.ANY_NUMBER)
    return leftovers.count(db, kind, before=before)
