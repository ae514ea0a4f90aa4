"""Connections to one directory, kept for the next log-in: few, and none for long."""

import asyncio
from collections.abc import Awaitable, Callable
from typing import TypeVar

from apimctl.directory.connection import ConnectionLostError, LdapConnection

MOST_CONNECTIONS = 4
IDLE_SECONDS = 30.0
"""Shorter than firewalls wait before they forget a connection without telling."""

_Result = TypeVar("_Result")


class ConnectionPool:
    """Lends a connection to one piece of work at a time; more of them wait."""

    def __init__(
        self,
        connect: Callable[[], Awaitable[LdapConnection]],
        *,
        most: int = MOST_CONNECTIONS,
        idle_seconds: float = IDLE_SECONDS,
    ) -> None:
        self._connect = connect
        self._places = asyncio.Semaphore(most)
        self._idle_seconds = idle_seconds
        self._idle: dict[LdapConnection, asyncio.TimerHandle] = {}
        self._is_closed = False

    async def use(self, work: Callable[[LdapConnection], Awaitable[_Result]]) -> _Result:
        """Return what `work` comes to on a connection.

        It is done again on another one if a kept connection turns out to be lost, as after a
        restart of the directory. Raises what `work` and `connect` raise.
        """
        async with self._places:
            while self._idle:
                connection, timer = self._idle.popitem()
                timer.cancel()
                try:
                    return await self._work_on(connection, work)
                except ConnectionLostError:
                    continue
            return await self._work_on(await self._connect(), work)

    def close(self) -> None:
        """Close what is idle now, and the others once their work is done."""
        self._is_closed = True
        for connection in list(self._idle):
            self._drop(connection)

    async def _work_on(
        self, connection: LdapConnection, work: Callable[[LdapConnection], Awaitable[_Result]]
    ) -> _Result:
        try:
            result = await work(connection)
        except BaseException:  # in the middle of an operation, nobody knows of which
            connection.abort()
            raise
        if self._is_closed:
            connection.close()
        elif connection.is_usable:
            loop = asyncio.get_running_loop()
            self._idle[connection] = loop.call_later(self._idle_seconds, self._drop, connection)
        return result

    def _drop(self, connection: LdapConnection) -> None:
        timer = self._idle.pop(connection, None)
        if timer:
            timer.cancel()
        connection.close()
