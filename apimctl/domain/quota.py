"""Window arithmetic of limits: whether a request fits, and what is left. SPEC section 6.

A window opens with the first request and lasts as long as its limit says; a limit of N admits
exactly N requests in it. Whoever keeps the windows reads them, asks `decide`, and writes what comes
back, with nobody in between.

Points in time are nanoseconds of a monotonic clock. A verdict is made for every request, so it is a
named tuple, at a third of the price of a frozen dataclass; windows, several for every request, are
plain tuples, at a sixth of that.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import NamedTuple

NANOSECONDS = 1_000_000_000


class Scope(StrEnum):
    """What a limit belongs to; the value is its name in the RateLimit headers.

    In the order in which they are checked (SPEC section 5, step 9).
    """

    UNAUTHENTICATED = "unauthenticated"
    APPLICATION = "application"
    RESOURCE = "resource"
    SUBSCRIPTION = "subscription"


@dataclass(frozen=True, slots=True)
class Limit:
    """At most `requests` in `per_seconds` of whatever is counted under `key`.

    All limits of one request have one `holder`, and a key has the same one always: the application,
    or the network of a client without a token.
    """

    scope: Scope
    holder: str
    key: str
    requests: int
    per_seconds: int


Window = tuple[int, int, int]
"""How many requests were admitted since it opened, when it opened, and when it ends.

The order is that of the counters' file.
"""

NO_WINDOW: Window = (0, 0, 0)
"""A window that is over, whatever the time."""


class Verdict(NamedTuple):
    """What became of a request, and of its tightest limit.

    Refused: `remaining` is 0, `reset_seconds` is how long to wait until a request would fit, and
    `windows` is empty. Admitted: `windows` are those to keep, one per limit, with the request
    counted.
    """

    is_admitted: bool
    limit: Limit
    remaining: int
    reset_seconds: int
    windows: tuple[Window, ...]


def decide(limits: Sequence[Limit], windows: Sequence[Window], *, now: int) -> Verdict:
    """Return whether a request fits all limits, of which there is at least one.

    It counts against all of them or, if it does not fit one, against none. The tightest limit is,
    of those that refuse, the one that does so longest; else the one with the fewest requests left,
    of equal ones the one that stays so longest.
    """
    counted = []
    refusing: Limit | None = None
    tightest: Limit | None = None
    fewest = longest = 0
    for limit, kept in zip(limits, windows, strict=True):
        used, opened_at, ends_at = window_at(kept, limit, now=now)
        left = limit.requests - used - 1
        if left < 0:
            if refusing is None or ends_at > longest:
                refusing, longest = limit, ends_at
        elif refusing is None:
            if tightest is None or left < fewest or (left == fewest and ends_at > longest):
                tightest, fewest, longest = limit, left, ends_at
            counted.append((used + 1, opened_at, ends_at))
    if refusing is not None:
        return Verdict(False, refusing, 0, _seconds(longest - now), ())
    if tightest is None:
        raise ValueError("nothing limits the request")
    return Verdict(True, tightest, fewest, _seconds(longest - now), tuple(counted))


def window_at(kept: Window, limit: Limit, *, now: int) -> Window:
    """Return the window that is open now: the one that was kept, or a new one if that is over.

    A tier that changes is obeyed at once, and nothing is counted anew: a window that is open ends
    earlier under a shorter tier, and keeps its end under a longer one. A window that opens later
    than now was kept by a clock that started anew since: it is over.
    """
    used, opened_at, ends_at = kept
    soonest_end = opened_at + limit.per_seconds * NANOSECONDS
    if opened_at <= now < ends_at and now < soonest_end:
        return kept if ends_at <= soonest_end else (used, opened_at, soonest_end)
    return 0, now, now + limit.per_seconds * NANOSECONDS


def _seconds(nanoseconds: int) -> int:
    """Return whole seconds, rounded up: whoever waits that long does not come too early."""
    return -(-nanoseconds // NANOSECONDS)
