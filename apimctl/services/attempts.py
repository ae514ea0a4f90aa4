"""Attempts to guess a password or a consumer secret, or to sign up, slowed down. SPEC section 4.

An attempt counts as failed before it is checked, in a transaction, and is given back if it was
right: parallel ones do not get around it. What is counted is in the store, so it holds for all
workers and after a restart.
"""

import math
from collections.abc import Mapping
from dataclasses import dataclass
from sqlite3 import Connection

from apimctl.domain import attempts
from apimctl.domain.attempts import Failures
from apimctl.tables import failed_attempts, known_networks

LONGEST_IN_SECONDS = 120
"""Of a wait that is said in seconds."""

_FORGOTTEN_AT_ONCE = 10
"""Rows removed with each one that is added: the tables shrink as fast as they could grow."""


@dataclass(frozen=True, slots=True)
class Blocked:
    """Nobody is let in for so long."""

    seconds: int

    @property
    def wait(self) -> str:
        """How long that is, as people say it: ``1 second``, ``2 minutes``."""
        if self.seconds > LONGEST_IN_SECONDS:
            return f"{math.ceil(self.seconds / 60)} minutes"
        return f"{self.seconds} second{'' if self.seconds == 1 else 's'}"


@dataclass(frozen=True, slots=True)
class LogIn:
    """A user's attempt to log in that counts as failed until it has succeeded.

    `reserved` is what it made of the failures by subject.
    """

    subject_there: str
    reserved: dict[str, Failures]


def begin_log_in(db: Connection, username: str, *, network: str, now: int) -> LogIn | Blocked:
    """Count an attempt as failed, unless the user is blocked, at this network or everywhere.

    Everywhere does not hold where the user logged in of late: strangers lock nobody out. An unknown
    user is treated as any other.
    """
    everywhere = attempts.user_subject(username)
    there = attempts.user_subject_at(everywhere, network=network)
    free = {there: attempts.FREE_AT_ONE_NETWORK}
    if known_networks.find(db, there) <= now:
        free[everywhere] = attempts.FREE_AT_ALL_NETWORKS
    reserved = _reserve(db, free, now=now)
    return reserved if isinstance(reserved, Blocked) else LogIn(there, reserved)


def begin_sign_up(db: Connection, *, network: str, now: int) -> Blocked | None:
    """Count an attempt to sign up, unless too many came before it, from there or from everywhere.

    None: go on. It counts whatever comes of it, so that nobody tries all names either.
    """
    free = {
        attempts.sign_up_subject(network): attempts.FREE_AT_ONE_NETWORK,
        attempts.SIGN_UPS: attempts.FREE_AT_ALL_NETWORKS,
    }
    reserved = _reserve(db, free, now=now)
    return reserved if isinstance(reserved, Blocked) else None


def succeed(db: Connection, log_in: LogIn, *, now: int) -> None:
    """Note that the password was right.

    The user's failures at that network are forgotten. Those of strangers at others are not.
    """
    there = log_in.subject_there
    failed_attempts.delete(db, there)
    for subject in log_in.reserved.keys() - {there}:
        _take_back(db, subject, log_in.reserved[subject])
    # Written at most daily: it is one more write of every log-in.
    if known_networks.find(db, there) <= now + attempts.KNOWN_NETWORK_SECONDS - 24 * 3600:
        known_networks.delete_forgotten(db, now=now, most=_FORGOTTEN_AT_ONCE)
        known_networks.put(db, there, forgotten_at=now + attempts.KNOWN_NETWORK_SECONDS)


def withdraw(db: Connection, log_in: LogIn) -> None:
    """Take an attempt back that was not checked, as where a user store is away."""
    for subject, reserved in log_in.reserved.items():
        _take_back(db, subject, reserved)


def forgive_user(db: Connection, username: str) -> None:
    """Forget a user's failures everywhere, as for a new password."""
    failed_attempts.delete_with_networks(db, attempts.user_subject(username))


def note_wrong_secret(db: Connection, subject: str, failures: Failures, *, now: int) -> None:
    """Count a wrong secret of a client that exists and has these failures, in one transaction.

    `subject` is that of `apimctl.domain.attempts.client_subject`.
    """
    _count(db, subject, failures, free=attempts.FREE_AT_ONE_NETWORK, now=now)


def forgive_client(db: Connection, subject: str) -> None:
    """Forget the wrong secrets that were sent for a client from a network."""
    failed_attempts.delete(db, subject)


def _reserve(db: Connection, free: Mapping[str, int], *, now: int) -> dict[str, Failures] | Blocked:
    """Count one more failure of all these subjects, of which so many are free; none if blocked."""
    found = {subject: failed_attempts.find(db, subject) for subject in free}
    seconds = max(attempts.blocked_seconds(failures, now=now) for failures in found.values())
    if seconds:
        return Blocked(seconds)
    return {
        subject: _count(db, subject, failures, free=free[subject], now=now)
        for subject, failures in found.items()
    }


def _take_back(db: Connection, subject: str, reserved: Failures) -> None:
    left = attempts.take_back(failed_attempts.find(db, subject), reserved)
    if left.count:
        failed_attempts.put(db, subject, left)
    else:
        failed_attempts.delete(db, subject)


def _count(db: Connection, subject: str, failures: Failures, *, free: int, now: int) -> Failures:
    failed_attempts.delete_forgotten(db, now=now, most=_FORGOTTEN_AT_ONCE)
    added = attempts.add_failure(failures, free=free, now=now)
    failed_attempts.put(db, subject, added)
    return added
