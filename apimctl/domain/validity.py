"""How long a token lives: ``3600``, ``90s``, ``15m``, ``12h``, ``30d``, ``1h30m``, ``never``.

The one place that parses and writes a length of time. SPEC section 2.
"""

import re

from apimctl.domain.names import printable
from apimctl.errors import UsageError

NEVER = -1
"""The length that never ends, in seconds."""

LONGEST_SECONDS = 36_525 * 86_400
"""A hundred years, leap days counted."""

UNITS = {"d": 86_400, "h": 3_600, "m": 60, "s": 1}

_NEGATIVE = re.compile(r"-[0-9]*[1-9][0-9]*", re.ASCII)
_WHOLE_SECONDS = re.compile(r"[+-]?[0-9]{1,20}", re.ASCII)
_DURATION = re.compile(
    r"(?:([0-9]{1,12})d)?(?:([0-9]{1,12})h)?(?:([0-9]{1,12})m)?(?:([0-9]{1,12})s)?", re.ASCII
)
_ZERO = re.compile(r"0+[smhd]?", re.ASCII)
_EXAMPLES = "Write whole seconds (3600), a duration (90s, 15m, 12h, 30d, 1h30m) or never."
_ENDING_EXAMPLES = _EXAMPLES.replace(", a duration", " or a duration").replace(" or never", "")


def parse_duration(text: str, *, what: str = "validity") -> int:
    """Return the length in seconds, more than 0.

    Raises UsageError for 0, negative numbers, fractions, nonsense and more than 100 years.
    """
    try:
        seconds = parse_validity(text, what=what)
    except UsageError as error:
        raise UsageError(error.message, hint=_ENDING_EXAMPLES) from None
    if seconds == NEVER:
        raise UsageError(
            f"the {what} {printable(text)!r} must end some time", hint=_ENDING_EXAMPLES
        )
    return seconds


def parse_duration_or_none(text: str, *, what: str) -> int:
    """Return the length in seconds, 0 for ``0`` and ``0s``. Raises as `parse_duration`."""
    return 0 if _ZERO.fullmatch(text.strip().lower()) else parse_duration(text, what=what)


def parse_validity(text: str, *, what: str = "validity") -> int:
    """Return the length in seconds, or `NEVER` for ``never`` and any negative number.

    Raises UsageError for 0, fractions, nonsense and more than 100 years.
    """
    stripped = text.strip().lower()
    if stripped == "never" or _NEGATIVE.fullmatch(stripped):
        return NEVER
    if _WHOLE_SECONDS.fullmatch(stripped):
        seconds = int(stripped)
    else:
        found = _DURATION.fullmatch(stripped)
        if not found or not any(found.groups()):
            raise UsageError(
                f"the {what} {printable(text)!r} is not a length of time", hint=_EXAMPLES
            )
        seconds = sum(
            int(count) * unit
            for count, unit in zip(found.groups(), UNITS.values(), strict=True)
            if count
        )
    if seconds == 0:
        raise UsageError(f"a {what} of 0 would be over before it starts", hint=_EXAMPLES)
    if seconds > LONGEST_SECONDS:
        raise UsageError(
            f"the {what} {printable(text)!r} is more than 100 years", hint="Write never for no end."
        )
    return seconds


def format_duration(seconds: int) -> str:
    """Write a length as `parse_validity` reads it: ``1h30m``, or ``never``."""
    if seconds < 0:
        return "never"
    parts = []
    for unit, size in UNITS.items():
        count, seconds = divmod(seconds, size)
        if count:
            parts.append(f"{count}{unit}")
    return "".join(parts) or "0s"


def expires_at(issued_at: int, validity_seconds: int) -> int | None:
    """Return when a token issued then is over (UTC epoch seconds), None for never."""
    return None if validity_seconds == NEVER else issued_at + validity_seconds


def shortest(first: int, *others: int | None) -> int:
    """Return the shortest of these lengths; None is no limit, `NEVER` is longer than any."""
    finite = [length for length in (first, *others) if length is not None and length != NEVER]
    return min(finite) if finite else NEVER
