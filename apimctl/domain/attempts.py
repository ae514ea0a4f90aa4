"""How guessing is slowed down: what failed attempts cost whoever tries next. SPEC section 4.

Failures are counted per subject: a user or a client, at one network. The first ones are free. From
the last free one on, each failure blocks its subject for twice as long as the one before. A blocked
subject lets nobody in, whoever knows the secret included: else guessing would go on as before.

A user's failures are counted over all networks too, with more of them free, since whoever has many
addresses has many guesses. Sign-ups are counted in the same way, each as a failure, so that nobody
fills the store with users. A client's are not: its secret has 160 random bits, which nobody guesses
from anywhere, and such a count would let strangers lock the client out.

Points in time are UTC epoch seconds, the present one rounded up.
"""

import hashlib
import unicodedata
from dataclasses import dataclass

from apimctl.domain.userstores import split_name

FREE_AT_ONE_NETWORK = 10
FREE_AT_ALL_NETWORKS = 100
LONGEST_BLOCK_SECONDS = 15 * 60
MEMORY_SECONDS = 15 * 60
"""How long failures are remembered after the last one, or after its block."""

KNOWN_NETWORK_SECONDS = 30 * 24 * 3600
"""How long a network from which a user logged in is no stranger's to that user."""

SIGN_UPS = "sign-up"
"""What the sign-ups at all networks are counted under."""

_IGNORED_CATEGORIES = frozenset({"Cc", "Cf"})
_IGNORED = {0x34F, 0xFFFC, *range(0x180B, 0x180E), *range(0xFE00, 0xFE10)}


@dataclass(frozen=True, slots=True)
class Failures:
    """How often a subject's attempts failed, until when it is blocked, when that is forgotten."""

    count: int
    blocked_until: int
    forgotten_at: int


NO_FAILURES = Failures(0, 0, 0)


def remembered(failures: Failures, *, now: int) -> Failures:
    """Return what still counts of the failures.

    A clock that was set back would keep them, and a block, for as long as it was set back: what
    lies further ahead than anything could be is over.
    """
    furthest = now + LONGEST_BLOCK_SECONDS + 1 + MEMORY_SECONDS
    return failures if now < failures.forgotten_at <= furthest else NO_FAILURES


def blocked_seconds(failures: Failures, *, now: int) -> int:
    """Return how long nobody is let in from now on, 0 for not at all."""
    return max(remembered(failures, now=now).blocked_until - now, 0)


def add_failure(failures: Failures, *, free: int, now: int) -> Failures:
    """Return the failures with one more."""
    count = remembered(failures, now=now).count + 1
    if count < free:
        return Failures(count, 0, now + MEMORY_SECONDS)
    doublings = min(count - free, LONGEST_BLOCK_SECONDS.bit_length())
    # One more: both ends of a length are rounded up, and it is to last that long at least.
    until = now + 1 + min(2**doublings, LONGEST_BLOCK_SECONDS)
    return Failures(count, until, until + MEMORY_SECONDS)


def take_back(failures: Failures, reserved: Failures) -> Failures:
    """Return the failures without one that turned out to be none; `reserved` is what it made.

    The block it brought ends with it, unless a later failure brought another.
    """
    is_newest = failures.blocked_until == reserved.blocked_until
    return Failures(
        max(failures.count - 1, 0),
        0 if is_newest else failures.blocked_until,
        failures.forgotten_at,
    )


def client_subject(consumer_key: str, *, network: str) -> str:
    """Return what a client's failures at a network are counted under."""
    return f"client {consumer_key} {network}"


def user_subject(name: str) -> str:
    """Return what a user's failures over all networks are counted under, known or not.

    Names that some user store may take for the same are the same here: another spelling would be
    another ten guesses. Ignored is what RFC 4518 section 2.2 maps to nothing.
    """
    plain = "/".join(folded(part) for part in split_name(name))
    return f"user {hashlib.sha256(plain.encode('utf-8', 'surrogatepass')).hexdigest()}"


def user_subject_at(subject: str, *, network: str) -> str:
    """Return what the same user's failures at one network are counted under."""
    return f"{subject} {network}"


def sign_up_subject(network: str) -> str:
    """Return what the sign-ups at a network are counted under."""
    return f"{SIGN_UPS} {network}"


def folded(text: str) -> str:
    """Return a name as it is counted: one for all that some user store may take for the same."""
    plain = unicodedata.normalize("NFKC", unicodedata.normalize("NFKC", text).casefold())
    kept = "".join(letter for letter in plain if letter.isspace() or not _is_ignored(letter))
    return " ".join(kept.split())


def _is_ignored(letter: str) -> bool:
    return unicodedata.category(letter) in _IGNORED_CATEGORIES or ord(letter) in _IGNORED
