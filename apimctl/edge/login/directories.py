"""The directories of this worker's user stores, and the log-ins they decide.

A log-in waits for its directory alone: it takes no turn from those who check passwords here, and
one directory's connections are not another's.
"""

import math
import secrets
from collections.abc import Callable
from sqlite3 import Connection
from typing import TYPE_CHECKING

from apimctl.domain.models import User
from apimctl.domain.userstores import UserStore
from apimctl.edge.complaints import Complaints
from apimctl.edge.writer import Writer
from apimctl.errors import StoreError, UserStoreError
from apimctl.services import attempts, directory_users, userstores
from apimctl.services.attempts import Blocked
from apimctl.services.directory_users import Typed

if TYPE_CHECKING:
    from apimctl.directory.people import Directory, Person


class Directories:
    """Asks the directory of a user store, as its settings are now."""

    def __init__(self, writer: Writer, *, clock: Callable[[], float]) -> None:
        self._writer = writer
        self._clock = clock
        self._complaints = Complaints()
        self._open: dict[str, tuple[UserStore, Directory]] = {}

    def close(self) -> None:
        """Close the connections."""
        for _, directory in self._open.values():
            directory.close()

    async def log_in(
        self, typed: Typed, password: str, *, username: str, network: str
    ) -> User | Blocked | None:
        """Return whose password that is, None for an unknown user or a wrong one.

        Attempts are counted as `apimctl.services.attempts` says, under the whole `username`; one
        that could not be checked is not. Raises StoreError, UserStoreError.
        """
        begun = await self._writer.submit(
            lambda db: attempts.begin_log_in(db, username, network=network, now=self._now())
        )
        if isinstance(begun, Blocked):
            return begun
        try:
            person = await self._ask(typed, password)
        except StoreError:
            await self._writer.submit(lambda db: attempts.withdraw(db, begun))
            raise
        if person is None:
            return None

        def let_in(db: Connection) -> User | None:
            user = directory_users.admit(
                db,
                typed.store,
                name=person.name,
                groups=person.groups,
                now=self._now(),
                random=secrets.token_bytes,
            )
            if user is not None:
                attempts.succeed(db, begun, now=self._now())
            return user

        return await self._writer.submit(let_in)

    async def _ask(self, typed: Typed, password: str) -> "Person | None":
        # Only a gateway that has directories pays for their protocol.
        from apimctl.directory.people import Person, Refusal  # noqa: PLC0415

        domain = typed.store.domain
        try:
            answer = await self._directory(typed.store).log_in(typed.name, password)
        except UserStoreError as error:
            self._complaints.make(f"user store {domain}: {error.message}")
            raise
        if answer is Refusal.AMBIGUOUS:
            self._complaints.make(f"user store {domain}: several entries have one name")
        return answer if isinstance(answer, Person) else None

    def _directory(self, store: UserStore) -> "Directory":
        from apimctl.directory.people import Directory  # noqa: PLC0415 - as in `_ask`

        known, directory = self._open.get(store.domain, (None, None))
        if directory is None or known != store:
            if directory is not None:
                directory.close()
            if store.ldap is None:
                raise ValueError(store.domain)
            try:
                password = userstores.unseal_bind_password(self._writer.path, store)
            except StoreError as error:  # the key file: no trouble of anybody else
                raise UserStoreError(error.message, hint=error.hint) from None
            directory = Directory(store.ldap, password)
            self._open[store.domain] = store, directory
        return directory

    def _now(self) -> int:
        return math.ceil(self._clock())
