"""Revoking tokens: obeyed by the gateway's next request (RFC 7009, SPEC section 4)."""

from sqlite3 import Connection

from apimctl.domain import credentials
from apimctl.domain.models import AccessToken, Key, RefreshToken, TokenState
from apimctl.domain.signed_tokens import PREFIX, identifier_of
from apimctl.errors import InvalidInputError, NotFoundError
from apimctl.services import tokens
from apimctl.services.renewal import end_family
from apimctl.tables import access_tokens, refresh_tokens
from apimctl.tables.changes import ChangeKind, announce


def revoke(
    db: Connection, text: str, *, consumer_key: str | None = None
) -> AccessToken | RefreshToken | None:
    """Revoke an access or refresh token, and the other one with it.

    Returns the token as it was before, None for one that is not known. `consumer_key` is the client
    that asks, None for an administrator: another client's token counts as unknown.
    """
    token = tokens.find_access_token(db, text)
    if token is not None:
        if consumer_key not in {None, token.consumer_key}:
            return None
        revoke_access_token(db, token)
        return token
    refresh = tokens.find_refresh_token(db, text)
    if refresh is None or consumer_key not in {None, refresh.consumer_key}:
        return None
    if refresh.state is TokenState.ACTIVE:
        end_family(db, refresh.family_id, TokenState.REVOKED)
    return refresh


def require_and_revoke(db: Connection, text: str) -> AccessToken | RefreshToken:
    """Revoke a token on behalf of an administrator, and return it as it was.

    Raises InvalidInputError, NotFoundError.
    """
    if credentials.parse(text) is None:
        raise InvalidInputError(
            "that is not a token",
            hint=f"Copy it whole: it starts with apim_at or apim_rt, or as a JWT with {PREFIX}.",
        )
    token = revoke(db, text)
    if token is None:
        raise NotFoundError(
            "no such token is in this store", hint="apimctl token list shows what is."
        )
    return token


def revoke_by_id(db: Connection, token_id: str) -> AccessToken:
    """Revoke the access token with that id, or with that `jti`, and return it as it was.

    Raises NotFoundError.
    """
    token = access_tokens.get(db, identifier_of(token_id))
    if token is None:
        raise NotFoundError(
            f"there is no access token {token_id!r}", hint="apimctl token list shows the ids."
        )
    revoke_access_token(db, token)
    return token


def is_revocable(token: AccessToken | RefreshToken, now: int) -> bool:
    """Return whether revoking the token ends anything.

    That is one that works; an expired one only if another could renew it, or lives longer.
    """
    if token.state is not TokenState.ACTIVE:
        return False
    return token.family_id is not None or token.state_at(now) is TokenState.ACTIVE


def revoke_access_token(db: Connection, token: AccessToken) -> None:
    """Revoke an access token, and the refresh token that could renew it."""
    if token.state is not TokenState.ACTIVE:
        return
    if token.family_id is not None:
        end_family(db, token.family_id, TokenState.REVOKED)
    access_tokens.set_state(db, token, TokenState.REVOKED)
    announce(db, ChangeKind.TOKEN, token.digest)


def revoke_all(db: Connection, key: Key) -> int:
    """Revoke every token of a key and return how many access tokens that were."""
    count = access_tokens.revoke_active_of_key(db, key.consumer_key)
    refresh_tokens.revoke_active_of_key(db, key.consumer_key)
    announce(db, ChangeKind.TOKENS_OF_KEY, key.consumer_key)
    return count
