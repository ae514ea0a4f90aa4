"""A bounded queue: so many at once, so many that wait, and no more."""

import asyncio
from collections.abc import Awaitable, Callable
from typing import TypeVar

_Result = TypeVar("_Result")


class Turns:
    """Lets `at_once` pieces of work run, and `most_waiting` wait for their turn."""

    def __init__(self, at_once: int, *, most_waiting: int) -> None:
        self._free = asyncio.Semaphore(at_once)
        self._most_waiting = most_waiting
        self._waiting = 0

    async def take(self, work: Callable[[], Awaitable[_Result]]) -> _Result | None:
        """Return what `work` comes to once it had its turn; None at once where too many wait.

        Whoever is cancelled while waiting frees the place. Work that has begun keeps its turn and
        goes on to its end, whoever still waits for that. Raises what `work` raises.
        """
        if self._free.locked():
            if self._waiting >= self._most_waiting:
                return None
            self._waiting += 1
            try:
                await self._free.acquire()
            finally:
                self._waiting -= 1
        else:
            await self._free.acquire()
        begun = asyncio.ensure_future(work())
        begun.add_done_callback(lambda _: self._free.release())
        return await asyncio.shield(begun)
