"""Whether a user's password is right: in a thread, outside every transaction, one after another.

A check takes some 50 ms of a whole core and 64 MiB, as the hash of a new password does, so it may
stand in the way neither of the event loop nor of the writer. Few are made at once and few wait, and
what is more is turned away before anything is counted. No network keeps the others out: they take
turns, and of whichever has most places, the last one is turned away.
"""

import asyncio
import math
import os
import sys
import threading
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from sqlite3 import Connection

from apimctl.domain.models import User
from apimctl.domain.userstores import is_primary
from apimctl.edge.login.directories import Directories
from apimctl.edge.login.turns import Turns
from apimctl.edge.writer import Writer
from apimctl.services import attempts, users
from apimctl.services.attempts import Blocked, LogIn
from apimctl.services.directory_users import directory_of

AT_ONCE = 1
MOST_WAITING = 16
NICENESS = 19
"""Of the threads that hash: they get what the event loop and the writer leave.

With less, as measured, they take a share of a busy core: a tenth at 15, a third at 10.
"""


@dataclass(frozen=True, slots=True)
class Right:
    """It is the password of this user."""

    user: User


@dataclass(frozen=True, slots=True)
class Wrong:
    """It is not, or there is no such user, or the user has none: nobody is to be told which."""


@dataclass(frozen=True, slots=True)
class Busy:
    """It was not checked, as too many are being checked."""


Outcome = Right | Wrong | Blocked | Busy
"""Blocked: it was not checked, as too many wrong ones came before."""


class Passwords:
    """Checks and hashes passwords on behalf of the running event loop."""

    def __init__(self, writer: Writer, *, clock: Callable[[], float] = time.time) -> None:
        self._writer = writer
        self._clock = clock
        self._directories = Directories(writer, clock=clock)
        self._turns = Turns(AT_ONCE, most_waiting=MOST_WAITING)
        self._hashers = ThreadPoolExecutor(
            AT_ONCE, thread_name_prefix="apimctl-password", initializer=_stand_back
        )

    def close(self) -> None:
        """End the threads, and the connections to directories."""
        self._hashers.shutdown(wait=False, cancel_futures=True)
        self._directories.close()

    async def verify(self, username: str, password: str, *, network: str) -> Outcome:
        """Return whether that is the password of that user, whose name may carry a user store.

        `network` is where the request came from: wrong passwords are counted (SPEC section 4). Of
        an unknown user they are as well, and take as long. Raises StoreError, UserStoreError where
        a directory cannot tell.
        """
        if not is_primary(username):
            typed = await self._writer.submit(lambda db: directory_of(db, username))
            if typed is not None:
                found = await self._directories.log_in(
                    typed, password, username=username, network=network
                )
                if isinstance(found, Blocked):
                    return found
                return Right(found) if found else Wrong()
        outcome = await self._turns.take(
            lambda: self._attempt(username, password, network), whose=network
        )
        return Busy() if outcome is None else outcome

    async def hash(self, password: str, *, network: str) -> str | Busy:
        """Return the argon2id hash of a new password, which waits for its turn as a check does.

        Raises InvalidInputError for an empty or a very long one.
        """
        loop = asyncio.get_running_loop()
        hashed = await self._turns.take(
            lambda: loop.run_in_executor(self._hashers, users.hash_password, password),
            whose=network,
        )
        return Busy() if hashed is None else hashed

    async def _attempt(self, username: str, password: str, network: str) -> Outcome:
        """Count the attempt, check it, and take it back if the password was right."""

        def begin(db: Connection) -> tuple[LogIn | Blocked, User | None]:
            begun = attempts.begin_log_in(db, username, network=network, now=self._now())
            return begun, users.find(db, username)

        begun, user = await self._writer.submit(begin)
        if isinstance(begun, Blocked):
            return begun
        loop = asyncio.get_running_loop()
        is_right = await loop.run_in_executor(self._hashers, users.is_password, user, password)
        if user is None or not is_right:
            return Wrong()
        await self._writer.submit(lambda db: attempts.succeed(db, begun, now=self._now()))
        return Right(user)

    def _now(self) -> int:
        return math.ceil(self._clock())


def _stand_back() -> None:
    """Let the event loop and the writer go first; the threads of argon2's lanes inherit it."""
    if sys.platform == "linux":  # elsewhere a thread has no niceness of its own
        os.setpriority(os.PRIO_PROCESS, threading.get_native_id(), NICENESS)
