"""``/revoke`` (RFC 7009)."""

from authlib.oauth2.rfc7009 import RevocationEndpoint

from apimctl.domain.models import TokenState
from apimctl.edge.login import entries
from apimctl.edge.login.clients import Client
from apimctl.edge.login.context import AUTHENTICATION_METHODS, LoginRequest
from apimctl.services import revocation


class Revocation(RevocationEndpoint):  # type: ignore[misc]
    """Ends a token of the client that asks, and the other one of its family."""

    CLIENT_AUTH_METHODS = AUTHENTICATION_METHODS

    def query_token(self, token_string: str, token_type_hint: str | None) -> str:  # noqa: ARG002
        """Return the token itself: its prefix tells its type better than any hint."""
        return token_string

    def authenticate_token(self, request: LoginRequest, client: Client) -> str:  # noqa: ARG002
        """Return the token as it is. A hint that is unknown is ignored (RFC 7009 section 2.2)."""
        return request.form["token"]

    def revoke_token(self, token: str, request: LoginRequest) -> None:
        """Revoke the token, if it is the client's."""
        consumer_key = request.client.key.consumer_key
        revoked = revocation.revoke(request.context.db, token, consumer_key=consumer_key)
        if revoked is not None and revoked.state is TokenState.ACTIVE:
            entries.record(request, "token.revoke", revoked)
