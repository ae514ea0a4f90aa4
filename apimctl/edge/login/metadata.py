"""What a client can find out about the Login API by itself (RFC 8414)."""

from typing import Any

from apimctl.config import LoginApiSettings
from apimctl.edge.request import Request

CLIENT_AUTHENTICATION = ["client_secret_basic", "client_secret_post"]


def issuer_of(request: Request, settings: LoginApiSettings) -> str:
    """Return the URL that names the Login API: as configured, else as the client calls it."""
    return settings.issuer or f"{request.scheme}://{request.host}"


def describe(issuer: str, settings: LoginApiSettings) -> dict[str, Any]:
    """Return the metadata (RFC 8414 section 2)."""
    return {
        "issuer": issuer,
        "token_endpoint": f"{issuer}/token",
        "revocation_endpoint": f"{issuer}/revoke",
        "introspection_endpoint": f"{issuer}/introspect",
        "grant_types_supported": sorted(settings.grants),
        "response_types_supported": [],
        "token_endpoint_auth_methods_supported": CLIENT_AUTHENTICATION,
        "revocation_endpoint_auth_methods_supported": CLIENT_AUTHENTICATION,
        "introspection_endpoint_auth_methods_supported": CLIENT_AUTHENTICATION,
    }
