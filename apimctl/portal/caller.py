"""Sends what the console was asked to send, to the gateway and nowhere else, and waits a while.

Redirects are not followed, bodies are not unpacked, cookies are not kept, and no proxy is asked.
"""

import asyncio
import time
from dataclasses import dataclass, field

import aiohttp
from aiohttp import hdrs
from multidict import CIMultiDict
from yarl import URL

from apimctl.portal.calls import Call
from apimctl.portal.gateway import Target

PATIENCE_SECONDS = 30.0
MOST_BYTES = 64 * 1024
"""Of an answer's body; what comes behind it is not waited for."""

_ADDED_BY_AIOHTTP = (hdrs.ACCEPT, hdrs.ACCEPT_ENCODING, hdrs.CONTENT_TYPE, hdrs.USER_AGENT)
_CURLS_OWN = {hdrs.ACCEPT: "*/*", hdrs.USER_AGENT: "apimctl-portal"}


@dataclass(frozen=True, slots=True)
class Response:
    """What came back; `cut` says why the body is not whole, and nothing of one that is."""

    status: int
    reason: str
    headers: tuple[tuple[str, str], ...]
    body: bytes = field(repr=False)
    cut: str
    milliseconds: int


@dataclass(frozen=True, slots=True)
class NoResponse:
    """That nothing came back, and why."""

    why: str


async def send(
    target: Target, call: Call, *, client: str = "", patience_seconds: float = PATIENCE_SECONDS
) -> Response | NoResponse:
    """Send a request to the gateway; its path has to be one of `apimctl.portal.calls`.

    It says for whom: a gateway that trusts the portal's machine as a proxy counts the `client`'s
    address, and not the machine's own.
    """
    begun = time.perf_counter()
    deadline = asyncio.get_running_loop().time() + patience_seconds
    async with aiohttp.ClientSession(
        connector=aiohttp.TCPConnector(ssl=target.tls(), force_close=True),
        cookie_jar=aiohttp.DummyCookieJar(),
        auto_decompress=False,
        timeout=aiohttp.ClientTimeout(total=None),
        skip_auto_headers=_ADDED_BY_AIOHTTP,
    ) as session:
        try:
            async with asyncio.timeout_at(deadline):
                response = await session.request(
                    call.method,
                    URL(target.url + call.target, encoded=True),
                    headers=_headers(call, client),
                    data=call.body or None,
                    allow_redirects=False,
                )
        except TimeoutError:
            return NoResponse(f"The gateway did not answer within {patience_seconds:.0f} seconds")
        except (aiohttp.ClientConnectorCertificateError, aiohttp.ClientSSLError):
            return NoResponse("The gateway's certificate is not trusted here")
        except aiohttp.ClientConnectorError:
            return NoResponse("The gateway cannot be reached")
        except (aiohttp.ClientError, OSError):
            return NoResponse("The gateway's answer broke off")
        body, cut = await _read(response, deadline=deadline)
        response.close()
    return Response(
        status=response.status,
        reason=_text((response.reason or "").encode("utf-8", "surrogateescape")),
        headers=tuple((_text(name), _text(value)) for name, value in response.raw_headers),
        body=body,
        cut=cut,
        milliseconds=round((time.perf_counter() - begun) * 1000),
    )


async def _read(response: aiohttp.ClientResponse, *, deadline: float) -> tuple[bytes, str]:
    """Return what there is of the body, and why there is no more; empty if that is all."""
    body = bytearray()
    try:
        async with asyncio.timeout_at(deadline):
            async for chunk in response.content.iter_any():
                body += chunk
                if len(body) > MOST_BYTES:
                    return bytes(body[:MOST_BYTES]), f"Only its first {MOST_BYTES:,} bytes are here"
    except TimeoutError:
        return bytes(body), "It had not ended when the time was over"
    except (aiohttp.ClientError, OSError):
        return bytes(body), "It broke off"
    return bytes(body), ""


def _headers(call: Call, client: str) -> CIMultiDict[str]:
    headers = CIMultiDict(call.headers)
    for name, value in _CURLS_OWN.items():
        headers.setdefault(name, value)
    if client:
        headers[hdrs.X_FORWARDED_FOR] = client
    if call.token:
        headers[hdrs.AUTHORIZATION] = f"Bearer {call.token}"
    return headers


def _text(text: bytes) -> str:
    return text.decode("utf-8", "replace")
