"""Many connections to a gateway at once, from one thread."""

import base64
import contextlib
import json
import selectors
import socket
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import urlencode

from tests.binary import TIMEOUT_SECONDS
from tests.e2e.conftest import Gateway

BUSY_WRITER = Path(__file__).parent / "busy_writer.py"


def token_request(client: tuple[str, str], **fields) -> bytes:
    """Return the bytes of a request to /token."""
    pair = base64.b64encode(":".join(client).encode()).decode()
    form = urlencode(fields)
    return (
        "POST /token HTTP/1.1\r\nHost: gateway.test\r\n"
        f"Authorization: Basic {pair}\r\nContent-Length: {len(form)}\r\n"
        f"Content-Type: application/x-www-form-urlencoded\r\n\r\n{form}"
    ).encode()


@contextlib.contextmanager
def connections(
    gateway: Gateway, count: int, *, client: str = "127.0.0.1"
) -> Iterator[list[socket.socket]]:
    """Open connections, which come from the address `client`."""
    with contextlib.ExitStack() as stack:
        address, own = ("127.0.0.1", gateway.port), (client, 0)
        yield [
            stack.enter_context(socket.create_connection(address, TIMEOUT_SECONDS, own))
            for _ in range(count)
        ]


def answers(clients: list[socket.socket]) -> Iterator[tuple[socket.socket, int, dict]]:
    """Give each answer as it comes: connection, status and JSON; ends when all are closed."""
    unread = dict.fromkeys(clients, b"")
    with selectors.DefaultSelector() as selector:
        for client in clients:
            selector.register(client, selectors.EVENT_READ)
        while selector.get_map():
            ready = selector.select(TIMEOUT_SECONDS)
            assert ready
            for key, _ in ready:
                client = key.fileobj
                data = _receive(client)
                if not data:
                    selector.unregister(client)
                    continue
                unread[client] += data
                while answer := _split(unread[client]):
                    status, content, unread[client] = answer
                    yield client, status, content


def _receive(client: socket.socket) -> bytes:
    try:
        return client.recv(65536)
    except ConnectionResetError:
        return b""


def _split(data: bytes) -> tuple[int, dict, bytes] | None:
    """Return status, JSON and what follows of the first answer, None if it is not whole yet."""
    head, end, rest = data.partition(b"\r\n\r\n")
    if not end:
        return None
    lines = head.lower().split(b"\r\n")
    (length,) = (int(line.split(b":")[1]) for line in lines if line.startswith(b"content-length:"))
    if len(rest) < length:
        return None
    return int(lines[0].split()[1]), json.loads(rest[:length]), rest[length:]


def renew_at_once(gateway, client, refresh_token, *, count):
    """Use one refresh token over `count` connections at once.

    Return the sorted (status, error) of the answers, and the access tokens they gave.
    """
    request = token_request(client, grant_type="refresh_token", refresh_token=refresh_token)
    outcomes, issued = [], []
    with connections(gateway, count) as clients:
        for each in clients:
            each.sendall(request[:-1])
        for each in clients:
            each.sendall(request[-1:])
        for _, status, content in answers(clients):
            outcomes.append((status, content.get("error")))
            issued += [content["access_token"]] if status == 200 else []
            if len(outcomes) == count:
                break
    return sorted(outcomes, key=str), issued


ONE_OF_TWENTY = [(200, None)] + [(400, "invalid_grant")] * 19
