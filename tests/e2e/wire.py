"""Both sides of the gateway, byte by byte: a test speaks as the client and as the backend."""

import contextlib
import select
import socket
from collections.abc import Iterator
from dataclasses import dataclass, field

from tests.binary import TIMEOUT_SECONDS
from tests.e2e.market import Market, Stall


class Peer:
    """One side of a connection, with what came in and was not asked for yet."""

    def __init__(self, connection: socket.socket) -> None:
        self.socket = connection
        self.socket.settimeout(TIMEOUT_SECONDS)
        self._unread = b""

    def send(self, data: bytes) -> None:
        self.socket.sendall(data)

    def _receive(self) -> bytes:
        try:
            return self.socket.recv(65536)
        except ConnectionResetError:
            return b""

    def read_until(self, end: bytes) -> bytes:
        """Return what comes, up to and with `end`."""
        while end not in self._unread:
            data = self._receive()
            assert data, self._unread
            self._unread += data
        found, _, self._unread = self._unread.partition(end)
        return found + end

    def read(self, count: int) -> bytes:
        """Return exactly so many bytes."""
        while len(self._unread) < count:
            data = self._receive()
            assert data, self._unread
            self._unread += data
        found, self._unread = self._unread[:count], self._unread[count:]
        return found

    def read_to_end(self) -> bytes:
        """Return everything until the other side closes."""
        while data := self._receive():
            self._unread += data
        found, self._unread = self._unread, b""
        return found

    def read_head(self) -> tuple[bytes, list[tuple[bytes, bytes]]]:
        """Return the first line and the headers, names in lower case, in order."""
        first, *lines = self.read_until(b"\r\n\r\n").split(b"\r\n")[:-2]
        pairs = [line.partition(b": ") for line in lines]
        return first, [(name.lower(), value) for name, _, value in pairs]

    def read_chunked(self) -> bytes:
        """Return a chunked body, put together."""
        body = b""
        while size := int(self.read_until(b"\r\n").strip(), 16):
            body += self.read(size)
            assert self.read(2) == b"\r\n"
        assert self.read(2) == b"\r\n"
        return body

    def send_what_is_taken(self, data: bytes) -> None:
        """Send until the other side answers, closes, or has it all."""
        view = memoryview(data)
        while view:
            readable, writable, _ = select.select([self.socket], [self.socket], [])
            if readable:
                return
            if writable:
                view = view[self.socket.send(view[:65536]) :]

    def hears_nothing(self, seconds: float) -> bool:
        """Return whether nothing comes for so long, not even an end."""
        return not select.select([self.socket], [], [], seconds)[0]

    def half_close(self) -> None:
        """Say that nothing more will be sent, and go on listening."""
        self.socket.shutdown(socket.SHUT_WR)

    def is_reset(self) -> bool:
        """Return whether the connection was broken off, rather than closed in order."""
        try:
            return self.socket.recv(1) != b"" and self.is_reset()
        except ConnectionResetError:
            return True

    def reset(self) -> None:
        """Break the connection off."""
        self.socket.close()

    close = reset


@dataclass
class Wire:
    """Connections to the gateway, and those that the gateway opens to the backend."""

    market: Market
    stall: Stall
    listener: socket.socket
    peers: list[Peer] = field(default_factory=list)

    def connect(self) -> Peer:
        """Connect to the gateway, as a client."""
        port = self.market.gateway.port
        return self._kept(socket.create_connection(("127.0.0.1", port)))

    def accept(self) -> Peer:
        """Accept the gateway's next connection, as the backend."""
        return self._kept(self.listener.accept()[0])

    def _kept(self, connection: socket.socket) -> Peer:
        self.peers.append(Peer(connection))
        return self.peers[-1]

    def head(self, *lines: bytes, method=b"GET", rest=b"/x", target=None, token=None) -> bytes:
        """Return the head of a request to the stall's API."""
        target = target or b"/%s/1.0.0%s" % (self.stall.name.encode(), rest)
        first = [b"%s %s HTTP/1.1" % (method, target), b"Host: gateway.test"]
        authorization = b"Authorization: Bearer " + (token or self.stall.token).encode()
        return b"\r\n".join([*first, authorization, *lines, b"", b""])

    def request(self, *lines: bytes, body=b"", **how) -> tuple[Peer, Peer]:
        """Send a request; return the client and the backend that is to answer it."""
        client = self.connect()
        client.send(self.head(*lines, **how) + body)
        return client, self.accept()


@contextlib.contextmanager
def wired(market: Market) -> Iterator[Wire]:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        listener.settimeout(TIMEOUT_SECONDS)
        stall = market.stall(production_url=f"http://127.0.0.1:{listener.getsockname()[1]}")
        wire = Wire(market, stall, listener)
        try:
            yield wire
        finally:
            for peer in wire.peers:
                peer.close()
