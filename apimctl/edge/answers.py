"""What the gateway says itself: faults and JSON, without a word about its own make."""

import json
from collections.abc import Iterable, Mapping
from http import HTTPStatus
from typing import Self

from aiohttp import hdrs
from aiohttp.helpers import rfc822_formatted_time
from aiohttp.http import HttpVersion11
from multidict import CIMultiDict

from apimctl.domain import faults
from apimctl.domain.faults import Fault
from apimctl.edge.request import Request


class Answer:
    """A response of the gateway's own, whole before the first byte of it is sent.

    `headers` are without those of the framing. `keep_alive` is whether, for all it matters to this
    answer, the connection may go on. `fault_code` is that of a fault.
    """

    def __init__(
        self, *, status: int, body: bytes = b"", headers: CIMultiDict[str] | None = None
    ) -> None:
        self.status = status
        self.body = body
        self.headers: CIMultiDict[str] = CIMultiDict() if headers is None else headers
        self.keep_alive = True
        self.fault_code: int | None = None

    def add(self, headers: Iterable[tuple[str, str]]) -> Self:
        """Add headers, beside those of the same names."""
        self.headers.extend(headers)
        return self

    def force_close(self) -> None:
        """Let the connection end with this answer."""
        self.keep_alive = False

    def encode(self, request: Request | None, *, keeps_alive: bool) -> bytes:
        """Return the bytes of it; None stands for a request that could not be read.

        Raises ValueError for a header that would break the lines.
        """
        lines = [f"HTTP/1.1 {self.status} {HTTPStatus(self.status).phrase}"]
        for name, value in self.headers.items():
            if "\r" in value or "\n" in value:
                raise ValueError(f"the header {name} has more than one line")
            lines.append(f"{name}: {value}")
        if self.status != HTTPStatus.NO_CONTENT:
            lines.append(f"Content-Length: {len(self.body)}")
        lines.append(f"Date: {rfc822_formatted_time()}")
        if not keeps_alive:
            lines.append("Connection: close")
        elif request is not None and request.version < HttpVersion11:
            lines.append("Connection: keep-alive")
        head = "\r\n".join([*lines, "", ""]).encode("utf-8", "surrogateescape")
        is_head = request is not None and request.method == hdrs.METH_HEAD
        return head if is_head else head + self.body


def fault(
    which: Fault,
    description: str,
    *,
    accept: str = "",
    headers: Mapping[str, str] | None = None,
) -> Answer:
    """Return a fault in the form the client prefers (SPEC section 5)."""
    content_type, body = faults.render(which, description, accept=accept)
    own = CIMultiDict({hdrs.CONTENT_TYPE: content_type, hdrs.CACHE_CONTROL: "no-store"})
    challenge = faults.challenge(which)
    if challenge is not None:
        own[hdrs.WWW_AUTHENTICATE] = challenge
    own.update(headers or {})
    answer = Answer(status=which.status, body=body, headers=own)
    answer.fault_code = which.code
    return answer


def defect() -> Answer:
    """Return the fault of whatever should not have happened; the connection ends with it."""
    which = Fault(500, "Internal Server Error", 500)
    answer = fault(which, "The gateway failed; its log says more.")
    answer.force_close()
    return answer


def fault_for(
    request: Request,
    which: Fault,
    description: str,
    headers: Mapping[str, str] | None = None,
) -> Answer:
    """Return a fault in the form that this request prefers."""
    accept = request.headers.get(hdrs.ACCEPT, "")
    return fault(which, description, accept=accept, headers=headers)


def json_answer(status: int, content: object, headers: Iterable[tuple[str, str]] = ()) -> Answer:
    """Return a JSON body; the headers win over the defaults."""
    own = CIMultiDict({hdrs.CONTENT_TYPE: "application/json"})
    own.update(headers)
    return Answer(status=status, body=json.dumps(content).encode(), headers=own)
