"""A bounded queue: so many at once, so many that wait, and no more; and nobody fills it alone.

Whoever asks again and again waits for their own turns only: those who wait are let in by rounds,
one of each, and where all places are taken, whoever has most of them gives up the last one.
"""

import asyncio
from collections import deque
from collections.abc import Awaitable, Callable
from typing import TypeVar

_Result = TypeVar("_Result")

_Place = asyncio.Future[bool]


class Turns:
    """Lets `at_once` pieces of work run, and `most_waiting` wait for their turn."""

    def __init__(self, at_once: int, *, most_waiting: int) -> None:
        self._free = at_once
        self._most_waiting = most_waiting
        self._waiting: dict[str, deque[_Place]] = {}
        """The places of each who waits, in the order of the round."""

    async def take(
        self, work: Callable[[], Awaitable[_Result]], *, whose: str = ""
    ) -> _Result | None:
        """Return what `work` comes to once it had its turn; None where too many wait.

        `whose` tells those who ask apart. Whoever is cancelled while waiting frees the place. Work
        that has begun keeps its turn and goes on to its end, whoever still waits for that. Raises
        what `work` raises.
        """
        if self._free:
            self._free -= 1
        elif not await self._wait(whose):
            return None
        begun = asyncio.ensure_future(work())
        begun.add_done_callback(lambda _: self._pass_on())
        return await asyncio.shield(begun)

    async def _wait(self, whose: str) -> bool:
        """Return whether it is that one's turn now; no, where others need the place more."""
        if not self._has_place_for(whose):
            return False
        place: _Place = asyncio.get_running_loop().create_future()
        self._waiting.setdefault(whose, deque()).append(place)
        try:
            return await place
        except asyncio.CancelledError:
            if place.cancelled():
                self._leave(whose, place)
            elif place.result():
                self._pass_on()
            raise

    def _has_place_for(self, whose: str) -> bool:
        """Return whether there is a place, if need be the last one of whoever has most of them."""
        if sum(map(len, self._waiting.values())) < self._most_waiting:
            return True
        most = max(self._waiting.values(), key=len, default=deque())
        if len(most) <= len(self._waiting.get(whose, ())) + 1:
            return False
        last = most.pop()
        if not last.cancelled():
            last.set_result(False)
        return True

    def _pass_on(self) -> None:
        """Let the next one of the round in; who has more places goes to its end."""
        while self._waiting:
            whose = next(iter(self._waiting))
            places = self._waiting.pop(whose)
            place = places.popleft()
            if places:
                self._waiting[whose] = places
            if not place.cancelled():  # else whoever it was has yet to notice
                place.set_result(True)
                return
        self._free += 1

    def _leave(self, whose: str, place: _Place) -> None:
        places = self._waiting.get(whose, deque())
        if place in places:
            places.remove(place)
            if not places:
                del self._waiting[whose]
