"""``/introspect`` (RFC 7662): for clients that can keep a secret."""

from authlib.oauth2.rfc7662 import IntrospectionEndpoint

from apimctl.edge.login.clients import Client
from apimctl.edge.login.context import LoginRequest
from apimctl.services import introspection
from apimctl.services.token_claims import Claims


class Introspection(IntrospectionEndpoint):  # type: ignore[misc]
    """Tells what a token is: the client's own, or any where the settings say so."""

    CLIENT_AUTH_METHODS = ("client_secret",)

    def authenticate_token(self, request: LoginRequest, client: Client) -> Claims | None:
        """Return the claims of the token, None where the client is to learn nothing of it.

        A hint is ignored: the token itself tells its type better.
        """
        context = request.context
        return introspection.introspect(
            context.db,
            request.form["token"],
            consumer_key=None if context.introspects_any else client.key.consumer_key,
            issuer=context.issuer,
            now=context.now - context.settings.timestamp_skew_seconds,
        )

    def create_introspection_payload(self, token: Claims | None) -> Claims:
        """Return the answer (RFC 7662 section 2.2): of a token that is not active, only that."""
        return {"active": False} if token is None else {"active": True, **token}
