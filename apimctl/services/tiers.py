"""Tiers: limits by name (SPEC section 6)."""

import shlex
from dataclasses import replace
from sqlite3 import Connection

from apimctl.domain.limits import UNAUTHENTICATED
from apimctl.domain.models import Tier
from apimctl.domain.names import check_name, check_text, printable
from apimctl.errors import ConflictError, DeniedError, InvalidInputError, NotFoundError
from apimctl.tables import tiers
from apimctl.tables.changes import ChangeKind, announce

MOST_REQUESTS = 1_000_000_000


def require(db: Connection, name: str) -> Tier:
    """Return the tier of that name. Raises NotFoundError."""
    tier = tiers.find(db, name)
    if tier is None:
        raise NotFoundError(
            f"there is no tier {printable(name)!r}",
            hint=f"There are {', '.join(known.name for known in tiers.list_all(db))}.",
        )
    return tier


def list_all(db: Connection) -> list[Tier]:
    """Return all tiers, built-in ones first."""
    return tiers.list_all(db)


def is_offered(tier: Tier) -> bool:
    """Return whether it is one to choose: that of calls without a token limits addresses."""
    return tier.name != UNAUTHENTICATED


def list_uses(db: Connection) -> dict[str, int]:
    """Return how often the tiers are named that are in use, by their name."""
    return tiers.list_uses(db)


def create(
    db: Connection, name: str, *, requests: int, per_seconds: int, description: str = ""
) -> Tier:
    """Add a tier. Raises ConflictError if the name is taken, InvalidInputError."""
    name = check_name(name, what="tier")
    if tiers.find(db, name):
        raise ConflictError(
            f"there is a tier {name!r} already",
            hint=f"Change it: apimctl tier update {shlex.quote(name)}",
        )
    tier = Tier(
        name, check_requests(requests), per_seconds, check_text(description, what="description")
    )
    tiers.insert(db, tier)
    return tier


def update(
    db: Connection,
    name: str,
    *,
    requests: int | None = None,
    per_seconds: int | None = None,
    description: str | None = None,
) -> Tier:
    """Change a tier; None leaves as it is. Raises NotFoundError, DeniedError for a built-in one."""
    tier = require_own(db, name)
    if requests is not None:
        tier = replace(tier, requests=check_requests(requests))
    if per_seconds is not None:
        tier = replace(tier, per_seconds=per_seconds)
    if description is not None:
        tier = replace(tier, description=check_text(description, what="description"))
    tiers.update(db, tier)
    announce(db, ChangeKind.TIER, name)
    return tier


def delete(db: Connection, name: str) -> Tier:
    """Remove a tier. Raises NotFoundError, DeniedError, ConflictError if something uses it."""
    tier = require_own(db, name)
    if uses := tiers.uses(db, name):
        raise ConflictError(
            f"the tier {name!r} is used {uses} time{'s' if uses > 1 else ''}",
            hint="Move those applications, subscriptions, APIs and resources to another one first.",
        )
    tiers.delete(db, name)
    announce(db, ChangeKind.TIER, name)
    return tier


def check_requests(requests: int) -> int:
    """Return the number of requests if it can be a limit. Raises InvalidInputError."""
    if not 0 < requests <= MOST_REQUESTS:
        raise InvalidInputError(
            f"{requests} requests are no limit", hint=f"Use a number from 1 to {MOST_REQUESTS}."
        )
    return requests


def require_own(db: Connection, name: str) -> Tier:
    """Return a tier that is not built in. Raises NotFoundError, DeniedError."""
    tier = require(db, name)
    if tier.is_built_in:
        raise DeniedError(
            f"the tier {name!r} is built in", hint="Make your own: apimctl tier create NAME"
        )
    return tier
