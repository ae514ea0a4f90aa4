"""The Login API: ``/token``, ``/revoke`` and the metadata that names them. SPEC section 4.

Reads the form, checks a password off the event loop, and hands the rest to the writer thread. The
answer is sent after the commit.
"""

import asyncio
import math
import secrets
import time
from collections.abc import Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from sqlite3 import Connection
from urllib.parse import parse_qsl

from aiohttp import hdrs
from authlib.oauth2.rfc6749 import InvalidRequestError, OAuth2Error

from apimctl.config import Settings
from apimctl.domain.models import GrantType, User
from apimctl.edge import answers
from apimctl.edge.answers import Answer
from apimctl.edge.client_authentication import authenticate
from apimctl.edge.oauth_server import LoginContext, LoginRequest, LoginServer, Reply
from apimctl.edge.request import BadBodyError, Request
from apimctl.edge.writer import Writer
from apimctl.errors import StoreError
from apimctl.services import users
from apimctl.services.gateways import ID_FIELD

LONGEST_FORM_BYTES = 64 * 1024
MOST_PARAMETERS = 100
PASSWORD_THREADS = 2
FORM_SECONDS = 15.0
"""How long a client may take for a form."""

NO_STORE = {hdrs.CACHE_CONTROL: "no-store", hdrs.PRAGMA: "no-cache"}
FORM_TYPE = "application/x-www-form-urlencoded"


class LoginApi:
    """Answers the requests of OAuth 2 clients."""

    def __init__(self, writer: Writer, settings: Settings, *, gateway_id: str) -> None:
        self.settings = settings
        self._gateway_id = gateway_id
        self._writer = writer
        self._server = LoginServer()
        self._hashers = ThreadPoolExecutor(PASSWORD_THREADS, thread_name_prefix="apimctl-password")

    def close(self) -> None:
        """End the threads that check passwords."""
        self._hashers.shutdown(wait=False, cancel_futures=True)

    async def token(self, request: Request) -> Answer:
        """Issue or renew a token."""
        return await self._answer(request, self._server.answer_token, needs="grant_type")

    async def revoke(self, request: Request) -> Answer:
        """Revoke a token."""
        return await self._answer(request, self._server.answer_revocation, needs="token")

    async def metadata(self, request: Request) -> Answer:
        """Describe the server (RFC 8414)."""
        if request.method not in {"GET", "HEAD"}:
            return _error(405, "invalid_request", "Use GET.", {hdrs.ALLOW: "GET, HEAD"})
        issuer = f"{request.scheme}://{request.host}"
        return answers.json_answer(
            200,
            {
                "issuer": issuer,
                ID_FIELD: self._gateway_id,
                "token_endpoint": f"{issuer}/token",
                "revocation_endpoint": f"{issuer}/revoke",
                "grant_types_supported": sorted(self.settings.grants),
                "response_types_supported": [],
                "token_endpoint_auth_methods_supported": [
                    "client_secret_basic",
                    "client_secret_post",
                ],
                "revocation_endpoint_auth_methods_supported": [
                    "client_secret_basic",
                    "client_secret_post",
                ],
            },
            NO_STORE.items(),
        )

    async def _answer(
        self, request: Request, answer: Callable[[LoginRequest], Reply], *, needs: str
    ) -> Answer:
        if request.method != "POST":
            return _error(405, "invalid_request", "Use POST.", {hdrs.ALLOW: "POST"})
        authorization = request.headers.getall(hdrs.AUTHORIZATION, [])
        try:
            form = await _read_form(request, needs=needs)
            verified = await self._verified_user(authorization, form)
            reply = await self._writer.submit(
                lambda db: answer(LoginRequest(form, authorization, self._context(db, verified)))
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
        self, authorization: list[str], form: Mapping[str, str]
    ) -> User | None:
        """Return the user whose password was sent, None if there is none or it is wrong.

        Only for an authenticated client: a stranger cannot make us hash. That takes some 50 ms,
        so it happens in a thread and outside the transaction.
        """
        if form.get("grant_type") != GrantType.PASSWORD:
            return None
        if GrantType.PASSWORD not in self.settings.grants:
            return None
        username, password = form.get("username"), form.get("password")
        if username is None or password is None:
            return None

        def find(db: Connection) -> User | None:
            authenticate(db, authorization=authorization, form=form, now=time.time())
            return users.find(db, username)

        user = await self._writer.submit(find)
        loop = asyncio.get_running_loop()
        is_right = await loop.run_in_executor(self._hashers, users.is_password, user, password)
        return user if is_right else None

    def _context(self, db: Connection, verified_user: User | None) -> LoginContext:
        return LoginContext(
            db=db,
            settings=self.settings.tokens,
            grants=self.settings.grants,
            now=math.ceil(time.time()),
            random=secrets.token_bytes,
            verified_user=verified_user,
        )


async def _read_form(request: Request, *, needs: str) -> dict[str, str]:
    """Return the form's parameters, each once (RFC 6749 section 3.2), `needs` among them.

    Raises InvalidRequestError.
    """
    if request.content_type != FORM_TYPE:
        raise InvalidRequestError(f"Send the parameters as {FORM_TYPE}.")
    body = bytearray()
    try:
        # Most forms come with their heads: a timer for each would be one more cost of `/token`.
        async with asyncio.timeout(None if request.content.is_eof() else FORM_SECONDS):
            async for chunk in request.content.iter_any():
                body += chunk
                if len(body) > LONGEST_FORM_BYTES:
                    raise InvalidRequestError(
                        f"The form is longer than {LONGEST_FORM_BYTES} bytes."
                    )
    except TimeoutError:
        raise InvalidRequestError("The form stopped coming.") from None
    except BadBodyError:
        raise InvalidRequestError("The form is not framed as RFC 9112 has it.") from None
    try:
        pairs = parse_qsl(
            body.decode("utf-8"),
            keep_blank_values=True,
            errors="strict",
            max_num_fields=MOST_PARAMETERS,
        )
    except ValueError:
        raise InvalidRequestError("The form cannot be read as UTF-8 parameters.") from None
    form = dict(pairs)
    if len(form) != len(pairs):
        raise InvalidRequestError("A parameter was sent more than once.")
    if any("\x00" in value for value in form.values()):
        raise InvalidRequestError("A parameter holds a NUL.")
    # An empty value counts as an absent one (RFC 6749 section 3.1).
    present = {name: value for name, value in form.items() if value}
    if needs not in present:
        raise InvalidRequestError(f"Send the parameter {needs}.")
    return present


def _error(status: int, error: str, description: str, headers: dict[str, str]) -> Answer:
    content = {"error": error, "error_description": description}
    return answers.json_answer(status, content, (NO_STORE | headers).items())
