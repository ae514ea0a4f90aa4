"""Partitions: the tokens of some user stores live in tables of their own. SPEC section 7.

A partition is a letter, which stands in the text of its tokens. The setting ``tokens.partitions``
says which user stores it is for, as in WSO2: ``A:foo.com, B:bar.com``.
"""

from collections.abc import Mapping
from string import ascii_uppercase

from apimctl.domain.models import BASE_PARTITION, PRIMARY
from apimctl.domain.names import printable
from apimctl.domain.userstores import check_domain
from apimctl.errors import InvalidInputError

ALL_PARTITIONS = (BASE_PARTITION, *ascii_uppercase)
"""Those that can be: the base tables, and one for each letter."""

_EXAMPLE = "Write a letter and a user store for each, as A:foo.com, B:bar.com."


def parse_partitions(text: str) -> Mapping[str, str]:
    """Return the letter of each user store that has one, by its domain in upper case.

    Raises InvalidInputError for a letter that is none, a domain that is none or stands there twice,
    and for the built-in user store: its tokens are in the base tables.
    """
    letters: dict[str, str] = {}
    for pair in text.split(",") if text.strip() else ():
        letter, colon, written = (part.strip() for part in pair.partition(":"))
        if not colon:
            raise InvalidInputError(f"{printable(pair)!r} is no partition", hint=_EXAMPLE)
        if len(letter) != 1 or letter not in ascii_uppercase:
            raise InvalidInputError(
                f"{printable(letter)!r} names no partition", hint="Use one letter from A to Z."
            )
        domain = check_domain(written)
        if domain == PRIMARY:
            raise InvalidInputError(
                f"{PRIMARY} has no partition of its own: its tokens are in the base tables",
                hint="Leave it out.",
            )
        if domain in letters:
            raise InvalidInputError(f"{domain} stands there twice", hint="Name it once.")
        letters[domain] = letter
    return letters
