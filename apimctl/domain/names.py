"""What names, roles, contexts, versions and backend URLs may be. SPEC sections 1 and 8."""

import re
import unicodedata
from urllib.parse import SplitResult, urlsplit

from apimctl.errors import InvalidInputError

LONGEST_NAME = 255
RESERVED_CONTEXTS = ("token", "revoke", "introspect", "authorize", ".well-known", "-")
"""First path segments that the gateway itself answers."""

_SEGMENT = re.compile(r"[A-Za-z0-9._~-]+", re.ASCII)
_CONTROL = re.compile(r"[\x00-\x1f\x7f-\x9f\u2028\u2029\ud800-\udfff\ufffe\uffff]")
_AUTHORITY = re.compile(r"(?:[A-Za-z0-9._-]+|\[[0-9A-Fa-f:.]+\])(?::[0-9]*)?", re.ASCII)


def check_name(name: str, *, what: str, without: str = "") -> str:
    """Return the name, stripped, if it is 1 to 255 characters without control characters.

    `without` names further characters it may not hold. Raises InvalidInputError.
    """
    stripped = name.strip()
    if not stripped:
        raise InvalidInputError(f"the {what} name is empty", hint=f"Give the {what} a name.")
    if _CONTROL.search(stripped) or any(unicodedata.category(c) == "Cf" for c in stripped):
        raise InvalidInputError(
            f"the {what} name {printable(stripped)!r} has control characters",
            hint="Use letters, digits, spaces and punctuation.",
        )
    if len(stripped) > LONGEST_NAME:
        raise InvalidInputError(
            f"the {what} name is {len(stripped)} characters long",
            hint=f"Use at most {LONGEST_NAME}.",
        )
    found = [character for character in without if character in stripped]
    if found:
        raise InvalidInputError(
            f"the {what} name {stripped!r} has a {found[0]!r}",
            hint=f"Leave out {' and '.join(repr(character) for character in without)}.",
        )
    return stripped


def check_role(name: str) -> str:
    """Return the name of a role if it is 1 to 255 characters without spaces and commas.

    Raises InvalidInputError.
    """
    role = check_name(name, what="role", without=",")
    if role.split() != [role]:
        raise InvalidInputError(
            f"the role name {role!r} has a space", hint="Use a - or a _ instead."
        )
    return role


def parse_roles(text: str) -> tuple[str, ...]:
    """Return the roles of a list with commas between them, each once. Raises as `check_role`."""
    return tuple(dict.fromkeys(check_role(part) for part in text.split(",") if part.strip()))


def check_text(text: str, *, what: str) -> str:
    """Return a free text if it is at most 1,024 characters, none of them a control character."""
    if _CONTROL.search(text) or len(text) > 1024:  # noqa: PLR2004
        raise InvalidInputError(
            f"the {what} is too long or has control characters",
            hint="Use at most 1024 characters, on one line.",
        )
    return text.strip()


def check_context(context: str) -> str:
    """Return the context if it is an absolute path of plain segments that is ours to route.

    Raises InvalidInputError for ``twitter``, ``/a b``, ``/../x``, ``/a/``, ``/token``.
    """
    segments = context.split("/")
    if segments[0] or len(segments) < 2:  # noqa: PLR2004
        raise InvalidInputError(
            f"the context {printable(context)!r} does not start with /",
            hint=f"Try {'/' + context.strip()!r}."
            if _SEGMENT.fullmatch(context.strip())
            else "Try '/twitter'.",
        )
    for segment in segments[1:]:
        if not _SEGMENT.fullmatch(segment) or set(segment) == {"."}:
            raise InvalidInputError(
                f"the context {printable(context)!r} is not a plain path",
                hint="Use segments of letters, digits and . _ ~ -, as in /twitter or /team/search.",
            )
    if segments[1] in RESERVED_CONTEXTS:
        raise InvalidInputError(
            f"the context {context!r} belongs to the gateway's own endpoints",
            hint=f"Any first segment but {', '.join(RESERVED_CONTEXTS)} will do.",
        )
    if len(context) > LONGEST_NAME:
        raise InvalidInputError(
            f"the context is {len(context)} characters long", hint=f"Use at most {LONGEST_NAME}."
        )
    return context


def check_version(version: str) -> str:
    """Return the version if it can stand as one path segment, as ``1.0.0`` or ``v2``."""
    if not _SEGMENT.fullmatch(version) or set(version) == {"."} or len(version) > LONGEST_NAME:
        raise InvalidInputError(
            f"the version {printable(version)!r} cannot be part of a path",
            hint="Use letters, digits and . _ ~ -, as in 1.0.0.",
        )
    return version


def check_url(url: str, *, what: str) -> str:
    """Return an http or https URL with a host and without credentials, query and fragment.

    Raises InvalidInputError. The message quotes the URL without its query and fragment, and not at
    all if it has an @: however it is misspelt, no credentials are shown.
    """
    try:
        parts = urlsplit(url)
        port_is_good = parts.port is None or parts.port > 0
    except ValueError:
        raise InvalidInputError(
            f"the {what} is not a URL with a host and a port",
            hint="Try http://127.0.0.1:8000/path.",
        ) from None
    if "@" in parts.netloc:
        raise InvalidInputError(
            f"the {what} holds a user name or a password",
            hint="Leave out everything before the @; credentials do not belong into a URL.",
        )
    shown = "" if "@" in url else f" {printable(re.split('[?#]', url)[0])!r}"
    if parts.scheme not in {"http", "https"}:
        raise InvalidInputError(
            f"the {what}{shown} is not an http or https URL",
            hint="Try http://127.0.0.1:8000/path.",
        )
    if re.search(r"[\s\x00-\x20\x7f\\\"<>^`{|}]", url) or not url.isascii():
        raise InvalidInputError(
            f"the {what}{shown} has characters a URL cannot have", hint="Percent-encode them."
        )
    if not _AUTHORITY.fullmatch(parts.netloc) or not port_is_good:
        raise InvalidInputError(
            f"the {what}{shown} has no usable host", hint="Try http://127.0.0.1:8000/path."
        )
    if parts.query or parts.fragment or url.endswith(("?", "#")):
        raise InvalidInputError(
            f"the {what}{shown} has a query or a fragment",
            hint="Leave out everything from the ? or # on.",
        )
    if _has_dot_segments(parts):
        raise InvalidInputError(f"the {what}{shown} has dot segments", hint="Write the path out.")
    return url


def _has_dot_segments(parts: SplitResult) -> bool:
    return any(
        segment in {".", ".."} for segment in parts.path.lower().replace("%2e", ".").split("/")
    )


def printable(text: str, *, longest: int = 80) -> str:
    """Return the text fit for one line of a message: no control characters, not too long."""
    clean = _CONTROL.sub("\ufffd", text)
    return clean if len(clean) <= longest else clean[: longest - 3] + "..."
