"""A form that is sent twice is done once: a double click, a reload, two tabs of one page.

Each form that is shown carries a number of its own. Who sends it again within a minute gets the
answer that the first one got, with its secrets: the first answer may have been lost, as a browser
drops it for the second click. It is kept in memory, never in the store. Who goes back and fills
the form in otherwise sends another one.
"""

import asyncio
import time
from collections import OrderedDict
from collections.abc import Awaitable, Callable

from apimctl.edge.answers import Answer

KEPT_SECONDS = 60.0
MOST_KEPT = 1000

Key = tuple[str, str, str, str]
"""The browser's secret, the form's path, its number, and a digest of what it holds."""


class Repeats:
    """The answers of the last minute, by the form they are to."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._answers: OrderedDict[Key, tuple[float, asyncio.Future[Answer]]] = OrderedDict()

    async def once(self, key: Key, make: Callable[[], Awaitable[Answer]]) -> Answer:
        """Return the answer to this form, which `make` gives the first time.

        It goes on to its end also if the browser leaves. What is no answer to the form, a server
        error, is not kept. Raises what `make` raises.
        """
        self._forget_old()
        _, kept = self._answers.get(key, (0.0, None))
        if kept is None:
            kept = asyncio.ensure_future(make())
            self._answers[key] = (self._clock() + KEPT_SECONDS, kept)
            kept.add_done_callback(lambda done: self._drop_failed(key, done))
        answer = await asyncio.shield(kept)
        return Answer(status=answer.status, body=answer.body, headers=answer.headers.copy())

    def forget(self, secret: str) -> None:
        """Forget what a browser was answered."""
        for key in [key for key in self._answers if key[0] == secret]:
            del self._answers[key]

    def _drop_failed(self, key: Key, done: asyncio.Future[Answer]) -> None:
        failed = done.cancelled() or done.exception() is not None or done.result().status >= 500  # noqa: PLR2004
        if failed:
            self._answers.pop(key, None)

    def _forget_old(self) -> None:
        now = self._clock()
        while self._answers:
            kept_until, _ = next(iter(self._answers.values()))
            if kept_until > now and len(self._answers) < MOST_KEPT:
                return
            self._answers.popitem(last=False)
