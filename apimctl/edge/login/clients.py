"""Who calls the Login API: HTTP Basic, or ``client_id`` and ``client_secret`` in the body.

RFC 6749 section 2.3; both at once is ``invalid_request``. Basic credentials come form-urlencoded
(section 2.3.1) or raw: consumer keys and secrets hold no character in which the two differ.
"""

import base64
import binascii
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from urllib.parse import unquote_plus

from authlib.oauth2.rfc6749 import InvalidClientError, InvalidRequestError, OAuth2Error

from apimctl.domain import credentials
from apimctl.domain.attempts import NO_FAILURES, blocked_seconds
from apimctl.domain.faults import REALM
from apimctl.domain.models import Application, GrantType, Key
from apimctl.edge.login.context import LoginRequest
from apimctl.edge.login.refusals import TOO_MANY_WRONG_SECRETS, ComeAgainError
from apimctl.services import attempts
from apimctl.tables import applications, keys


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
    """An authenticated client, as Authlib asks about it.

    `grants` are those that the Login API and the application both allow.
    """

    key: Key
    application: Application
    grants: frozenset[GrantType]

    def check_grant_type(self, grant_type: str) -> bool:
        """Return whether the client may use the grant."""
        return grant_type in self.grants

    def check_endpoint_auth_method(self, method: str, endpoint: str) -> bool:  # noqa: ARG002
        """Return whether the client may authenticate so: all clients have a secret."""
        return True


def authenticate(request: LoginRequest) -> Client | OAuth2Error:
    """Return the client whose consumer key and secret were sent, or why there is none.

    A wrong secret is counted, so the error is returned: a job of the writer that raises is undone.
    While the client is blocked, the right secret is refused like any other (SPEC section 4).
    """
    try:
        consumer_key, consumer_secret = _read_credentials(request.authorization, request.form)
    except OAuth2Error as error:
        return error
    context = request.context
    db, network, now = context.db, context.network, context.now
    failures = attempts.find_client_failures(db, consumer_key, network=network)
    if seconds := blocked_seconds(failures, now=now):
        return ComeAgainError(TOO_MANY_WRONG_SECRETS, status=429, retry_after_seconds=seconds)
    digest = credentials.digest(consumer_secret)
    key = keys.find_by_secret(db, consumer_key, digest, now=now)
    if key is None:
        # What names no client guesses nothing, and would fill the table. Nor does a secret that has
        # ended: those who got the new one may share a network with one who still sends the old.
        if keys.get(db, consumer_key) and not keys.has_had_secret(db, consumer_key, digest):
            attempts.note_wrong_secret(db, consumer_key, failures, network=network, now=now)
        return ClientRefusedError("The client credentials are wrong.")
    if failures != NO_FAILURES:
        attempts.forgive_client(db, consumer_key, network=network)
    return _client(request, key)


def _client(request: LoginRequest, key: Key) -> Client | OAuth2Error:
    context = request.context
    application = applications.find(context.db, key.application_id)
    if application is None:  # the key refers to it, and goes with it
        return ClientRefusedError("The client credentials are wrong.")
    allowed = application.grants
    grants = context.grants if allowed is None else context.grants & allowed
    return Client(key, application, grants)


def _read_credentials(authorization: Sequence[str], form: Mapping[str, str]) -> tuple[str, str]:
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
