"""What the gateway says itself: faults and JSON, without a word about its own make."""

import json
from collections.abc import Iterable, Mapping

from aiohttp import hdrs, web
from multidict import CIMultiDict

from apimctl.domain import faults
from apimctl.domain.faults import Fault


class _Unsigned(web.StreamResponse):
    """A response that does not name the software that sends it."""

    async def _prepare_headers(self) -> None:
        is_signed = hdrs.SERVER in self.headers
        has_type = hdrs.CONTENT_TYPE in self.headers
        await super()._prepare_headers()
        if not is_signed:
            self.headers.popall(hdrs.SERVER, None)
        if not has_type:
            self.headers.popall(hdrs.CONTENT_TYPE, None)


class Relay(_Unsigned):
    """A backend's response: its headers, and none of ours but Date."""


class Answer(_Unsigned, web.Response):
    """A response of the gateway's own; `fault_code` is that of a fault."""

    fault_code: int | None = None


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


def fault_for(
    request: web.BaseRequest,
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
