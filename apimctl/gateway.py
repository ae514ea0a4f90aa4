"""The gateway's face: one handler, from the socket to the backend, and the process around it.

A request's way: `Gateway.handle` -> the gateway's own endpoints, or `read_model` (facts) ->
`domain.admission` (decision) -> `counters` (limits) -> `proxy` (backend).
"""

import asyncio
import contextlib
import logging
import secrets
import signal
import time
from collections.abc import AsyncIterator, Callable
from dataclasses import replace
from pathlib import Path

import aiohttp.http_parser
from aiohttp import hdrs, web

from apimctl.config import GatewaySettings, Settings
from apimctl.domain import faults
from apimctl.domain.admission import Admitted, Refused, decide
from apimctl.domain.bearer import may_hold_credential
from apimctl.domain.quota import Verdict
from apimctl.edge import answers, cors, rate_limit, request_id
from apimctl.edge.admin import Admin
from apimctl.edge.connection import Handler, Server, ask_for_body
from apimctl.edge.counters import Counters, counters_path
from apimctl.edge.forwarded import client_address
from apimctl.edge.listening import Addresses, Listeners, listen, url_of
from apimctl.edge.login_api import LoginApi
from apimctl.edge.metric_files import metrics_folder
from apimctl.edge.observation import CLIENT_LEFT, Observation
from apimctl.edge.observer import Observer
from apimctl.edge.proxy import Proxy
from apimctl.edge.read_model import ReadModel
from apimctl.edge.registration import Registration
from apimctl.edge.request_target import origin_form, unclear
from apimctl.edge.writer import Writer
from apimctl.errors import ApimctlError, StoreError
from apimctl.services.gateways import METADATA_PATH
from apimctl.services.identifiers import new_id

FILE_CHECK_SECONDS = 1.0

log = logging.getLogger("apimctl.gateway")


class Gateway:
    """Answers requests: its own endpoints by itself, all others by admission and proxy."""

    def __init__(
        self, settings: Settings, *, reload: Callable[[], Settings], metrics_folder: Path
    ) -> None:
        """Read the store. `reload` returns the settings anew. Raises StoreError."""
        self.server: Server | None = None
        self.is_draining = False
        self.observer = Observer(
            settings,
            folder=metrics_folder,
            worker=0,
            count_connections=lambda: len(self.server.connections) if self.server else 0,
        )
        self._request_ids = request_id.RequestIds()
        self._settings = settings
        self._reload = reload
        self._read_model = ReadModel(settings.store_path, on_settings_changed=self.reload_settings)
        self._counters = Counters(counters_path(settings.store_path))
        self.writer = Writer(settings.store_path)
        self.id = new_id(secrets.token_bytes)
        self._login_api = LoginApi(self.writer, settings, gateway_id=self.id)
        self._proxy = Proxy(settings.gateway)
        self._own: dict[str, Handler] = {
            "/token": self._login_api.token,
            "/revoke": self._login_api.revoke,
            METADATA_PATH: self._login_api.metadata,
        }

    @property
    def settings(self) -> GatewaySettings:
        """The settings it obeys now."""
        return self._settings.gateway

    async def close(self) -> None:
        """Finish what was submitted and close all connections."""
        await self._proxy.close()
        self._login_api.close()
        await self.writer.close()
        self._counters.close()
        self._read_model.close()
        await self.observer.close()

    async def handle(self, request: web.BaseRequest) -> web.StreamResponse:
        """Answer one request, whatever it is, and let it be observed."""
        started_at = time.perf_counter()
        headers = request.headers
        chosen = self._request_ids.choose(headers.getall(request_id.HEADER, ()))
        observation = request["observation"] = Observation(
            method=request.method,
            target=request.raw_path,
            protocol=f"HTTP/{request.version.major}.{request.version.minor}",
            client=client_address(request, self._settings.gateway.trusted_proxies),
            request_id=chosen.text,
            received_at=time.time(),
            traceparent=headers.get("traceparent", ""),
            user_agent=headers.get(hdrs.USER_AGENT, ""),
            referer=headers.get(hdrs.REFERER, ""),
            status=500,
        )
        try:
            response = await self._answer(request)
            observation.status = response.status
            if isinstance(response, answers.Answer):
                response.headers[request_id.HEADER] = chosen.text
                observation.fault = response.fault_code
                observation.body_bytes = len(response.body or b"")  # type: ignore[arg-type]
        except (asyncio.CancelledError, ConnectionError):
            observation.status = CLIENT_LEFT
            raise
        else:
            return response
        finally:
            observation.seconds = time.perf_counter() - started_at
            self.observer.observe(observation)

    async def _answer(self, request: web.BaseRequest) -> web.StreamResponse:
        try:
            return await self._route(request)
        except StoreError as error:
            log.warning("%s", error.message)
            self.observer.metrics.count_store_error()
            return answers.fault_for(
                request,
                faults.STORE_UNAVAILABLE,
                "The access token cannot be checked right now.",
                {hdrs.RETRY_AFTER: "1"},
            )

    async def _route(self, request: web.BaseRequest) -> web.StreamResponse:
        path, mark, query = origin_form(request.raw_path).partition("?")
        own = self._own.get(path)
        if own is not None:
            await ask_for_body(request)
            with contextlib.suppress(StoreError):  # the Login API answers that in its own form
                self._read_model.refresh()
            return await own(request)
        if refused := unclear(request, path, query):
            response = answers.fault_for(request, faults.BAD_REQUEST, refused)
            response.force_close()
            return response
        self._read_model.refresh()
        preflight = self._preflight(request, path)
        if preflight is not None:
            return preflight
        return await self._admit(request, path, mark + query)

    def _preflight(self, request: web.BaseRequest, path: str) -> web.StreamResponse | None:
        """Return the answer to a preflight, None for any other request."""
        asked_method = cors.preflight_method(request)
        if asked_method is None:
            return None
        match = self._read_model.route(path, asked_method)
        if match is None or not match.methods or not cors.speaks_for(match):
            return None
        header = self._settings.gateway.client_domain_header
        return cors.answer_preflight(request, match, asked_method, client_domain_header=header)

    async def _admit(self, request: web.BaseRequest, path: str, query: str) -> web.StreamResponse:
        settings = self._settings
        authorization = request.headers.getall(hdrs.AUTHORIZATION, ())
        facts = self._read_model.facts(
            path,
            request.method,
            authorization=authorization,
            client_domains=request.headers.getall(settings.gateway.client_domain_header, ()),
            now=time.time() - settings.tokens.timestamp_skew_seconds,
        )
        shared = cors.answer_headers(request, facts.match)
        decision = decide(facts)
        observation = request["observation"]
        if facts.match is not None:
            observation.api = facts.match.api.reference
        if facts.key is not None:
            observation.application_id = facts.key.application_id
            observation.key_type = facts.key.key_type
        if isinstance(decision, Refused):
            return cors.shared(_refusal(request, decision), shared)
        verdict = self._count(request, decision)
        limited = rate_limit.answer_headers(verdict)
        if verdict is not None and not verdict.is_admitted:
            return cors.shared(rate_limit.refuse(request, verdict), [*shared, *limited])
        sent_at = time.perf_counter()
        response = await self._proxy.forward(
            request,
            decision,
            query,
            keeps_token=not settings.gateway.remove_oauth_headers
            or (decision.token is None and not may_hold_credential(authorization)),
            own_headers=[*cors.relayed(shared), *rate_limit.relayed(limited)],
        )
        if not isinstance(response, answers.Answer):
            observation.backend_seconds = time.perf_counter() - sent_at
        return cors.shared(response, [*shared, *limited])

    def _count(self, request: web.BaseRequest, admitted: Admitted) -> Verdict | None:
        """Count a request at its limits; None where nothing limits it."""
        address = ""
        if admitted.key is None:
            address = client_address(request, self._settings.gateway.trusted_proxies)
        limits = self._read_model.limits(admitted, client_address=address)
        return self._counters.take(limits) if limits else None

    def reload_settings(self) -> None:
        """Obey the settings as they are now; keep the old ones where those cannot be."""
        try:
            settings = self._reload()
        except ApimctlError as error:
            log.warning("the settings stay as they are: %s", error.message)
            return
        self._settings = self._login_api.settings = settings
        self._proxy.obey(settings.gateway)

    def find_trouble(self) -> str | None:
        """Return why this worker should get no requests now, None if it may."""
        if self.is_draining:
            return "the gateway is told to stop"
        try:
            self._read_model.check_file()
            self._read_model.refresh()
        except StoreError as error:
            return error.message
        return None

    async def watch_file(self) -> None:
        """Look every second whether the store's file is still the one that is open."""
        while True:
            await asyncio.sleep(FILE_CHECK_SECONDS)
            self._proxy.close_idle()
            for check in (self._read_model.check_file, self._counters.check_file):
                try:
                    check()
                except (StoreError, OSError) as error:
                    log.warning("%s", error)
                    self.observer.metrics.count_store_error()
            await self.observer.publish()


async def serve(
    settings: Settings,
    *,
    reload: Callable[[], Settings],
    on_ready: Callable[[Addresses], None],
) -> None:
    """Serve until SIGTERM or SIGINT, then let the requests under way finish.

    `on_ready` is told where, once requests are answered there. Raises StoreError, ConflictError
    for a port in use, DeniedError for one that needs rights, InvalidInputError for a bad host or
    a certificate that cannot be used.
    """
    _require_c_parser()
    with Listeners(settings) as listeners:
        async with _running(settings, reload=reload) as gateway:
            await _serve(gateway, listeners, on_ready=on_ready)


async def _serve(
    gateway: Gateway, listeners: Listeners, *, on_ready: Callable[[Addresses], None]
) -> None:
    server = Server(gateway.handle, header_timeout_seconds=gateway.settings.header_timeout_seconds)
    gateway.server = server
    loop = asyncio.get_running_loop()
    admin = Admin(gateway.observer.metrics, find_trouble=gateway.find_trouble)
    admin_server = Server(admin.handle, header_timeout_seconds=15)
    admin_socket = listen("127.0.0.1", gateway.settings.admin_port, option="--admin-port")
    admin_listener = await loop.create_server(admin_server, sock=admin_socket)
    signals: asyncio.Queue[signal.Signals] = asyncio.Queue()
    for number in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP):
        loop.add_signal_handler(number, signals.put_nowait, number)
    await listeners.serve(server)
    registration = Registration(gateway.writer, gateway.id, started_at=int(time.time()))
    async with registration.listed(listeners.addresses):
        on_ready(replace(listeners.addresses, admin_url=url_of(admin_socket)))
        while await signals.get() == signal.SIGHUP:
            gateway.reload_settings()
            gateway.observer.reopen()
            if listeners.renew_certificate(gateway.settings):
                await registration.renew(listeners.addresses)
        gateway.is_draining = True
        listeners.close()
        server.pre_shutdown()
        await server.shutdown(gateway.settings.drain_seconds)
        admin_listener.close()
        await admin_server.shutdown(0)


@contextlib.asynccontextmanager
async def _running(settings: Settings, *, reload: Callable[[], Settings]) -> AsyncIterator[Gateway]:
    with metrics_folder() as folder:
        gateway = Gateway(settings, reload=reload, metrics_folder=folder)
        watch = asyncio.create_task(gateway.watch_file())
        try:
            yield gateway
        finally:
            watch.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await watch
            await gateway.close()


def _require_c_parser() -> None:
    """Refuse the pure Python HTTP parser: it has had request smuggling faults."""
    if aiohttp.http_parser.HttpRequestParser is aiohttp.http_parser.HttpRequestParserPy:
        raise ApimctlError(
            "aiohttp runs without its C parser, which the gateway needs",
            hint="Unset AIOHTTP_NO_EXTENSIONS, or install aiohttp from a wheel.",
        )


def _refusal(request: web.BaseRequest, refused: Refused) -> web.StreamResponse:
    allow = {"Allow": ", ".join(refused.allow)} if refused.allow else None
    return answers.fault_for(request, refused.fault, refused.description, allow)


def run(
    settings: Settings,
    *,
    reload: Callable[[], Settings],
    on_ready: Callable[[Addresses], None],
    is_verbose: bool,
) -> None:
    """Serve in this process, as `serve` says, on the fastest event loop there is."""
    logging.basicConfig(
        level=logging.INFO if is_verbose else logging.WARNING,
        format="%(asctime)s %(levelname)s %(message)s",
    )
    # aiohttp quotes what it cannot parse, Authlib logs the tokens it issues: both stay silent,
    # whatever the level. What a user has to know of theirs is said in our words.
    for name in ("aiohttp", "authlib"):
        logging.getLogger(name).setLevel(logging.CRITICAL + 1)
    with asyncio.Runner(loop_factory=_loop_factory()) as runner:
        runner.run(serve(settings, reload=reload, on_ready=on_ready))


def _loop_factory() -> Callable[[], asyncio.AbstractEventLoop]:
    try:
        import uvloop  # noqa: PLC0415 - not on every system
    except ImportError:
        return asyncio.new_event_loop
    loop_factory: Callable[[], asyncio.AbstractEventLoop] = uvloop.new_event_loop
    return loop_factory
