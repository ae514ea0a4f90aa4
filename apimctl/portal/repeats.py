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
MOST_OF_ONE_BROWSER = 20
MOST_BYTES = 16 * 1024 * 1024
"""Of the pages that are kept, together."""

Key = tuple[str, str, str, str]
"""The browser's secret, the form's path, its number, and a digest of what it holds."""

_Kept = tuple[float, asyncio.Future[Answer]]


class Repeats:
    """The answers of the last minute, by the form they are to; of too many, the oldest go."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._answers: OrderedDict[Key, _Kept] = OrderedDict()
        self._under_way: set[asyncio.Future[Answer]] = set()

    def __contains__(self, key: Key) -> bool:
        """Return whether this form was sent before."""
        self._forget_old()
        return key in self._answers

    async def once(self, key: Key, make: Callable[[], Awaitable[Answer]]) -> Answer:
        """Return the answer to this form, which `make` gives the first time.

        It goes on to its end also if the browser leaves. What is no answer to the form, a server
        error, is not kept. Raises what `make` raises.
        """
        self._forget_old()
        _, kept = self._answers.get(key, (0.0, None))
        if kept is None:
            kept = asyncio.ensure_future(make())
            self._make_room(key[0])
            self._answers[key] = (self._clock() + KEPT_SECONDS, kept)
            self._under_way.add(kept)
            kept.add_done_callback(lambda done: self._note_end(key, done))
            # Nobody may send a form for hours: secrets are not to stay for that.
            asyncio.get_running_loop().call_later(KEPT_SECONDS, self._forget_old)
        answer = await asyncio.shield(kept)
        return Answer(status=answer.status, body=answer.body, headers=answer.headers.copy())

    def forget(self, secret: str) -> None:
        """Forget what a browser was answered."""
        for key in self._of(secret):
            del self._answers[key]

    def _note_end(self, key: Key, done: asyncio.Future[Answer]) -> None:
        self._under_way.discard(done)
        is_answer = _is_there(done) and done.result().status < 500  # noqa: PLR2004
        _, kept = self._answers.get(key, (0.0, None))
        if kept is done and not is_answer:
            del self._answers[key]

    def _forget_old(self) -> None:
        now = self._clock()
        while self._answers:
            kept_until, _ = next(iter(self._answers.values()))
            if kept_until > now:
                return
            self._answers.popitem(last=False)

    def _make_room(self, secret: str) -> None:
        """Let go of the oldest, of this browser and of all, until there is room for one more."""
        for key in self._of(secret)[: 1 - MOST_OF_ONE_BROWSER]:
            del self._answers[key]
        while len(self._answers) >= MOST_KEPT or self._bytes() > MOST_BYTES:
            self._answers.popitem(last=False)

    def _of(self, secret: str) -> list[Key]:
        return [key for key in self._answers if key[0] == secret]

    def _bytes(self) -> int:
        return sum(len(kept.result().body) for _, kept in self._answers.values() if _is_there(kept))


def _is_there(answer: asyncio.Future[Answer]) -> bool:
    return answer.done() and not answer.cancelled() and answer.exception() is None
