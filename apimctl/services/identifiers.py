"""Ids of what the store keeps, from the random source that is passed in."""

from collections.abc import Callable

RandomBytes = Callable[[int], bytes]
"""``secrets.token_bytes``, or a test's own."""


def new_id(random: RandomBytes) -> str:
    """Return 96 random bits in hexadecimal."""
    return random(12).hex()
