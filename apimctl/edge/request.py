"""One request of a client, as it came: nothing decoded, nothing merged, nothing thrown away."""

import asyncio
import time
from typing import Protocol

from aiohttp import hdrs
from aiohttp.http import HttpVersion11, RawRequestMessage
from aiohttp.streams import EMPTY_PAYLOAD, StreamReader

from apimctl.edge.observation import Observation, Words
from apimctl.edge.request_id import NAMELESS

CONTINUE = b"HTTP/1.1 100 Continue\r\n\r\n"


class BadBodyError(Exception):
    """The client's body breaks the rules of its own framing, or ends before its end."""


class Tunnelled(Protocol):
    """What takes the bytes of a connection that speaks HTTP no more."""

    def feed_data(self, data: bytes) -> object:
        """Take what came."""

    def feed_eof(self) -> None:
        """Note that nothing more will come."""


class Client(Protocol):
    """What a request knows of the connection it came on."""

    remote: str
    scheme: str

    @property
    def transport(self) -> asyncio.Transport | None:
        """What carries the bytes; None once the client is gone."""

    @property
    def may_go_on(self) -> bool:
        """Whether another request may follow the one that is answered now."""

    @property
    def writing_paused(self) -> bool:
        """Whether the client takes less than it is sent."""

    def write(self, data: bytes) -> None:
        """Send bytes of an answer. Raises ConnectionError for a client that is gone."""

    async def drain(self) -> None:
        """Wait until the client has taken most of what was sent. Raises ConnectionError."""

    def tunnel_to(self, tunnel: Tunnelled) -> None:
        """Hand over everything that comes from now on."""


class Request:
    """A request: `message` is its head, `content` its body, which may be still on its way.

    `id` and `observation` are what the gateway calls it, and remembers of it.
    """

    __slots__ = (
        "client",
        "content",
        "headers",
        "id",
        "message",
        "method",
        "observation",
        "raw_path",
        "version",
    )

    def __init__(self, client: Client, message: RawRequestMessage, content: StreamReader) -> None:
        self.client = client
        self.message = message
        self.content = content
        self.method = message.method
        self.raw_path = message.path
        self.headers = message.headers
        self.version = message.version
        self.id = NAMELESS
        self.observation = Observation()

    @property
    def remote(self) -> str:
        """The address of the peer; empty where it has none, as on a Unix socket."""
        return self.client.remote

    @property
    def scheme(self) -> str:
        """How the client speaks to the gateway: http or https."""
        return self.client.scheme

    @property
    def host(self) -> str:
        """What the client calls the gateway, with the port; empty if it does not say."""
        return self.headers.get(hdrs.HOST, "")

    @property
    def body_exists(self) -> bool:
        """Whether there is a body, if only of no bytes in chunks."""
        return self.content is not EMPTY_PAYLOAD

    @property
    def content_length(self) -> int:
        """The length of the body in bytes, 0 where it is not declared."""
        return int(self.headers.get(hdrs.CONTENT_LENGTH, 0))

    @property
    def content_type(self) -> str:
        """The media type of the body in lower case, without parameters."""
        return self.headers.get(hdrs.CONTENT_TYPE, "").partition(";")[0].strip().lower()

    @property
    def wants_websocket(self) -> bool:
        """Whether it is the opening handshake of RFC 6455 section 4.1, but for its method."""
        if not self.message.upgrade:
            return False
        upgrade = self.headers.get(hdrs.UPGRADE, "")
        return upgrade.isascii() and upgrade.lower() == "websocket"  # as the parser has it

    @property
    def keep_alive(self) -> bool:
        """Whether client and gateway both want the connection to go on after the answer."""
        message = self.message
        if message.should_close or (message.upgrade and not self.wants_websocket):
            # Behind an offer of any other protocol, the parser (aiohttp 3.14) drops what has come.
            return False
        return self.client.may_go_on

    def ask_for_body(self) -> None:
        """Tell a client that waits for it to send its body (RFC 9110 section 10.1.1)."""
        expected = self.headers.get(hdrs.EXPECT)
        if expected is None or expected.lower() != "100-continue":
            return
        if self.version >= HttpVersion11 and self.client.transport is not None:
            self.client.transport.write(CONTINUE)  # no part of the answer


def words_of(request: Request, *, client: str) -> Words:
    """Return what a request that was answered just now said of itself; `client` is its address."""
    headers, version = request.headers, request.version
    return Words(
        received_at=time.time() - request.observation.seconds,
        client=client,
        method=request.method,
        target=request.raw_path,
        protocol=f"HTTP/{version.major}.{version.minor}",
        request_id=request.id.text,
        traceparent=headers.get("traceparent", ""),
        user_agent=headers.get(hdrs.USER_AGENT, ""),
        referer=headers.get(hdrs.REFERER, ""),
    )
