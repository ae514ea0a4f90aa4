"""The methods and URL patterns of resources: what may be written, and what is the same.

A pattern is a path below the API's base path, of literal segments, ``{name}`` for exactly one
segment that is not empty, and ``*``, as the last segment only, for whatever follows::

    /users   /users/{id}   /users/{id}/keys   /users/*   /*   /

Two spellings of one character that has no meaning of its own are the same one (``%61`` and ``a``,
RFC 3986 section 6.2.2.2), and the names in braces tell nothing apart: see `shape`.
"""

import re
from collections.abc import Iterable

from apimctl.domain.names import printable
from apimctl.errors import InvalidInputError

EVERY_METHOD = "*"
METHODS = ("DELETE", "GET", "HEAD", "OPTIONS", "PATCH", "POST", "PUT")
"""The methods that a resource can name, in order; ``*`` stands for all there are."""

LONGEST_PATTERN = 1024
PARAMETER = "{}"
REST = "*"
"""Neither can be a literal segment, so a shape needs no other mark for them."""

Shape = tuple[str, ...]
"""The segments of a pattern: a literal one as `plain` has it, `PARAMETER` or `REST`."""

_PARAMETER = re.compile(r"\{[A-Za-z_][A-Za-z0-9_.-]*\}", re.ASCII)
_LITERAL = re.compile(r"(?:[A-Za-z0-9._~!$&'()+,;=:@-]|%[0-9A-Fa-f]{2})+", re.ASCII)
_ESCAPE = re.compile(r"%([0-9A-Fa-f]{2})")
_UNRESERVED = frozenset("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-._~")


def check_methods(methods: Iterable[str]) -> frozenset[str]:
    """Return the methods in upper case. Raises InvalidInputError for none and for unknown ones."""
    found = frozenset(method.strip().upper() for method in methods)
    for method in sorted(found - {EVERY_METHOD, *METHODS}):
        raise InvalidInputError(
            f"the method {printable(method)!r} is none that a resource can have",
            hint=f"There are {', '.join(METHODS)}, and * for all there are.",
        )
    if not found:
        raise InvalidInputError("a resource needs a method", hint="Try --method GET.")
    if EVERY_METHOD in found and len(found) > 1:
        raise InvalidInputError("the method * stands for all others", hint="Use it alone.")
    return found


def check_pattern(pattern: str) -> str:
    """Return the pattern if it can be one. Raises InvalidInputError."""
    shown = printable(pattern)
    if not pattern.startswith("/"):
        raise InvalidInputError(
            f"the pattern {shown!r} does not start with /", hint="Try '/users/{id}' or '/*'."
        )
    if len(pattern) > LONGEST_PATTERN:
        raise InvalidInputError(
            f"the pattern is {len(pattern)} characters long",
            hint=f"Use at most {LONGEST_PATTERN}.",
        )
    *inner, last = pattern.split("/")[1:]
    if "" in inner:
        raise InvalidInputError(
            f"the pattern {shown!r} has an empty segment", hint="Write each / once."
        )
    if REST in inner:
        raise InvalidInputError(
            f"the pattern {shown!r} goes on after *", hint="A * stands at the end: '/users/*'."
        )
    for segment in (*inner, *([last] if last not in {"", REST} else [])):
        _check_segment(segment, shown)
    return pattern


def shape(pattern: str) -> Shape:
    """Return what a checked pattern asks of a path: patterns of one shape match the same paths."""
    return tuple(
        PARAMETER if segment.startswith("{") else plain(segment)
        for segment in pattern.split("/")[1:]
    )


def plain(text: str) -> str:
    """Return the text with every escape that needs none undone, the others in upper case.

    RFC 3986 sections 6.2.2.1 and 6.2.2.2: the URI stays the same.
    """
    return _ESCAPE.sub(_plain_escape, text) if "%" in text else text


def _plain_escape(escape: re.Match[str]) -> str:
    character = chr(int(escape[1], 16))
    return character if character in _UNRESERVED else escape[0].upper()


def _check_segment(segment: str, shown: str) -> None:
    if _PARAMETER.fullmatch(segment):
        return
    if set(segment) & set("{}*"):
        raise InvalidInputError(
            f"the pattern {shown!r} mixes a parameter or a * with other characters",
            hint="A parameter or a * is a whole segment: '/users/{id}', '/files/*'.",
        )
    if not _LITERAL.fullmatch(segment):
        raise InvalidInputError(
            f"the pattern {shown!r} has characters a path cannot have",
            hint="Percent-encode them, and leave out a query.",
        )
    if plain(segment) in {".", ".."}:
        raise InvalidInputError(
            f"the pattern {shown!r} has dot segments",
            hint="Write the path out; requests with dot segments are refused anyway.",
        )
