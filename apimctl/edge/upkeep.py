"""The upkeep of the store, while the gateway serves: nobody has to remember `token purge`."""

import asyncio
import math
import time
from collections.abc import Callable
from functools import partial

from apimctl.config import Settings
from apimctl.edge.complaints import Complaints
from apimctl.edge.writer import Writer
from apimctl.errors import StoreError
from apimctl.services import partitions, upkeep

PASS_SECONDS = 60.0
"""From the end of one pass to the beginning of the next."""

IDLE_SHARE = 4
"""A batch is followed by a pause of so many times its own length: others write, too."""


class Upkeep:
    """Throws away what is over, as long as it runs."""

    def __init__(
        self, writer: Writer, settings: Callable[[], Settings], *, complaints: Complaints
    ) -> None:
        self._writer = writer
        self._settings = settings
        self._complaints = complaints

    async def run(self, *, pass_seconds: float = PASS_SECONDS) -> None:
        """Make a pass, wait, and make the next one. A store that cannot be used is for later."""
        while True:
            try:
                await self.make_pass(now=math.floor(time.time()))
            except StoreError as error:
                self._complaints.make(error.message)
            await asyncio.sleep(pass_seconds)

    async def make_pass(self, *, now: int) -> None:
        """Throw away, in batches, all that is over at `now`, and the partitions that leaves empty.

        Raises StoreError.
        """
        settings = self._settings()
        for kind, before in upkeep.deadlines(settings, now=now).items():
            has_more = True
            while has_more:
                started_at = time.perf_counter()
                batch = await self._writer.submit(
                    partial(upkeep.purge, kind=kind, before=before, now=now)
                )
                has_more = batch.has_more
                if has_more:
                    await asyncio.sleep((time.perf_counter() - started_at) * IDLE_SHARE)
        await self._writer.submit(
            partial(partitions.drop_unused, configured=settings.tokens.partitions)
        )
