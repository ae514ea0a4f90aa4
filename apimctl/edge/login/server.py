"""The OAuth 2 server, on Authlib's framework-independent core.

Authlib checks the requests in the order of RFC 6749 and writes the errors; what is issued, renewed
and revoked is the services' business. Everything here runs in one transaction of the writer
thread, so that what was checked still holds when it is written.
"""

from collections.abc import Callable
from typing import Any

from authlib.oauth2.rfc6749 import AuthorizationServer, OAuth2Error

from apimctl.edge.login.clients import Client, authenticate, find_public
from apimctl.edge.login.code_grant import CodeGrant, Pkce
from apimctl.edge.login.context import LoginRequest, Reply
from apimctl.edge.login.grants import ClientCredentials, Password, Refresh
from apimctl.edge.login.introspection import Introspection
from apimctl.edge.login.revocation import Revocation


class LoginServer(AuthorizationServer):  # type: ignore[misc]
    """Answers requests about tokens with status, body and headers."""

    def __init__(self) -> None:
        super().__init__()
        self.register_client_auth_method("none", _find_public)
        self.register_client_auth_method("client_secret", _authenticate_client)
        self.register_grant(ClientCredentials)
        self.register_grant(Password)
        self.register_grant(Refresh)
        self.register_grant(CodeGrant, [Pkce()])
        self.register_endpoint(Revocation)
        self.register_endpoint(Introspection)

    def answer_token(self, request: LoginRequest) -> Reply:
        """Answer a token request (RFC 6749 section 5)."""
        reply: Reply = self.create_token_response(request)
        return reply

    def answer_revocation(self, request: LoginRequest) -> Reply:
        """Answer a revocation request (RFC 7009 section 2)."""
        reply: Reply = self.create_endpoint_response(Revocation.ENDPOINT_NAME, request)
        return reply

    def answer_introspection(self, request: LoginRequest) -> Reply:
        """Answer an introspection request (RFC 7662 section 2)."""
        reply: Reply = self.create_endpoint_response(Introspection.ENDPOINT_NAME, request)
        return reply

    def create_oauth2_request(self, request: LoginRequest) -> LoginRequest:
        """Return the request as it is."""
        return request

    def handle_response(self, status: int, body: dict[str, Any], headers: Any) -> Reply:
        """Return what the web framework is to send."""
        return status, body, list(headers)

    def send_signal(self, name: str, *args: Any, **kwargs: Any) -> None:
        """Tell nobody: Authlib's signals are for Flask and Django."""

    def query_client(self, client_id: str) -> Client | None:  # noqa: ARG002
        """Find no client by its id alone: those who authenticate clients look up all at once."""
        return None

    def validate_requested_scope(self, scope: str | None) -> None:
        """Leave it to `scopes`: what may be granted depends on whose token it is."""


def _authenticate_client(
    query_client: Callable[[str], None],  # noqa: ARG001 - Authlib hands it to every method
    request: LoginRequest,
) -> Client:
    found = authenticate(request)
    if isinstance(found, OAuth2Error):
        # Authlib makes it the answer, so that the job ends well and what was counted stays.
        raise found
    return found


def _find_public(
    query_client: Callable[[str], None],  # noqa: ARG001 - as above
    request: LoginRequest,
) -> Client | None:
    return find_public(request)
