"""The gateway's face: one handler, from the socket to the backend.

A request's way: `Gateway.handle` -> the gateway's own endpoints, or `read_model` (facts) ->
`domain.admission` (decision) -> `counters` (limits) -> `proxy` (backend). What came of it goes to
`observer`: metrics and access log.
"""

import asyncio
import contextlib
import logging
import time
from collections.abc import Callable

from aiohttp import hdrs

from apimctl.config import GatewaySettings, Settings
from apimctl.domain import faults
from apimctl.domain.admission import Admitted, Facts, Refused, decide
from apimctl.domain.bearer import may_hold_credential
from apimctl.domain.quota import Verdict
from apimctl.edge import answers, cors, rate_limit
from apimctl.edge.answers import Answer
from apimctl.edge.complaints import Complaints
from apimctl.edge.connection import Handler, Response
from apimctl.edge.counters import Counters, counters_path
from apimctl.edge.forwarded import client_address
from apimctl.edge.login import pages
from apimctl.edge.login.api import LoginApi
from apimctl.edge.login.metadata import KEYS_PATH
from apimctl.edge.observation import CLIENT_LEFT, Observation, Words
from apimctl.edge.observer import Observer
from apimctl.edge.proxy import Proxy
from apimctl.edge.read_model import ReadModel
from apimctl.edge.request import Request, words_of
from apimctl.edge.request_id import HEADER, RequestIds
from apimctl.edge.request_target import origin_form, unclear
from apimctl.edge.upkeep import Upkeep
from apimctl.edge.writer import Writer
from apimctl.errors import ApimctlError, StoreError
from apimctl.services.gateways import METADATA_PATH

FILE_CHECK_SECONDS = 1.0

log = logging.getLogger("apimctl.gateway")


class Gateway:
    """Answers requests: its own endpoints by itself, all others by admission and proxy."""

    def __init__(
        self,
        settings: Settings,
        *,
        gateway_id: str,
        reload: Callable[[], Settings],
        observer: Observer,
    ) -> None:
        """Read the store. `reload` returns the settings anew. Raises StoreError."""
        self.observer = observer
        self._request_ids = RequestIds()
        self._complaints = Complaints()
        self._settings = settings
        self._reload = reload
        self._read_model = ReadModel(settings.store_path, on_settings_changed=self.reload_settings)
        self._counters = Counters(counters_path(settings.store_path))
        self._writer = Writer(settings.store_path)
        self._login_api = LoginApi(
            self._writer,
            self._read_model,
            settings,
            gateway_id=gateway_id,
            complain=self._complain,
        )
        self.upkeep = Upkeep(self._writer, lambda: self._settings, complaints=self._complaints)
        self._proxy = Proxy(settings.gateway)
        self._own: dict[str, Handler] = {
            "/token": cors.open_to_pages(self._login_api.token, methods="POST"),
            "/revoke": cors.open_to_pages(self._login_api.revoke, methods="POST"),
            "/introspect": self._login_api.introspect,
            "/authorize": self._login_api.authorization.authorize,
            "/authorize/login": self._login_api.authorization.log_in,
            "/authorize/decision": self._login_api.authorization.decide,
            "/authorize/logout": self._login_api.authorization.log_out,
            METADATA_PATH: cors.open_to_pages(self._login_api.metadata, methods="GET"),
            KEYS_PATH: cors.open_to_pages(self._login_api.keys, methods="GET"),
            **pages.ASSETS,
        }

    @property
    def settings(self) -> GatewaySettings:
        """The settings it obeys now."""
        return self._settings.gateway

    async def close(self) -> None:
        """Finish what was submitted and close all connections."""
        await self._proxy.close()
        self._login_api.close()
        await self._writer.close()
        self._counters.close()
        self._read_model.close()
        await self.observer.close()

    async def handle(self, request: Request) -> Response:
        """Answer one request, whatever it is, and let it be observed."""
        started_at = time.perf_counter()
        request.id = self._request_ids.choose(request.headers.getall(HEADER, ()))
        observation = request.observation
        try:
            response = await self._answer(request)
        except (asyncio.CancelledError, ConnectionError):
            observation.status = observation.status or CLIENT_LEFT
            raise
        else:
            observation.status = response.status
            if isinstance(response, Answer):
                response.headers[HEADER] = request.id.text
                observation.fault = response.fault_code
                observation.body_bytes = 0 if request.method == "HEAD" else len(response.body)
            return response
        finally:
            observation.status = observation.status or 500
            observation.seconds = time.perf_counter() - started_at
            if self.observer.has_log:
                trusted = self._settings.gateway.trusted_proxies
                observation.words = words_of(request, client=client_address(request, trusted))
            self.observer.observe(observation)

    def note_unreadable(self, answer: Answer, remote: str) -> None:
        """Let the answer to something that was no request be observed."""
        observation = Observation()
        observation.status, observation.fault = answer.status, answer.fault_code
        observation.words = Words(received_at=time.time(), client=remote)
        self.observer.observe(observation)

    async def _answer(self, request: Request) -> Response:
        try:
            return await self._route(request)
        except StoreError as error:
            self._complain(error)
            return answers.fault_for(
                request,
                faults.STORE_UNAVAILABLE,
                "The access token cannot be checked right now.",
                {hdrs.RETRY_AFTER: "1"},
            )

    def _complain(self, error: StoreError) -> None:
        """Let the operator know why a request got no answer that is worth anything."""
        self._complaints.make(error.message)
        self.observer.metrics.count_store_error()

    async def _route(self, request: Request) -> Response:
        path, mark, query = origin_form(request.raw_path).partition("?")
        if refused := unclear(request, path, query):
            response = answers.fault_for(request, faults.BAD_REQUEST, refused)
            response.force_close()
            return response
        own = self._own.get(path)
        if own is not None:
            request.ask_for_body()
            with contextlib.suppress(StoreError):  # the Login API answers that in its own form
                self._read_model.refresh()
            return await own(request)
        self._read_model.refresh()
        preflight = self._preflight(request, path)
        if preflight is not None:
            return preflight
        return await self._admit(request, path, mark + query)

    def _preflight(self, request: Request, path: str) -> Response | None:
        """Return the answer to a preflight, None for any other request."""
        asked_method = cors.preflight_method(request)
        if asked_method is None:
            return None
        match = self._read_model.route(path, asked_method)
        if match is None or not match.methods or not cors.speaks_for(match):
            return None
        header = self._settings.gateway.client_domain_header
        return cors.answer_preflight(request, match, asked_method, client_domain_header=header)

    async def _admit(self, request: Request, path: str, query: str) -> Response:
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
        _observe(request.observation, facts)
        if isinstance(decision, Refused):
            return _refusal(request, decision).add(shared)
        verdict = self._count(request, decision)
        if verdict is not None and not verdict.is_admitted:
            answer = rate_limit.refuse(request, verdict)
            return answer.add(shared).add(rate_limit.answer_headers(verdict))
        response = await self._proxy.forward(
            request,
            decision,
            query,
            keeps_token=not settings.gateway.remove_oauth_headers
            or (decision.token is None and not may_hold_credential(authorization)),
            own_headers=[*cors.relayed(shared), *rate_limit.relayed(verdict)],
        )
        if isinstance(response, Answer):
            response.add(shared).add(rate_limit.answer_headers(verdict))
        return response

    def _count(self, request: Request, admitted: Admitted) -> Verdict | None:
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
            self._proxy.check()
            for check in (self._read_model.check_file, self._counters.check_file):
                try:
                    check()
                except (StoreError, OSError) as error:
                    self._complaints.make(str(error))
                    self.observer.metrics.count_store_error()
            await self.observer.publish()


def _observe(observation: Observation, facts: Facts) -> None:
    if facts.match is not None:
        observation.api = facts.match.api.reference
    if facts.key is not None:
        observation.application_id = facts.key.application_id
        observation.key_type = facts.key.key_type


def _refusal(request: Request, refused: Refused) -> Answer:
    headers: dict[str, str] = {}
    if refused.allow:
        headers[hdrs.ALLOW] = ", ".join(refused.allow)
    if refused.scopes:
        headers[hdrs.WWW_AUTHENTICATE] = faults.scope_challenge(refused.scopes)
    return answers.fault_for(request, refused.fault, refused.description, headers)
