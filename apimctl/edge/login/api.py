"""The Login API: ``/token``, ``/revoke``, ``/introspect`` and their metadata. SPEC section 4.

Reads the form, checks a password off the event loop, and hands the rest to the writer thread. The
answer is sent after the commit.
"""

import math
import secrets
import time
from collections.abc import Callable, Mapping
from dataclasses import replace
from sqlite3 import Connection

from aiohttp import hdrs
from authlib.oauth2.rfc6749 import OAuth2Error

from apimctl.config import Settings
from apimctl.domain.limits import client_network
from apimctl.domain.models import GrantType, Introspection, User
from apimctl.edge import answers
from apimctl.edge.answers import Answer
from apimctl.edge.forwarded import client_address
from apimctl.edge.login import metadata
from apimctl.edge.login.authorize import Authorization
from apimctl.edge.login.clients import recognise
from apimctl.edge.login.context import LoginContext, LoginRequest, Reply
from apimctl.edge.login.forms import read_form
from apimctl.edge.login.metadata import issuer_of
from apimctl.edge.login.passwords import Busy, Passwords, Right, Wrong
from apimctl.edge.login.refusals import (
    STORE_AWAY,
    TOO_MANY_LOG_INS,
    TOO_MANY_WRONG_PASSWORDS,
    USER_STORE_AWAY,
    ComeAgainError,
)
from apimctl.edge.login.server import LoginServer
from apimctl.edge.read_model import ReadModel
from apimctl.edge.request import Request
from apimctl.edge.writer import Writer
from apimctl.errors import InvalidInputError, StoreError, UserStoreError
from apimctl.services import signing_keys
from apimctl.services.attempts import Blocked
from apimctl.services.gateways import ID_FIELD

NO_STORE = {hdrs.CACHE_CONTROL: "no-store", hdrs.PRAGMA: "no-cache"}

PUBLIC = {hdrs.CACHE_CONTROL: "public, max-age=300"}
"""Of the keys: after so long every reader knows of one that was deleted."""


class LoginApi:
    """Answers the requests of OAuth 2 clients."""

    def __init__(
        self,
        writer: Writer,
        read_model: ReadModel,
        settings: Settings,
        *,
        gateway_id: str,
        complain: Callable[[StoreError], None],
    ) -> None:
        """`complain` is told of whatever keeps a request from its answer."""
        self.settings = settings
        self._gateway_id = gateway_id
        self._complain = complain
        self._writer = writer
        self._read_model = read_model
        self._server = LoginServer()
        self._passwords = Passwords(writer)
        self.authorization = Authorization(
            writer,
            self._passwords,
            context=lambda db, request: self._context(db, request, None),
            issuer_of=lambda request: issuer_of(request, self.settings.login_api),
            address_of=self._address_of,
            complain=complain,
        )

    def close(self) -> None:
        """End the threads that check passwords."""
        self._passwords.close()

    async def token(self, request: Request) -> Answer:
        """Issue or renew a token."""
        return await self._answer(request, self._server.answer_token, needs="grant_type")

    async def revoke(self, request: Request) -> Answer:
        """Revoke a token."""
        return await self._answer(request, self._server.answer_revocation, needs="token")

    async def introspect(self, request: Request) -> Answer:
        """Tell what a token is."""
        return await self._answer(request, self._server.answer_introspection, needs="token")

    async def metadata(self, request: Request) -> Answer:
        """Describe the server (RFC 8414)."""
        if request.method not in {"GET", "HEAD"}:
            return _error(405, "invalid_request", "Use GET.", {hdrs.ALLOW: "GET, HEAD"})
        content = metadata.describe(
            issuer_of(request, self.settings.login_api),
            self.settings.login_api,
            scopes=self._read_model.scopes,
        )
        return answers.json_answer(200, {**content, ID_FIELD: self._gateway_id}, NO_STORE.items())

    async def keys(self, request: Request) -> Answer:
        """Show the keys that verify JWT access tokens (RFC 7517)."""
        if request.method not in {"GET", "HEAD"}:
            return _error(405, "invalid_request", "Use GET.", {hdrs.ALLOW: "GET, HEAD"})
        try:
            content = self._read_model.read(lambda db: signing_keys.key_set(db, now=time.time()))
        except StoreError as error:
            return self._store_is_away(error)
        return answers.json_answer(200, content, PUBLIC.items())

    async def _answer(
        self, request: Request, answer: Callable[[LoginRequest], Reply], *, needs: str
    ) -> Answer:
        if request.method != "POST":
            return _error(405, "invalid_request", "Use POST.", {hdrs.ALLOW: "POST"})
        authorization = request.headers.getall(hdrs.AUTHORIZATION, [])

        def read(db: Connection, verified: User | None = None) -> LoginRequest:
            return LoginRequest(form, authorization, self._context(db, request, verified))

        try:
            form = await read_form(request, needs=needs)
            verified = await self._verified_user(form, read, network=self._network_of(request))
            reply = await self._writer.submit(lambda db: answer(read(db, verified)))
        except OAuth2Error as error:
            return answers.json_answer(*error())
        except InvalidInputError as error:  # scopes that make a JWT too long
            return _error(400, "invalid_scope", f"{error.message}.", {})
        except UserStoreError:
            return answers.json_answer(*ComeAgainError(USER_STORE_AWAY, status=503)())
        except StoreError as error:
            return self._store_is_away(error)
        return answers.json_answer(*reply)

    def _store_is_away(self, error: StoreError) -> Answer:
        self._complain(error)
        return answers.json_answer(*ComeAgainError(STORE_AWAY, status=503)())

    async def _verified_user(
        self, form: Mapping[str, str], read: Callable[[Connection], LoginRequest], *, network: str
    ) -> User | None:
        """Return the user whose password was sent, None if there is none or it is wrong.

        Only for an authenticated client that may use the grant: a stranger cannot make us hash.
        Raises OAuth2Error, StoreError.
        """
        username, password = form.get("username"), form.get("password")
        if form.get("grant_type") != GrantType.PASSWORD or not username or not password:
            return None
        client = await self._writer.submit(lambda db: recognise(read(db)))
        if isinstance(client, OAuth2Error):
            raise client
        if not client.check_grant_type(GrantType.PASSWORD):
            return None
        match await self._passwords.verify(username, password, network=network):
            case Right(user):
                return user
            case Wrong():
                return None
            case Blocked(seconds):
                raise ComeAgainError(
                    TOO_MANY_WRONG_PASSWORDS, status=429, retry_after_seconds=seconds
                )
            case Busy():
                raise ComeAgainError(TOO_MANY_LOG_INS, status=503)

    def _address_of(self, request: Request) -> str:
        return client_address(request, self.settings.gateway.trusted_proxies)

    def _network_of(self, request: Request) -> str:
        return client_network(self._address_of(request))

    def _context(
        self, db: Connection, request: Request, verified_user: User | None
    ) -> LoginContext:
        login_api = self.settings.login_api
        issuer = issuer_of(request, login_api)
        signing = replace(self.settings.tokens.signing, issuer=issuer)
        return LoginContext(
            db=db,
            settings=replace(self.settings.tokens, signing=signing),
            grants=login_api.grants,
            now=math.ceil(time.time()),
            random=secrets.token_bytes,
            network=self._network_of(request),
            verified_user=verified_user,
            issuer=issuer,
            introspects_any=login_api.introspection is Introspection.ANY,
        )


def _error(status: int, error: str, description: str, headers: dict[str, str]) -> Answer:
    content = {"error": error, "error_description": description}
    return answers.json_answer(status, content, (NO_STORE | headers).items())
