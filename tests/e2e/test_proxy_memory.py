"""Long bodies need no memory: who does not read makes the other side wait."""

import select
import socket
import threading
from contextlib import contextmanager
from pathlib import Path

import pytest

from tests.binary import TIMEOUT_SECONDS

GIB = 1 << 30
BLOCK = bytes(1 << 20)
SLACK_BYTES = 16 << 20
IN_FLIGHT_BYTES = 32 << 20
"""What the kernel and the gateway may hold between two sides, of which one does not read."""

PAGE_BYTES = 4096


def processes(process_id) -> list[int]:
    """Return a process and all that came of it."""
    children = Path(f"/proc/{process_id}/task/{process_id}/children").read_text().split()
    return [process_id, *(found for child in children for found in processes(int(child)))]


def resident_bytes(gateway) -> int:
    """Return the memory of the gateway, with its workers."""
    pages = (
        int(Path(f"/proc/{each}/statm").read_text().split()[1])
        for each in processes(gateway.process.pid)
    )
    return sum(pages) * PAGE_BYTES


class Meter:
    """The highest that the gateway's memory was seen at, beyond what it was at first."""

    def __init__(self, gateway):
        self._gateway = gateway
        self._first = self._highest = resident_bytes(gateway)

    def look(self):
        self._highest = max(self._highest, resident_bytes(self._gateway))

    @property
    def growth(self) -> int:
        self.look()
        return self._highest - self._first


def send_all(sender, length):
    """Send so many bytes."""
    view = memoryview(BLOCK)
    while length:
        length -= sender.send(view[:length])


def receive_all(receiver, length, meter) -> int:
    """Receive up to so many bytes and return how many came; look at the memory meanwhile."""
    buffer = bytearray(len(BLOCK))
    received, next_look = 0, 0
    while received < length:
        count = receiver.recv_into(buffer, min(len(buffer), length - received))
        if not count:
            break
        received += count
        if received >= next_look:
            next_look += 32 << 20
            meter.look()
    return received


def send_until_it_stops(sender, length) -> int:
    """Send until the other side takes no more, and return how many bytes it took."""
    sender.setblocking(False)
    view, sent = memoryview(BLOCK), 0
    while sent < length and select.select([], [sender], [], 1)[1]:
        sent += sender.send(view[: length - sent])
    sender.settimeout(TIMEOUT_SECONDS)
    return sent


@contextmanager
def beside(function, *arguments):
    """Run a function in a thread until it is done."""
    thread = threading.Thread(target=function, args=arguments, daemon=True)
    thread.start()
    yield
    thread.join(TIMEOUT_SECONDS)
    assert not thread.is_alive()


@pytest.fixture
def unlimited(wire):
    """Give a gateway that lets long bodies through and has seen one of some length each way.

    The first ones find out what buffers there are; they count for nothing.
    """
    file, key = str(wire.market.cli.config), "gateway.request_body_limit"
    wire.market.changer("configure", file=file, key=key, value="0")
    meter = Meter(wire.market.gateway)
    client, backend = uploading(wire, 16 * len(BLOCK))
    with beside(send_all, client, 16 * len(BLOCK)):
        receive_all(backend, 16 * len(BLOCK), meter)
    answer(backend, b"Content-Length: %d" % (16 * len(BLOCK)))
    with beside(send_all, backend, 16 * len(BLOCK)):
        receive_all(client, 16 * len(BLOCK), meter)
    backend.close()
    yield wire
    wire.market.changer("configure", file=file, key=key, value=None)


def uploading(wire, length) -> tuple[socket.socket, socket.socket]:
    """Return both sides of a request whose body of this length is to be sent."""
    client, backend = wire.request(b"Content-Length: %d" % length, method=b"POST")
    backend.read_head()
    return client.socket, backend.socket


def downloading(wire, *lines, asking=()) -> tuple[socket.socket, socket.socket]:
    """Return both sides of a request that is answered with these lines, the body to be sent."""
    client, backend = wire.request(*asking)
    backend.read_head()
    answer(backend.socket, *lines)
    client.read_head()
    return client.socket, backend.socket


def answer(backend, *lines):
    backend.sendall(b"\r\n".join([b"HTTP/1.1 200 OK", *lines, b"", b""]))


LENGTH = b"Content-Length: %d" % GIB


def test_a_long_download_needs_no_memory(unlimited):
    client, backend = downloading(unlimited, LENGTH)
    meter = Meter(unlimited.market.gateway)
    with beside(send_all, backend, GIB):
        assert receive_all(client, GIB, meter) == GIB
    assert meter.growth < SLACK_BYTES


def test_a_long_download_in_chunks_needs_no_memory(unlimited):
    close = [b"Connection: close"]
    client, backend = downloading(unlimited, b"Transfer-Encoding: chunked", asking=close)

    def send():
        chunk = b"%x\r\n%b\r\n" % (len(BLOCK), BLOCK)
        for _ in range(GIB // len(BLOCK)):
            backend.sendall(chunk)
        backend.sendall(b"0\r\n\r\n")

    meter = Meter(unlimited.market.gateway)
    with beside(send):
        assert receive_all(client, 2 * GIB, meter) > GIB  # by what frames the chunks
    assert meter.growth < SLACK_BYTES


def test_a_long_upload_needs_no_memory(unlimited):
    client, backend = uploading(unlimited, GIB)
    meter = Meter(unlimited.market.gateway)
    with beside(send_all, client, GIB):
        assert receive_all(backend, GIB, meter) == GIB
    assert meter.growth < SLACK_BYTES
    answer(backend, b"Content-Length: 0")
    assert client.recv(12) == b"HTTP/1.1 200"


def test_a_client_that_does_not_read_makes_the_backend_wait(unlimited):
    client, backend = downloading(unlimited, LENGTH)
    meter = Meter(unlimited.market.gateway)
    sent = send_until_it_stops(backend, GIB)
    assert sent < IN_FLIGHT_BYTES
    assert meter.growth < SLACK_BYTES
    with beside(send_all, backend, GIB - sent):
        assert receive_all(client, GIB, meter) == GIB
    assert meter.growth < SLACK_BYTES


def test_a_backend_that_does_not_read_makes_the_client_wait(unlimited):
    client, backend = uploading(unlimited, GIB)
    meter = Meter(unlimited.market.gateway)
    sent = send_until_it_stops(client, GIB)
    assert sent < IN_FLIGHT_BYTES
    assert meter.growth < SLACK_BYTES
    with beside(send_all, client, GIB - sent):
        assert receive_all(backend, GIB, meter) == GIB
    assert meter.growth < SLACK_BYTES
