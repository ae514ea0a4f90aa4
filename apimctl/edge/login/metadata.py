"""What a client can find out about the Login API by itself (RFC 8414)."""

from collections.abc import Collection
from typing import Any

from apimctl.config import LoginApiSettings
from apimctl.domain.models import GrantType
from apimctl.edge.login.code_grant import CHALLENGE_METHOD, RESPONSE_MODE, RESPONSE_TYPE
from apimctl.edge.request import Request

CLIENT_AUTHENTICATION = ["client_secret_basic", "client_secret_post"]
PUBLIC_TOO = [*CLIENT_AUTHENTICATION, "none"]

KEYS_PATH = "/.well-known/jwks.json"


def issuer_of(request: Request, settings: LoginApiSettings) -> str:
    """Return the URL that names the Login API: as configured, else as the client calls it."""
    return settings.issuer or f"{request.scheme}://{request.host}"


def describe(issuer: str, settings: LoginApiSettings, *, scopes: Collection[str]) -> dict[str, Any]:
    """Return the metadata (RFC 8414 section 2)."""
    issues_codes = GrantType.AUTHORIZATION_CODE in settings.grants
    authorization = {
        "authorization_endpoint": f"{issuer}/authorize",
        "response_modes_supported": [RESPONSE_MODE],
        "code_challenge_methods_supported": [CHALLENGE_METHOD],
        "authorization_response_iss_parameter_supported": True,
    }
    return {
        "issuer": issuer,
        **(authorization if issues_codes else {}),
        "token_endpoint": f"{issuer}/token",
        "revocation_endpoint": f"{issuer}/revoke",
        "introspection_endpoint": f"{issuer}/introspect",
        "jwks_uri": f"{issuer}{KEYS_PATH}",
        "scopes_supported": sorted(scopes),
        "grant_types_supported": sorted(settings.grants),
        "response_types_supported": [RESPONSE_TYPE] if issues_codes else [],
        "token_endpoint_auth_methods_supported": PUBLIC_TOO,
        "revocation_endpoint_auth_methods_supported": PUBLIC_TOO,
        "introspection_endpoint_auth_methods_supported": CLIENT_AUTHENTICATION,
    }
