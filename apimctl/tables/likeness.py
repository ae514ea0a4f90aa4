"""Texts that hold another one, in capitals or not: the pattern for ``LIKE``."""

import re

CLAUSE = r"LIKE lower(:pattern) ESCAPE '\'"
"""What follows a text in lower case."""

_SPECIAL = re.compile(r"[\\%_]")


def containing(text: str) -> str:
    """Return the pattern of all texts that hold this one."""
    escaped = _SPECIAL.sub(r"\\\g<0>", text)
    return f"%{escaped}%"
