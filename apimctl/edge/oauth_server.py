"""The grants and the revocation of the Login API, on Authlib's framework-independent core.

Authlib checks the requests in the order of RFC 6749 and writes the errors; what is issued, renewed
and revoked is the services' business. Everything here runs in one transaction of the writer
thread, so that what was checked still holds when it is written.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from sqlite3 import Connection
from typing import Any

from authlib.oauth2.rfc6749 import (
    AuthorizationServer,
    ClientCredentialsGrant,
    InvalidGrantError,
    InvalidRequestError,
    InvalidScopeError,
    OAuth2Request,
    RefreshTokenGrant,
    ResourceOwnerPasswordCredentialsGrant,
)
from authlib.oauth2.rfc6749.requests import BasicOAuth2Payload
from authlib.oauth2.rfc7009 import RevocationEndpoint

from apimctl.config import TokenSettings
from apimctl.domain import validity
from apimctl.domain.models import GrantType, RefreshToken, User
from apimctl.edge.client_authentication import Client, authenticate
from apimctl.errors import UsageError
from apimctl.services import renewal, revocation, tokens
from apimctl.services.identifiers import RandomBytes
from apimctl.services.renewal import SpentReason
from apimctl.services.tokens import IssuedToken
from apimctl.tables import users

AUTHENTICATION_METHODS = ["client_secret"]
NOMINAL_URI = "https://login-api.invalid/"
"""Authlib refuses plain http beyond loopback; whether TLS is needed is the operator's to say."""

LEGACY_SCOPES = frozenset({"PRODUCTION", "SANDBOX", tokens.DEFAULT_SCOPE})
"""Accepted and ignored: the WSO2 1.7 docs send them (SPEC section 4)."""

Reply = tuple[int, dict[str, Any], list[tuple[str, str]]]
"""Status, JSON body and headers."""


@dataclass(frozen=True, slots=True)
class LoginContext:
    """What a request is answered with: the transaction, the rules, the time, the randomness.

    `verified_user` is the user whose password was found right, before the transaction began.
    """

    db: Connection
    settings: TokenSettings
    grants: frozenset[GrantType]
    now: int
    random: RandomBytes
    verified_user: User | None = None


class LoginRequest(OAuth2Request):  # type: ignore[misc]
    """A request to the Login API, read: every form parameter once."""

    def __init__(
        self, form: Mapping[str, str], authorization: Sequence[str], context: LoginContext
    ) -> None:
        super().__init__("POST", NOMINAL_URI)
        self.context = context
        self.authorization = authorization
        self._form = _without_legacy_scopes(form)
        self.payload = BasicOAuth2Payload(self._form)

    @property
    def form(self) -> dict[str, str]:
        """Return the form parameters."""
        return self._form

    @property
    def requested_seconds(self) -> int | None:
        """Return the validity that was asked for. Raises InvalidRequestError."""
        text = self._form.get("validity_period")
        if text is None:
            return None
        try:
            return validity.parse_validity(text, what="validity_period")
        except UsageError as error:
            raise InvalidRequestError("validity_period is not a length of time.") from error


class LoginServer(AuthorizationServer):  # type: ignore[misc]
    """Answers token and revocation requests with status, body and headers."""

    def __init__(self) -> None:
        super().__init__()
        self.register_client_auth_method("client_secret", _authenticate_client)
        self.register_grant(_ClientCredentials)
        self.register_grant(_Password)
        self.register_grant(_Refresh)
        self.register_endpoint(_Revocation)

    def answer_token(self, request: LoginRequest) -> Reply:
        """Answer a token request (RFC 6749 section 5)."""
        reply: Reply = self.create_token_response(request)
        return reply

    def answer_revocation(self, request: LoginRequest) -> Reply:
        """Answer a revocation request (RFC 7009 section 2)."""
        reply: Reply = self.create_endpoint_response(_Revocation.ENDPOINT_NAME, request)
        return reply

    def create_oauth2_request(self, request: LoginRequest) -> LoginRequest:
        """Return the request as it is."""
        return request

    def handle_response(self, status: int, body: dict[str, Any], headers: Any) -> Reply:
        """Return what the web framework is to send."""
        return status, body, list(headers)

    def send_signal(self, name: str, *args: Any, **kwargs: Any) -> None:
        """Tell nobody: Authlib's signals are for Flask and Django."""

    def query_client(self, client_id: str) -> None:
        """Find no client by its id alone: `_authenticate_client` looks up id and secret at once."""

    def validate_requested_scope(self, scope: str | None) -> None:
        """Refuse every scope that was not ignored already: no API declares any yet."""
        if scope:
            raise InvalidScopeError("The requested scope is not known.")


def _authenticate_client(
    query_client: Callable[[str], None],  # noqa: ARG001 - Authlib hands it to every method
    request: LoginRequest,
) -> Client:
    context = request.context
    key = authenticate(
        context.db, authorization=request.authorization, form=request.form, now=context.now
    )
    return Client(key, context.grants)


class _ClientCredentials(ClientCredentialsGrant):  # type: ignore[misc]
    TOKEN_ENDPOINT_AUTH_METHODS = AUTHENTICATION_METHODS

    def create_token_response(self) -> Reply:
        context, key = self.request.context, self.request.client.key
        longest = tokens.application_validity(key, context.settings)
        issued = tokens.issue_application_token(
            context.db,
            key,
            settings=context.settings,
            now=context.now,
            random=context.random,
            validity_seconds=validity.shortest(longest, self.request.requested_seconds),
        )
        return 200, _success(issued), self.TOKEN_RESPONSE_HEADER


class _Password(ResourceOwnerPasswordCredentialsGrant):  # type: ignore[misc]
    TOKEN_ENDPOINT_AUTH_METHODS = AUTHENTICATION_METHODS

    def authenticate_user(self, username: str, password: str) -> User:  # noqa: ARG002
        verified = self.request.context.verified_user
        user = verified and users.get(self.request.context.db, verified.id)
        # The password may have been changed while it was checked.
        if user is None or user.password_hash != verified.password_hash:
            raise InvalidGrantError("The user name or the password is wrong.")
        return user

    def create_token_response(self) -> Reply:
        context = self.request.context
        issued = tokens.issue_user_token(
            context.db,
            self.request.client.key,
            self.request.user.id,
            settings=context.settings,
            now=context.now,
            random=context.random,
            shorter_seconds=self.request.requested_seconds,
        )
        return 200, _success(issued), self.TOKEN_RESPONSE_HEADER


@dataclass(frozen=True, slots=True)
class _Redeemed:
    """A refresh token that may be renewed, as Authlib asks about it."""

    token: RefreshToken

    def check_client(self, client: Client) -> bool:
        return self.token.consumer_key == client.key.consumer_key

    def get_scope(self) -> str:
        return self.token.scope


class _Refresh(RefreshTokenGrant):  # type: ignore[misc]
    TOKEN_ENDPOINT_AUTH_METHODS = AUTHENTICATION_METHODS

    def authenticate_refresh_token(self, refresh_token: str) -> _Redeemed:
        context = self.request.context
        found = renewal.redeem(
            context.db,
            refresh_token,
            consumer_key=self.request.client.key.consumer_key,
            now=context.now,
        )
        if isinstance(found, SpentReason):
            raise InvalidGrantError("The refresh token is unknown, spent or expired.")
        return _Redeemed(found)

    def create_token_response(self) -> Reply:
        context = self.request.context
        issued = renewal.renew_user_token(
            context.db,
            self.request.client.key,
            self.request.refresh_token.token,
            scope=self.request.payload.scope,
            shorter_seconds=self.request.requested_seconds,
            settings=context.settings,
            now=context.now,
            random=context.random,
        )
        return 200, _success(issued), self.TOKEN_RESPONSE_HEADER


class _Revocation(RevocationEndpoint):  # type: ignore[misc]
    CLIENT_AUTH_METHODS = AUTHENTICATION_METHODS

    def query_token(self, token_string: str, token_type_hint: str | None) -> str:  # noqa: ARG002
        """Return the token itself: its prefix tells its type better than any hint."""
        return token_string

    def authenticate_token(self, request: LoginRequest, client: Client) -> str:  # noqa: ARG002
        """Return the token as it is. A hint that is unknown is ignored (RFC 7009 section 2.2)."""
        return request.form["token"]

    def revoke_token(self, token: str, request: LoginRequest) -> None:
        consumer_key = request.client.key.consumer_key
        revocation.revoke(request.context.db, token, consumer_key=consumer_key)


def _success(issued: IssuedToken) -> dict[str, Any]:
    """Return the body of RFC 6749 section 5.1; a token that never expires has no expires_in."""
    body: dict[str, Any] = {"access_token": issued.access_token, "token_type": "Bearer"}
    if issued.validity_seconds != validity.NEVER:
        body["expires_in"] = issued.validity_seconds
    if issued.refresh_token is not None:
        body["refresh_token"] = issued.refresh_token
    body["scope"] = issued.token.scope
    return body


def _without_legacy_scopes(form: Mapping[str, str]) -> dict[str, str]:
    read = dict(form)
    if "scope" in read:
        scopes = [scope for scope in read["scope"].split() if scope not in LEGACY_SCOPES]
        if scopes:
            read["scope"] = " ".join(scopes)
        else:
            del read["scope"]
    return read
