"""Clients that ask a gateway without a pause, and note everything that fails."""

import contextlib
import http.client
import ssl
import threading
from collections.abc import Iterator
from dataclasses import dataclass, field

from tests.binary import TIMEOUT_SECONDS
from tests.e2e.waiting import until

CLIENTS = 6
"""Half of them keep their connections."""


@dataclass
class Traffic:
    """What came of the requests so far."""

    answered: int = 0
    failures: list[str] = field(default_factory=list)

    def await_more(self, count: int = 200) -> None:
        """Return after so many more answers."""
        wanted = self.answered + count
        until(lambda: self.failures or self.answered >= wanted)


@contextlib.contextmanager
def traffic(
    port: int, path: str, token: str, *, tls: ssl.SSLContext | None = None
) -> Iterator[Traffic]:
    """Ask for `path` all the time; whatever is no 200 is a failure, and ends the test."""
    seen, is_over = Traffic(), threading.Event()

    def ask(*, keeps_connection: bool) -> None:
        headers = {"Authorization": f"Bearer {token}"}
        connection = http.client.HTTPConnection("127.0.0.1", port, timeout=TIMEOUT_SECONDS)
        if tls is not None:
            connection = http.client.HTTPSConnection("127.0.0.1", port, context=tls)
        with contextlib.closing(connection):
            while not is_over.is_set() and not seen.failures:
                try:
                    connection.request("GET", path, headers=headers)
                    response = connection.getresponse()
                    response.read()
                except (OSError, http.client.HTTPException) as error:
                    seen.failures.append(repr(error))
                    return
                if response.status != 200:
                    seen.failures.append(f"{response.status} {response.headers}")
                seen.answered += 1
                if not keeps_connection:
                    connection.close()

    clients = [
        threading.Thread(target=ask, kwargs={"keeps_connection": number % 2 == 0})
        for number in range(CLIENTS)
    ]
    for client in clients:
        client.start()
    try:
        seen.await_more()
        yield seen
        seen.await_more()
    finally:
        is_over.set()
        for client in clients:
            client.join()
    assert seen.failures == []
