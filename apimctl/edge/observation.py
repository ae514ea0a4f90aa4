"""What is remembered of one answered request, for the metrics and the access log."""

from dataclasses import dataclass, field

from apimctl.domain.models import KeyType

CLIENT_LEFT = 499
"""The status of a request whose client left before the answer began, as nginx has it."""


@dataclass(slots=True)
class Observation:
    """One request and its answer; never its token.

    `target` is raw, with the query; texts of the client are decoded as aiohttp does it (UTF-8,
    surrogateescape), and empty where it sent none. `client` is its address behind the trusted
    proxies. `received_at` is UTC epoch seconds. `backend_seconds` is the time from the head of the
    request on its way to the backend until the head of the response. `fault` is the code of a
    fault that the gateway answered with. What is not known is None.
    """

    method: str
    target: str = field(repr=False)
    protocol: str
    client: str
    request_id: str
    received_at: float
    traceparent: str = ""
    user_agent: str = field(default="", repr=False)
    referer: str = field(default="", repr=False)
    api: str | None = None
    application_id: str | None = None
    key_type: KeyType | None = None
    status: int = 0
    fault: int | None = None
    seconds: float = 0.0
    backend_seconds: float | None = None
    body_bytes: int | None = None
