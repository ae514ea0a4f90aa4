"""What a token says of itself, in the words of RFC 7662 and RFC 9068."""

from typing import Any

from apimctl.domain import signed_tokens
from apimctl.domain.models import AccessToken, Application, Key, RefreshToken, User

Claims = dict[str, Any]


def claims_of(
    token: AccessToken | RefreshToken,
    *,
    key: Key,
    application: Application,
    user: User | None,
    issuer: str,
) -> Claims:
    """Return the claims of a token; one that never ends has no `exp`.

    `sub` is the user, or the consumer key where the application speaks for itself (RFC 9068
    section 2.2). Points in time are UTC epoch seconds.
    """
    claims: Claims = {
        "iss": issuer,
        "sub": user.qualified_name if user else key.consumer_key,
        "client_id": key.consumer_key,
        # It is rounded up when a token is issued, and strict readers take no token of the future.
        "iat": token.issued_at - 1,
        "scope": token.scope,
        "key_type": str(key.key_type),
        "application": application.name,
    }
    if token.expires_at is not None:
        claims["exp"] = token.expires_at
    if isinstance(token, AccessToken):
        claims["jti"] = signed_tokens.token_id(token.partition, token.id)
    return claims
