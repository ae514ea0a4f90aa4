"""How a gateway is listed in the store while it serves, for `gateway status`."""

import contextlib
import logging
import os
from collections.abc import AsyncIterator
from dataclasses import replace

from apimctl import __version__
from apimctl.edge.listening import Addresses
from apimctl.edge.writer import Writer
from apimctl.errors import StoreError
from apimctl.services import gateways
from apimctl.tables.gateways import Gateway

log = logging.getLogger("apimctl.gateway")


class Registration:
    """The rows of one gateway. `started_at` is in UTC epoch seconds."""

    def __init__(self, writer: Writer, gateway_id: str, *, started_at: int) -> None:
        self._writer = writer
        self._row = Gateway(gateway_id, "", os.getpid(), __version__, started_at)

    @contextlib.asynccontextmanager
    async def listed(self, where: Addresses) -> AsyncIterator[None]:
        """Keep the gateway listed, one row per URL. Raises StoreError if it cannot be."""
        await self._put(where)
        try:
            yield
        finally:
            try:
                await self._writer.submit(lambda db: gateways.unregister(db, self._row.id))
            except StoreError as error:
                log.warning("this gateway stays listed in the store: %s", error.message)

    async def renew(self, where: Addresses) -> None:
        """List the certificate that is shown from now on; what prevents that is logged."""
        try:
            await self._put(where)
        except StoreError as error:
            log.warning("gateway status knows the old certificate still: %s", error.message)

    async def _put(self, where: Addresses) -> None:
        rows = [replace(self._row, url=where.url)]
        if where.tls_url is not None:
            rows.append(replace(self._row, url=where.tls_url, certificate=where.certificate))
        await self._writer.submit(lambda db: gateways.register(db, *rows))
