"""How a gateway is listed in the store while it serves, for `gateway status`.

By its supervisor, in a connection of its own each time: none may be open when a worker is forked.
"""

import contextlib
import logging
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from sqlite3 import Connection

from apimctl.errors import StoreError
from apimctl.services import gateways
from apimctl.serving.addresses import Addresses
from apimctl.store import Store, connect
from apimctl.store_faults import explained
from apimctl.tables.gateways import Gateway

log = logging.getLogger("apimctl.gateway")


class Registration:
    """The rows of one gateway, one per URL."""

    def __init__(self, store_path: Path, row: Gateway) -> None:
        """`row` is what all of them have in common."""
        self._store_path = store_path
        self._row = row
        self._is_listed = False

    def put(self, where: Addresses, *, workers: int) -> None:
        """List the gateway as it is now. Raises StoreError."""
        row = replace(self._row, url=where.url, workers=workers, admin_url=where.admin_url or "")
        rows = [row]
        if where.tls_url is not None:
            rows.append(replace(row, url=where.tls_url, certificate=where.certificate))
        with self._writing() as db:
            gateways.register(db, *rows)
        self._is_listed = True

    def renew(self, where: Addresses, *, workers: int) -> None:
        """List the gateway as it is now; what prevents that is logged."""
        try:
            self.put(where, workers=workers)
        except StoreError as error:
            log.warning("gateway status shows this gateway as it was: %s", error.message)

    def remove(self) -> None:
        """List it no more, but for what a successor has put there; what prevents is logged."""
        if not self._is_listed:
            return
        try:
            with self._writing() as db:
                gateways.unregister(db, self._row.id, process_id=self._row.process_id)
        except StoreError as error:
            log.warning("this gateway stays listed in the store: %s", error.message)

    @contextlib.contextmanager
    def _writing(self) -> Iterator[Connection]:
        with explained(self._store_path):
            connection = connect(self._store_path)
        store = Store(self._store_path, connection, is_new=False, backup_path=None)
        with contextlib.closing(store), store.transaction() as db:
            yield db
