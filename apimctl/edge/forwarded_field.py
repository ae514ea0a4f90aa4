"""The `Forwarded` header field: what each proxy says of who asked it (RFC 7239 section 4)."""

import re
from collections.abc import Mapping

Element = Mapping[str, str]
"""What one proxy says, by name in lower case (``for``, ``by``, ``host``, ``proto``), unquoted."""

_PAIR = re.compile(
    r"""[ \t]*+
    (?:(?P<name>[!#$%&'*+.^_`|~0-9A-Za-z-]+)=(?:"(?P<quoted>(?:[^"\\]|\\.)*)"|(?P<plain>[^\s",;]*)))?
    [ \t]*+(?P<end>[,;]|\Z)""",
    re.VERBOSE,
)
_ESCAPED = re.compile(r"\\(.)")
_TOKEN = re.compile(r"[!#$%&'*+.^_`|~0-9A-Za-z-]+")
_TO_ESCAPE = re.compile(r'(["\\])')


def parse(line: str) -> list[Element] | None:
    """Return the elements of one line in order, None for one that breaks the rules.

    Addresses with colons are taken without the quotes they should have: many write them so.
    """
    elements: list[Element] = []
    element: dict[str, str] = {}
    position = 0
    while pair := _PAIR.match(line, position):
        name, quoted, plain, end = pair.group("name", "quoted", "plain", "end")
        if name is not None:
            if name.lower() in element:
                return None  # no name stands twice in an element
            element[name.lower()] = plain if quoted is None else _ESCAPED.sub(r"\1", quoted)
        if end != ";" and element:
            elements.append(element)
            element = {}
        if not end:
            return elements
        position = pair.end()
    return None


def write(element: Element) -> str:
    """Return an element as text, its values quoted where they have to be."""
    return ";".join(
        f"{name}={value}" if _TOKEN.fullmatch(value) else f"{name}={quote(value)}"
        for name, value in element.items()
    )


def node(address: str | None) -> str:
    """Return how an address stands in an element (section 6), None for an unknown one."""
    if address is None:
        return "unknown"
    return f"[{address}]" if ":" in address else address


def quote(value: str) -> str:
    """Return a value as a quoted string (RFC 9110 section 5.6.4)."""
    return '"' + _TO_ESCAPE.sub(r"\\\1", value) + '"'
