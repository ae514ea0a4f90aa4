"""The Login API: ``/token``, ``/revoke``, ``/introspect`` and their metadata. SPEC section 4.

Reads the form, checks a password off the event loop, and hands the rest to the writer thread. The
answer is sent after the commit.
"""

import math
import secrets
import time
from collections.abc import Callable, Mapping
from sqlite3 import Connection

from aiohttp import hdrs
from authlib.oauth2.rfc6749 import OAuth2Error

from apimctl.config import Settings
from apimctl.domain.models import GrantType, Introspection, User
from apimctl.edge import answers
from apimctl.edge.answers import Answer
from apimctl.edge.login import metadata
from apimctl.edge.login.authorize import Authorization
from apimctl.edge.login.context import AUTHENTICATION_METHODS, LoginContext, LoginRequest, Reply
from apimctl.edge.login.forms import read_form
from apimctl.edge.login.metadata import issuer_of
from apimctl.edge.login.passwords import Passwords
from apimctl.edge.login.server import LoginServer
from apimctl.edge.request import Request
from apimctl.edge.writer import Writer
from apimctl.errors import StoreError
from apimctl.services.gateways import ID_FIELD

NO_STORE = {hdrs.CACHE_CONTROL: "no-store", hdrs.PRAGMA: "no-cache"}


class LoginApi:
    """Answers the requests of OAuth 2 clients."""

    def __init__(self, writer: Writer, settings: Settings, *, gateway_id: str) -> None:
        self.settings = settings
        self._gateway_id = gateway_id
        self._writer = writer
        self._server = LoginServer()
        self._passwords = Passwords(writer)
        self.authorization = Authorization(
            writer,
            self._passwords,
            context=lambda db, request: self._context(db, request, None),
            issuer_of=lambda request: issuer_of(request, self.settings.login_api),
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
            issuer_of(request, self.settings.login_api), self.settings.login_api
        )
        return answers.json_answer(200, {**content, ID_FIELD: self._gateway_id}, NO_STORE.items())

    async def _answer(
        self, request: Request, answer: Callable[[LoginRequest], Reply], *, needs: str
    ) -> Answer:
        if request.method != "POST":
            return _error(405, "invalid_request", "Use POST.", {hdrs.ALLOW: "POST"})
        authorization = request.headers.getall(hdrs.AUTHORIZATION, [])
        try:
            form = await read_form(request, needs=needs)
            verified = await self._verified_user(request, authorization, form)
            reply = await self._writer.submit(
                lambda db: answer(
                    LoginRequest(form, authorization, self._context(db, request, verified))
                )
            )
        except OAuth2Error as error:
            return answers.json_answer(*error())
        except StoreError:
            return _error(
                503,
                "temporarily_unavailable",
                "The store cannot be used right now.",
                {hdrs.RETRY_AFTER: "1"},
            )
        return answers.json_answer(*reply)

    async def _verified_user(
        self, request: Request, authorization: list[str], form: Mapping[str, str]
    ) -> User | None:
        """Return the user whose password was sent, None if there is none or it is wrong.

        Only for an authenticated client that may send one: a stranger cannot make us hash.
        """
        if form.get("grant_type") != GrantType.PASSWORD:
            return None
        username, password = form.get("username"), form.get("password")
        if username is None or password is None:
            return None

        def may_try(db: Connection) -> bool:
            asking = LoginRequest(form, authorization, self._context(db, request, None))
            client = self._server.authenticate_client(asking, AUTHENTICATION_METHODS)
            return bool(client.check_grant_type(GrantType.PASSWORD))

        if not await self._writer.submit(may_try):
            return None
        return await self._passwords.verify(username, password)

    def _context(
        self, db: Connection, request: Request, verified_user: User | None
    ) -> LoginContext:
        login_api = self.settings.login_api
        return LoginContext(
            db=db,
            settings=self.settings.tokens,
            grants=login_api.grants,
            now=math.ceil(time.time()),
            random=secrets.token_bytes,
            verified_user=verified_user,
            issuer=issuer_of(request, login_api),
            introspects_any=login_api.introspection is Introspection.ANY,
        )


def _error(status: int, error: str, description: str, headers: dict[str, str]) -> Answer:
    content = {"error": error, "error_description": description}
    return answers.json_answer(status, content, (NO_STORE | headers).items())
