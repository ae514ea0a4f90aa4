"""What a token is, told to a client or a resource server (RFC 7662)."""

from dataclasses import replace
from sqlite3 import Connection

from apimctl.domain.models import TokenState, has_expired
from apimctl.services import scopes, tokens
from apimctl.services.token_claims import Claims, claims_of
from apimctl.tables import applications, keys, users


def introspect(
    db: Connection, text: str, *, consumer_key: str | None, issuer: str, now: float
) -> Claims | None:
    """Return the claims of an access or refresh token, None for one that is not active.

    `consumer_key` is the client that asks, None where it may ask of every token: another client's
    token counts as unknown.
    """
    token = tokens.find_access_token(db, text) or tokens.find_refresh_token(db, text)
    if token is None or consumer_key not in {None, token.consumer_key}:
        return None
    if token.state is not TokenState.ACTIVE or has_expired(token.expires_at, now):
        return None
    key = keys.get(db, token.consumer_key)
    application = applications.find(db, key.application_id) if key else None
    if key is None or application is None:  # which the foreign keys prevent
        return None
    user = users.get(db, token.user_id) if token.user_id is not None else None
    token = replace(token, scope=scopes.living(db, token.scope, issued_at=token.issued_at))
    claims = claims_of(token, key=key, application=application, user=user, issuer=issuer)
    username = {"username": user.qualified_name} if user else {}
    return {**claims, **username, "token_type": "Bearer"}
