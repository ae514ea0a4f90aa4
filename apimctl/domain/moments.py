"""Points in time as a person writes them: ``2026-11-23T09:30:00Z``, ``2026-11-23``, ``2h`` ago."""

import datetime as dt

from apimctl.domain.names import printable
from apimctl.domain.validity import parse_duration
from apimctl.errors import UsageError

_EXAMPLES = "Write a time (2026-11-23T09:30:00Z), a day (2026-11-23) or how long ago (30m, 2h, 7d)."


def parse_moment(text: str, *, what: str, now: int) -> int:
    """Return the moment in UTC epoch seconds: ISO 8601, or a length of time before `now`.

    A time without an offset is in UTC; a day is its first second. Raises UsageError.
    """
    stripped = text.strip()
    try:
        read = dt.datetime.fromisoformat(stripped) if "-" in stripped else None
    except ValueError:
        raise UsageError(f"the {what} {printable(text)!r} is not a time", hint=_EXAMPLES) from None
    if read is not None:
        return int((read if read.tzinfo else read.replace(tzinfo=dt.UTC)).timestamp())
    try:
        return now - parse_duration(stripped, what=what)
    except UsageError as error:
        raise UsageError(error.message, hint=_EXAMPLES) from None
