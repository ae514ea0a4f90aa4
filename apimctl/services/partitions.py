"""In which partition a token is issued, and which partitions there are (SPEC section 7).

A token's text names the partition it was issued into. So changing the setting moves no token and
strands none: it says where tokens go that are issued from then on.
"""

from collections.abc import Mapping
from sqlite3 import Connection

from apimctl.config import TokenSettings
from apimctl.domain.models import BASE_PARTITION
from apimctl.errors import NotFoundError
from apimctl.tables import partitions, users


def choose(db: Connection, user_id: str, *, settings: TokenSettings, now: int) -> str:
    """Return the partition for a user's new tokens, and make its tables if they are missing.

    Settings come from files and environments that nobody announces: the first token of a user
    store may be the first that is heard of its partition.
    """
    if not settings.partitions:
        return BASE_PARTITION
    user = users.get(db, user_id)
    letter = settings.partitions.get(user.userstore, BASE_PARTITION) if user else BASE_PARTITION
    if not partitions.is_there(db, letter):
        partitions.create(db, letter, now=now)
    return letter


def create_missing(db: Connection, configured: Mapping[str, str], *, now: int) -> list[str]:
    """Make the tables that configured partitions lack; return the letters of those partitions.

    `configured` has the letter of each user store, as `TokenSettings.partitions`.
    """
    letters = sorted(set(configured.values()).difference(partitions.list_all(db)))
    for letter in letters:
        partitions.create(db, letter, now=now)
    return letters


def drop_unused(db: Connection, configured: Mapping[str, str]) -> list[str]:
    """Drop the tables of partitions that are not configured and hold no token; return which."""
    return partitions.drop_empty(db, but=set(configured.values()))


def require(db: Connection, partition: str, *, settings: TokenSettings) -> str:
    """Return a partition that is there or configured, from its letter in either case.

    Raises NotFoundError.
    """
    letter = partition.upper()
    known = dict.fromkeys([*partitions.list_all(db), *settings.partitions.values()])
    if letter not in known:
        raise NotFoundError(
            f"there is no partition {partition!r}",
            hint=f"There {'is' if len(known) == 1 else 'are'} {', '.join(sorted(known))};"
            f" {BASE_PARTITION} is what is in no partition.",
        )
    return letter
