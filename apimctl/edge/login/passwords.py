"""Whether a user's password is right: in a thread, outside every transaction.

A check takes some 50 ms and 64 MiB, so it may stand in the way neither of the event loop nor of
the writer.
"""

import asyncio
from concurrent.futures import ThreadPoolExecutor

from apimctl.domain.models import User
from apimctl.edge.writer import Writer
from apimctl.services import users

PASSWORD_THREADS = 2


class Passwords:
    """Checks passwords on behalf of the running event loop."""

    def __init__(self, writer: Writer) -> None:
        self._writer = writer
        self._hashers = ThreadPoolExecutor(PASSWORD_THREADS, thread_name_prefix="apimctl-password")

    def close(self) -> None:
        """End the threads."""
        self._hashers.shutdown(wait=False, cancel_futures=True)

    async def verify(self, username: str, password: str) -> User | None:
        """Return the user whose password this is, None for an unknown user or a wrong password.

        `username` may carry its user store. Raises StoreError.
        """
        user = await self._writer.submit(lambda db: users.find(db, username))
        loop = asyncio.get_running_loop()
        is_right = await loop.run_in_executor(self._hashers, users.is_password, user, password)
        return user if is_right else None
