"""What the gateway says of itself on its admin port: health, readiness and metrics.

The port is for this machine: a page in a browser here that had its name pointed at 127.0.0.1 (DNS
rebinding) is told nothing, since its requests name another host.
"""

import ipaddress
import re
from collections.abc import Awaitable, Callable

from aiohttp import hdrs
from multidict import CIMultiDict

from apimctl.domain.faults import quality
from apimctl.edge.answers import Answer, json_answer
from apimctl.edge.metrics import Metrics
from apimctl.edge.request import Request

HEALTH_PATH = "/-/healthz"
READINESS_PATH = "/-/readyz"
METRICS_PATH = "/-/metrics"

TEXT_TYPE = "text/plain; version=0.0.4; charset=utf-8"
OPENMETRICS_TYPE = "application/openmetrics-text; version=1.0.0; charset=utf-8"
_NO_STORE = {hdrs.CACHE_CONTROL: "no-store"}
_METHODS = ("GET", "HEAD")
_HOST = re.compile(r"(?:\[([0-9A-Fa-f:.]+)\]|([0-9A-Za-z.-]+))(?::[0-9]*)?", re.ASCII)


class Admin:
    """Answers the requests on the admin port, for one worker."""

    def __init__(self, metrics: Metrics, *, find_trouble: Callable[[], str | None]) -> None:
        """`find_trouble` says why this worker should get no requests now, None if it may."""
        self._metrics = metrics
        self._find_trouble = find_trouble
        self._answers: dict[str, Callable[[Request], Awaitable[Answer]]] = {
            HEALTH_PATH: self._say_health,
            READINESS_PATH: self._say_readiness,
            METRICS_PATH: self._show_metrics,
        }

    async def handle(self, request: Request) -> Answer:
        """Answer one request."""
        if not all(map(is_loopback, request.headers.getall(hdrs.HOST, ()))):
            return _error(421, "The admin port answers for localhost only.")
        answer = self._answers.get(request.raw_path.partition("?")[0])
        if answer is None:
            paths = ", ".join(self._answers)
            return _error(404, f"The admin port has {paths}.")
        if request.method not in _METHODS:
            return _error(405, "Use GET.", {hdrs.ALLOW: ", ".join(_METHODS)})
        return await answer(request)

    async def _say_health(self, _: Request) -> Answer:
        return json_answer(200, {"status": "ok"}, _NO_STORE.items())

    async def _say_readiness(self, _: Request) -> Answer:
        trouble = self._find_trouble()
        if trouble is None:
            return json_answer(200, {"status": "ready"}, _NO_STORE.items())
        content = {"status": "not ready", "reason": trouble}
        return json_answer(503, content, _NO_STORE.items())

    async def _show_metrics(self, request: Request) -> Answer:
        accept = ",".join(request.headers.getall(hdrs.ACCEPT, ()))
        openmetrics = quality(accept, "application/openmetrics-text")
        is_preferred = openmetrics > quality(accept, "text/plain")
        try:
            body = await self._metrics.render(as_openmetrics=is_preferred)
        except OSError as error:
            return _error(503, f"The metrics cannot be gathered: {error.strerror}.")
        content_type = OPENMETRICS_TYPE if is_preferred else TEXT_TYPE
        headers = CIMultiDict({hdrs.CONTENT_TYPE: content_type} | _NO_STORE)
        return Answer(status=200, body=body, headers=headers)


def is_loopback(host: str) -> bool:
    """Return whether a Host header names this machine, as localhost or by a loopback address."""
    found = _HOST.fullmatch(host)
    if found is None:
        return False
    address, name = found.groups()
    if name is not None and name.lower() == "localhost":
        return True
    try:
        return ipaddress.ip_address(address or name).is_loopback
    except ValueError:
        return False


def _error(status: int, description: str, headers: dict[str, str] | None = None) -> Answer:
    return json_answer(status, {"error": description}, (_NO_STORE | (headers or {})).items())
