"""The grant ``authorization_code`` with PKCE, as Authlib asks for it.

RFC 6749 section 4.1, RFC 7636, RFC 9700 section 2.1. What Authlib leaves open is closed here: a
response type it does not know and other parameters are answered by redirect, no message repeats
what was sent (Authlib raises ValueError where that is no plain ASCII), ``plain`` is refused also
where it is the method by default, and a public client is told so before its user logs in.
"""

import re
from dataclasses import dataclass

from authlib.oauth2.rfc6749 import (
    AuthorizationCodeGrant,
    InvalidClientError,
    InvalidGrantError,
    InvalidRequestError,
    OAuth2Error,
    UnsupportedResponseTypeError,
)
from authlib.oauth2.rfc7636 import CodeChallenge

from apimctl.domain.models import Actor, AuthorizationCode, User, Via
from apimctl.domain.scopes import Granted
from apimctl.edge.login import entries, scopes
from apimctl.edge.login.clients import Client
from apimctl.edge.login.context import AUTHENTICATION_METHODS, LoginRequest, Reply
from apimctl.edge.login.success import success
from apimctl.services import audit, authorization
from apimctl.tables import users

RESPONSE_TYPE = "code"
RESPONSE_MODE = "query"
CHALLENGE_METHOD = "S256"

_CHALLENGE = re.compile(r"[A-Za-z0-9_-]{43}", re.ASCII)
"""A SHA-256 in base64url (RFC 7636 section 4.2)."""

_VERIFIER = re.compile(r"[A-Za-z0-9._~-]{43,128}", re.ASCII)


@dataclass(frozen=True, slots=True)
class _Found:
    """A code of the client that asks, as Authlib asks about it."""

    code: AuthorizationCode

    @property
    def code_challenge(self) -> str | None:
        return self.code.code_challenge

    def get_redirect_uri(self) -> str | None:
        return self.code.redirect_uri


class CodeGrant(AuthorizationCodeGrant):  # type: ignore[misc]
    """A user token for what the user allowed at the authorization endpoint."""

    TOKEN_ENDPOINT_AUTH_METHODS = AUTHENTICATION_METHODS
    granted: Granted

    @classmethod
    def check_authorization_endpoint(cls, request: LoginRequest) -> bool:  # noqa: ARG003
        """Take every request: one for another response type is refused once it may be."""
        return True

    @staticmethod
    def validate_authorization_redirect_uri(request: LoginRequest, client: Client) -> str:
        """Return where the user is sent back. Raises InvalidRequestError, for an error page."""
        uri: str | None = request.payload.redirect_uri
        if uri is None:
            uri = client.get_default_redirect_uri()
            if uri is None:
                raise InvalidRequestError("The request names no redirect URI.")
        elif not client.check_redirect_uri(uri):
            raise InvalidRequestError("The redirect URI is none that the application registered.")
        return uri

    def validate_authorization_request(self) -> str:
        """Return where the user is sent back. Raises OAuth2Error, with that place once it may."""
        client_id = self.request.payload.client_id
        client = client_id and self.server.query_client(client_id)
        if not client:
            raise InvalidClientError("No application is known by this client_id.")
        redirect_uri = self.validate_authorization_redirect_uri(self.request, client)
        try:
            _check_response(self.request)
        except OAuth2Error as error:
            error.redirect_uri = redirect_uri
            raise
        uri: str = super().validate_authorization_request()
        return uri

    def validate_requested_scope(self) -> None:
        """Find out what there is to allow. Raises InvalidScopeError."""
        self.granted = scopes.to_be_allowed(self.request, self.request.user)

    def generate_authorization_code(self) -> str:
        """Issue a code for what was asked, to the user who allowed it."""
        request: LoginRequest = self.request
        context, user = request.context, request.user
        assert isinstance(user, User)  # noqa: S101 - Authlib asks once there is one
        return authorization.issue_code(
            context.db,
            request.client.key,
            user,
            redirect_uri=request.payload.redirect_uri,
            code_challenge=request.form.get("code_challenge"),
            scope=self.granted.text,
            settings=context.settings,
            now=context.now,
            random=context.random,
        )

    def save_authorization_code(self, code: str, request: LoginRequest) -> None:
        """Do nothing more: it was kept when it was issued."""

    def query_authorization_code(self, code: str, client: Client) -> _Found | None:
        """Return the client's code, None where it has no such."""
        found = authorization.find_code(
            self.request.context.db, code, consumer_key=client.key.consumer_key
        )
        return _Found(found) if found else None

    def validate_token_request(self) -> None:
        """Check all but whether the code is spent. Raises OAuth2Error."""
        super().validate_token_request()
        request: LoginRequest = self.request
        uri = request.payload.redirect_uri
        # Where the authorization request named none, the token request need not; it may.
        if uri is not None and not request.client.check_redirect_uri(uri):
            raise InvalidGrantError("The redirect URI is not that of the authorization request.")

    def create_token_response(self) -> Reply:
        """Issue the tokens and return the answer."""
        context, code = self.request.context, self.request.authorization_code.code
        issued = authorization.redeem(
            context.db,
            self.request.client.key,
            code,
            scope=scopes.of_code(self.request, code),
            shorter_seconds=self.request.requested_seconds,
            settings=context.settings,
            now=context.now,
            random=context.random,
        )
        if code.is_spent:
            _record_replay(self.request, code)
        if issued is None:
            raise InvalidGrantError("The code is spent or expired.")
        entries.record(self.request, "token.issue", issued.token, grant=self.GRANT_TYPE)
        return 200, success(issued), self.TOKEN_RESPONSE_HEADER


class Pkce(CodeChallenge):  # type: ignore[misc]
    """Proof Key for Code Exchange, S256 only; public clients have to use it."""

    SUPPORTED_CODE_CHALLENGE_METHOD = (CHALLENGE_METHOD,)

    def validate_code_challenge(self, grant: CodeGrant, redirect_uri: str) -> None:
        """Check what the authorization request says of PKCE. Raises InvalidRequestError."""
        super().validate_code_challenge(grant, redirect_uri)
        form = grant.request.form
        challenge = form.get("code_challenge")
        if challenge is None:
            if grant.request.client.application.is_public:
                raise InvalidRequestError("A public client has to send a code_challenge.")
        elif form.get("code_challenge_method") != CHALLENGE_METHOD:
            raise InvalidRequestError("Send code_challenge_method=S256; plain is refused.")
        elif not _CHALLENGE.fullmatch(challenge):
            raise InvalidRequestError("The code_challenge is no SHA-256 in base64url.")

    def validate_code_verifier(self, grant: CodeGrant, result: object) -> None:
        """Check the verifier against the challenge. Raises OAuth2Error.

        A verifier where there was no challenge is refused, so that nobody can take the challenge
        out of the request unseen (RFC 9700 section 4.8.2).
        """
        verifier = grant.request.form.get("code_verifier")
        if verifier is not None and not _VERIFIER.fullmatch(verifier):
            raise InvalidRequestError("The code_verifier is not as RFC 7636 has it.")
        super().validate_code_verifier(grant, result)

    def get_authorization_code_challenge_method(self, authorization_code: _Found) -> str:  # noqa: ARG002
        """Return the only method there is."""
        return CHALLENGE_METHOD


def _record_replay(request: LoginRequest, code: AuthorizationCode) -> None:
    """Write that a code was used a second time, and every token of it was revoked."""
    context, application = request.context, request.client.application
    user = users.get(context.db, code.user_id)
    audit.record(
        context.db,
        actor=Actor(application.name, Via.LOGIN_API),
        action="authorization.replay",
        target=user.qualified_name if user else application.name,
        now=context.now,
        application=application.name,
        owner=application.owner,
        key_type=request.client.key.key_type,
    )


def _check_response(request: LoginRequest) -> None:
    """Raise OAuth2Error for an answer that is never given."""
    response_type = request.form.get("response_type")
    if response_type is None:
        raise InvalidRequestError("The request names no response_type.")
    if response_type != RESPONSE_TYPE:
        raise _UnsupportedResponseTypeError
    if request.form.get("response_mode", RESPONSE_MODE) != RESPONSE_MODE:
        raise InvalidRequestError("The only response_mode is query.")


class _UnsupportedResponseTypeError(UnsupportedResponseTypeError):  # type: ignore[misc]
    """Any response type but ``code``; the description does not repeat which."""

    description = "The only response_type is code."

    def __init__(self) -> None:
        super().__init__(response_type=None)
