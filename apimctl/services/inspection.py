"""All that is known of one token, for whoever holds it and this store."""

from dataclasses import dataclass
from sqlite3 import Connection

from apimctl.domain.admission import check_subscription
from apimctl.domain.lifecycle import SERVING
from apimctl.domain.models import (
    AccessToken,
    Api,
    Application,
    Key,
    RefreshToken,
    TokenFormat,
    User,
)
from apimctl.errors import InvalidInputError
from apimctl.services import scopes, storefront, tokens


@dataclass(frozen=True, slots=True)
class Inspected:
    """A token, whose it is, what is left of its scope, and which APIs its application may call.

    `format` is None for a refresh token.
    """

    token: AccessToken | RefreshToken
    key: Key
    application: Application
    user: User | None
    format: TokenFormat | None
    living_scope: str
    apis: tuple[Api, ...]


def inspect(db: Connection, text: str) -> Inspected:
    """Return what is known of an access or refresh token.

    Raises InvalidInputError for what is none, NotFoundError for one that is not in the store.
    """
    token = _require(db, text)
    ((_, key, application, user),) = tokens.with_owners(db, [token])
    token_format = None
    if isinstance(token, AccessToken):
        token_format = TokenFormat.OPAQUE if text.startswith("apim_") else TokenFormat.JWT
    return Inspected(
        token,
        key,
        application,
        user,
        token_format,
        living_scope=scopes.living(db, token.scope, issued_at=token.issued_at),
        apis=_callable(db, key, application),
    )


def _require(db: Connection, text: str) -> AccessToken | RefreshToken:
    """Return the record of a token of either kind. Raises as `inspect`."""
    try:
        return tokens.require_access_token(db, text)
    except InvalidInputError:
        found = tokens.find_refresh_token(db, text)
        if found is None and not text.startswith("apim_rt"):
            raise
        return found or tokens.require_refresh_token(db, text)


def _callable(db: Connection, key: Key, application: Application) -> tuple[Api, ...]:
    """Return the APIs that serve the application's tokens of this key type, by name."""
    return tuple(
        api
        for subscription, api in storefront.list_subscribed(db, application)
        if api.state in SERVING
        and api.endpoint(key.key_type) is not None
        and check_subscription(api, subscription, key.key_type) is None
    )
