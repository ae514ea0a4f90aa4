"""Who calls the Login API: HTTP Basic, or ``client_id`` and ``client_secret`` in the body.

A public client has no secret and says who it is by ``client_id`` alone.
RFC 6749 section 2.3; both at once is ``invalid_request``. Basic credentials come form-urlencoded
(section 2.3.1) or raw: consumer keys and secrets hold no character in which the two differ.
"""

import base64
import binascii
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from urllib.parse import unquote_plus

from authlib.oauth2.rfc6749 import InvalidClientError, InvalidRequestError, OAuth2Error

from apimctl.domain import credentials, redirects
from apimctl.domain.attempts import NO_FAILURES, blocked_seconds, client_subject
from apimctl.domain.faults import REALM
from apimctl.domain.models import Application, GrantType, Key
from apimctl.edge.login.context import LoginContext, LoginRequest
from apimctl.edge.login.refusals import TOO_MANY_WRONG_SECRETS, ComeAgainError
from apimctl.services import attempts
from apimctl.tables import applications, clients, keys

PUBLIC_GRANTS = frozenset({GrantType.AUTHORIZATION_CODE, GrantType.REFRESH_TOKEN})
"""What a client may ask for that cannot prove who it is."""


class ClientRefusedError(InvalidClientError):  # type: ignore[misc]
    """Client authentication failed: always 401 with a challenge (SPEC section 4)."""

    def __init__(self, description: str) -> None:
        super().__init__(description=description, status_code=401)

    def get_headers(self) -> list[tuple[str, str]]:
        """Return the headers of the answer, with the challenge RFC 7617 asks for."""
        headers = [(name, value) for name, value in super().get_headers() if "Auth" not in name]
        return [*headers, ("WWW-Authenticate", f'Basic realm="{REALM}"')]


@dataclass(frozen=True, slots=True)
class Client:
    """A client, as Authlib asks about it.

    `grants` are those that the Login API and the application both allow, of a public one those of
    its users.
    """

    key: Key
    application: Application
    grants: frozenset[GrantType]

    def check_grant_type(self, grant_type: str) -> bool:
        """Return whether the client may use the grant."""
        return grant_type in self.grants

    def check_response_type(self, response_type: str) -> bool:  # noqa: ARG002
        """Return whether the client may ask for a code, which is all there is to ask for."""
        return self.check_grant_type(GrantType.AUTHORIZATION_CODE)

    def check_redirect_uri(self, uri: str) -> bool:
        """Return whether users may be sent back there."""
        return redirects.is_registered(uri, self.application.callback_urls)

    def get_default_redirect_uri(self) -> str | None:
        """Return where users are sent back if the request does not say: the only place, if any."""
        registered = self.application.callback_urls
        return registered[0] if len(registered) == 1 else None

    def get_allowed_scope(self, scope: str | None) -> str:
        """Return what may be asked for: what is granted of it is not the client's to say."""
        return scope or ""

    def check_endpoint_auth_method(self, method: str, endpoint: str) -> bool:  # noqa: ARG002
        """Return whether the client may authenticate so: only a public one has no secret."""
        return method != "none" or self.application.is_public


def find_client(context: LoginContext, key: Key | None) -> Client | None:
    """Return the client of a key, whoever asks in its name."""
    application = key and applications.find(context.db, key.application_id)
    return _client(context, key, application) if key and application else None


def _client(context: LoginContext, key: Key, application: Application) -> Client:
    allowed = context.grants if application.grants is None else application.grants
    if application.is_public:
        allowed &= PUBLIC_GRANTS
    return Client(key, application, context.grants & allowed)


def recognise(request: LoginRequest) -> Client | OAuth2Error:
    """Return the client that asks: a public one by its name, any other as `authenticate` does."""
    try:
        return find_public(request) or authenticate(request)
    except OAuth2Error as error:
        return error


def find_public(request: LoginRequest) -> Client | None:
    """Return the public client that is named where no secret is sent, None for any other.

    Basic with an empty secret counts as none (RFC 6749 section 2.3.1). Raises ClientRefusedError,
    InvalidRequestError.
    """
    consumer_key = request.form.get("client_id", "")
    if "client_secret" in request.form:
        return None
    if request.authorization:
        consumer_key, consumer_secret = _read_credentials(request)
        if consumer_secret:
            return None
    client = find_client(request.context, keys.get(request.context.db, consumer_key))
    return client if client and client.application.is_public else None


def authenticate(request: LoginRequest) -> Client | OAuth2Error:
    """Return the client whose consumer key and secret were sent, or why there is none.

    A wrong secret is counted, so the error is returned: a job of the writer that raises is undone.
    While the client is blocked, the right secret is refused like any other (SPEC section 4).
    """
    try:
        consumer_key, consumer_secret = _read_credentials(request)
    except OAuth2Error as error:
        return error
    context = request.context
    db, now = context.db, context.now
    subject = client_subject(consumer_key, network=context.network)
    digest = credentials.digest(consumer_secret)
    found = clients.find(db, consumer_key, digest=digest, subject=subject, now=now)
    if found is None:
        # Not counted: what names no client guesses nothing, and would fill the table.
        return ClientRefusedError("The client credentials are wrong.")
    if seconds := blocked_seconds(found.failures, now=now):
        return ComeAgainError(TOO_MANY_WRONG_SECRETS, status=429, retry_after_seconds=seconds)
    if not found.has_secret:
        # Who still sends a secret that has ended guesses nothing either, and may share a network
        # with those who have the new one.
        if not keys.has_had_secret(db, consumer_key, digest):
            attempts.note_wrong_secret(db, subject, found.failures, now=now)
        return ClientRefusedError("The client credentials are wrong.")
    if found.failures != NO_FAILURES:
        attempts.forgive_client(db, subject)
    return _client(context, found.key, found.application)


def _read_credentials(request: LoginRequest) -> tuple[str, str]:
    if request.client_pair is None:
        request.client_pair = _read_pair(request.authorization, request.form)
    return request.client_pair


def _read_pair(authorization: Sequence[str], form: Mapping[str, str]) -> tuple[str, str]:
    in_body = "client_secret" in form
    if len(authorization) > 1 or (authorization and in_body):
        raise InvalidRequestError("Authenticate the client in one way, once.")
    if authorization:
        consumer_key, consumer_secret = _read_basic(authorization[0])
        if form.get("client_id", consumer_key) != consumer_key:
            raise InvalidRequestError("client_id names another client than the Basic credentials.")
        return consumer_key, consumer_secret
    if in_body and "client_id" in form:
        return form["client_id"], form["client_secret"]
    raise ClientRefusedError("Send the client credentials by HTTP Basic or in the body.")


def _read_basic(header: str) -> tuple[str, str]:
    scheme, _, encoded = header.strip().partition(" ")
    if scheme.lower() != "basic":
        raise ClientRefusedError("Send the client credentials by HTTP Basic or in the body.")
    try:
        decoded = base64.b64decode(encoded.strip(), validate=True).decode("utf-8")
    except (binascii.Error, ValueError):
        raise ClientRefusedError("The Basic credentials cannot be read.") from None
    consumer_key, colon, consumer_secret = decoded.partition(":")
    if not colon:
        raise ClientRefusedError("The Basic credentials cannot be read.")
    return unquote_plus(consumer_key), unquote_plus(consumer_secret)
