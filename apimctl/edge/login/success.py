"""What a client gets with its tokens (RFC 6749 section 5.1)."""

from typing import Any

from apimctl.domain import validity
from apimctl.services.tokens import IssuedToken


def success(issued: IssuedToken) -> dict[str, Any]:
    """Return the body of the answer; a token that never expires has no expires_in."""
    body: dict[str, Any] = {"access_token": issued.access_token, "token_type": "Bearer"}
    if issued.validity_seconds != validity.NEVER:
        body["expires_in"] = issued.validity_seconds
    if issued.refresh_token is not None:
        body["refresh_token"] = issued.refresh_token
    body["scope"] = issued.token.scope
    return body
