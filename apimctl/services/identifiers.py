"""Ids of what the store keeps, from the random source that is passed in."""

from collections.abc import Callable

RandomBytes = Callable[[int], bytes]
"""``secrets.token_bytes``, or a test's own."""


def new_id(random: RandomBytes) -> str:
    """Return 64 random bits in hexadecimal: ids are unique by constraint, and no secret."""
    return random(8).hex()
