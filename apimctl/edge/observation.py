"""What is remembered of one answered request, for the metrics and the access log."""

from apimctl.domain.models import KeyType

CLIENT_LEFT = 499
"""The status of a request that was cut before its answer began, as nginx has it.

By its client, or by the end of a drain.
"""


class Observation:
    """One request and its answer; never its token.

    What the metrics count is there from the start; what only the access log tells, `words`, is
    added where there is one. `seconds` is how long the answer took, `backend_seconds` the time from
    the head of the request on its way to the backend until the head of the response, `body_bytes`
    what was sent of the body, `fault` the code of a fault that the gateway answered with. What is
    not known is None; a status that is not known is 0.
    """

    __slots__ = (
        "api",
        "application_id",
        "backend_seconds",
        "body_bytes",
        "fault",
        "key_type",
        "seconds",
        "status",
        "words",
    )

    def __init__(self) -> None:
        self.api: str | None = None
        self.application_id: str | None = None
        self.key_type: KeyType | None = None
        self.status = 0
        self.fault: int | None = None
        self.seconds = 0.0
        self.backend_seconds: float | None = None
        self.body_bytes: int | None = None
        self.words = NOTHING_READ


class Words:
    """What a request said of itself, for the access log alone.

    `target` is raw, with the query; texts of the client are decoded as aiohttp does it (UTF-8,
    surrogateescape), and empty where it sent none. `client` is its address behind the trusted
    proxies. `received_at` is UTC epoch seconds.
    """

    __slots__ = (
        "client",
        "method",
        "protocol",
        "received_at",
        "referer",
        "request_id",
        "target",
        "traceparent",
        "user_agent",
    )

    def __init__(
        self,
        *,
        received_at: float,
        client: str,
        method: str = "",
        target: str = "",
        protocol: str = "",
        request_id: str = "",
        traceparent: str = "",
        user_agent: str = "",
        referer: str = "",
    ) -> None:
        self.received_at = received_at
        self.client = client
        self.method = method
        self.target = target
        self.protocol = protocol
        self.request_id = request_id
        self.traceparent = traceparent
        self.user_agent = user_agent
        self.referer = referer


NOTHING_READ = Words(received_at=0.0, client="")
