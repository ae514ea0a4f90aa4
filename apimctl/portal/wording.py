"""Values as people read them on the pages: times, lengths of time, limits."""

import datetime as dt
from collections.abc import Iterable

from apimctl.domain.models import Tier
from apimctl.domain.validity import NEVER, format_duration


def written_moment(at: int | None) -> str:
    """Write a point in time as people read it, in UTC: ``23 Nov 2026, 15:27 UTC``."""
    if at is None:
        return "never"
    return dt.datetime.fromtimestamp(at, dt.UTC).strftime("%-d %b %Y, %H:%M UTC")


def machine_moment(at: int) -> str:
    """Write a point in time as ``<time datetime>`` has it."""
    return dt.datetime.fromtimestamp(at, dt.UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def written_length(seconds: int | None) -> str:
    """Write a length of time as people type it: ``1h``, ``never``."""
    return format_duration(NEVER if seconds is None else seconds)


def written_age(seconds: int) -> str:
    """Write how long ago something was, as people say it: ``just now``, ``3 days ago``."""
    for name, size in (("day", 86_400), ("hour", 3600), ("minute", 60)):
        count = seconds // size
        if count:
            return f"{count} {name}{'' if count == 1 else 's'} ago"
    return "just now"


def written_limit(tier: Tier) -> str:
    """Write what a tier lets through: ``20 requests a minute``, ``5 requests in 90s``."""
    if tier.requests is None or tier.per_seconds is None:
        return "no limit"
    noun = "request" if tier.requests == 1 else "requests"
    unit = _UNITS.get(tier.per_seconds) or f"in {format_duration(tier.per_seconds)}"
    return f"{tier.requests:,} {noun} {unit}"


def tier_choices(tiers: Iterable[Tier]) -> list[tuple[str, str]]:
    """Return tiers to choose among: each by its name, and as it is said with its limit."""
    return [(tier.name, f"{tier.name}: {written_limit(tier)}") for tier in tiers]


_UNITS = {1: "a second", 60: "a minute", 3600: "an hour", 86_400: "a day"}
