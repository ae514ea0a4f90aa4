"""Access and refresh tokens: issue, find, list (SPEC section 2)."""

import functools
from collections.abc import Iterable
from dataclasses import dataclass, field
from sqlite3 import Connection
from typing import Any, TypeVar

from apimctl.config import TokenSettings
from apimctl.domain import bearer, credentials, validity
from apimctl.domain.credentials import Kind
from apimctl.domain.models import (
    BASE_PARTITION,
    AccessToken,
    Application,
    Key,
    RefreshToken,
    TokenFormat,
    TokenState,
    User,
)
from apimctl.domain.scopes import DEFAULT_SCOPE
from apimctl.domain.signed_tokens import PREFIX
from apimctl.errors import InvalidInputError, NotFoundError
from apimctl.services import partitions, signed_tokens
from apimctl.services.identifiers import RandomBytes, new_id
from apimctl.tables import access_tokens, applications, keys, refresh_tokens, users

_Token = TypeVar("_Token", bound=AccessToken | RefreshToken)


@dataclass(frozen=True, slots=True)
class IssuedToken:
    """A new token: the record that is kept and the secrets that are shown once.

    `validity_seconds` is `NEVER` for never.
    """

    token: AccessToken
    validity_seconds: int
    access_token: str = field(repr=False)
    refresh_token: str | None = field(repr=False, default=None)


def issue_application_token(
    db: Connection,
    key: Key,
    *,
    settings: TokenSettings,
    now: int,
    random: RandomBytes,
    validity_seconds: int | None = None,
    scope: str = DEFAULT_SCOPE,
    token_format: TokenFormat | None = None,
) -> IssuedToken:
    """Issue a token for the application itself, without refresh token (RFC 6749 section 4.4.3).

    It lives as long as the key says, else as configured; `validity_seconds` overrides both.
    `token_format` is the application's, for who knows it already.
    """
    if validity_seconds is None:
        validity_seconds = application_validity(key, settings)
    return _issue(
        db,
        key,
        user_id=None,
        family_id=None,
        partition=BASE_PARTITION,
        validity_seconds=validity_seconds,
        scope=scope,
        token_format=token_format,
        settings=settings,
        now=now,
        random=random,
    )


def issue_user_token(
    db: Connection,
    key: Key,
    user_id: str,
    *,
    settings: TokenSettings,
    now: int,
    random: RandomBytes,
    family_id: str | None = None,
    shorter_seconds: int | None = None,
    scope: str = DEFAULT_SCOPE,
    refresh_scope: str | None = None,
) -> IssuedToken:
    """Issue a token for a user, with a refresh token of the same family (a new one for None).

    Both go into the partition that is configured for the user. The access token lives as
    configured, no longer than the key says and no longer than `shorter_seconds`. The refresh token
    has the same scope, unless it is to have a wider one.
    """
    family_id = family_id or new_id(random)
    partition = partitions.choose(db, user_id, settings=settings, now=now)
    issued = _issue(
        db,
        key,
        user_id=user_id,
        family_id=family_id,
        partition=partition,
        validity_seconds=validity.shortest(user_validity(key, settings), shorter_seconds),
        scope=scope,
        settings=settings,
        now=now,
        random=random,
    )
    secret = credentials.encode(
        Kind.REFRESH_TOKEN, key.key_type, random(credentials.RANDOM_BYTES), partition=partition
    )
    record = RefreshToken(
        digest=credentials.digest(secret),
        family_id=family_id,
        consumer_key=key.consumer_key,
        user_id=user_id,
        state=TokenState.ACTIVE,
        scope=scope if refresh_scope is None else refresh_scope,
        hint=credentials.hint(secret),
        issued_at=now,
        expires_at=validity.expires_at(now, settings.refresh_validity_seconds),
        partition=partition,
    )
    refresh_tokens.insert(db, record)
    return IssuedToken(issued.token, issued.validity_seconds, issued.access_token, secret)


def application_validity(key: Key, settings: TokenSettings) -> int:
    """Return how long the key's application tokens live: its own validity, else the default."""
    if key.validity_seconds is not None:
        return key.validity_seconds
    return settings.application_validity_seconds


def user_validity(key: Key, settings: TokenSettings) -> int:
    """Return how long the key's user tokens live: as configured, no longer than its own validity.

    So a key whose application tokens never expire does not make user tokens immortal.
    """
    return validity.shortest(settings.user_validity_seconds, key.validity_seconds)


def require_access_token(db: Connection, text: str) -> AccessToken:
    """Return the record of an access token. Raises InvalidInputError, NotFoundError."""
    if bearer.recognise(text) is None:
        raise InvalidInputError(
            "that is not an access token",
            hint=f"Copy it whole: it starts with apim_at, or as a JWT with {PREFIX}.",
        )
    token = find_access_token(db, text)
    if token is None:
        raise NotFoundError(
            "no such access token is in this store", hint="apimctl token list shows what is."
        )
    return token


def find_access_token(db: Connection, text: str) -> AccessToken | None:
    """Return the record of an access token, None where it is malformed or not known."""
    recognised = bearer.recognise(text)
    if recognised is None:
        return None
    return access_tokens.find(db, recognised.digest, partition=recognised.partition)


def require_refresh_token(db: Connection, text: str) -> RefreshToken:
    """Return the record of a refresh token. Raises NotFoundError."""
    token = find_refresh_token(db, text)
    if token is None:
        raise NotFoundError(
            "no such refresh token is in this store", hint="The user has to log in again."
        )
    return token


def find_refresh_token(db: Connection, text: str) -> RefreshToken | None:
    """Return the record of a refresh token, None where it is malformed or not known."""
    credential = credentials.parse(text)
    if credential is None or credential.kind is not Kind.REFRESH_TOKEN:
        return None
    return refresh_tokens.find(db, credential.digest, partition=credential.partition)


def with_owners(
    db: Connection, found: Iterable[_Token]
) -> list[tuple[_Token, Key, Application, User | None]]:
    """Return each token with its key, its application, and its user if it has one."""
    listed = list(found)
    user_ids = {token.user_id for token in listed if token.user_id}
    users_by_id = users.get_several(db, user_ids)
    find_key = functools.cache(functools.partial(keys.get, db))
    find_application = functools.cache(functools.partial(applications.find, db))
    rows = []
    for token in listed:
        key = find_key(token.consumer_key)
        application = find_application(key.application_id) if key else None
        user = users_by_id.get(token.user_id) if token.user_id else None
        if key is None or application is None:
            raise AssertionError(token)  # it refers to both
        rows.append((token, key, application, user))
    return rows


def _issue(
    db: Connection,
    key: Key,
    *,
    user_id: str | None,
    family_id: str | None,
    partition: str,
    validity_seconds: int,
    scope: str,
    settings: TokenSettings,
    now: int,
    random: RandomBytes,
    token_format: TokenFormat | None = None,
) -> IssuedToken:
    known: dict[str, Any] = {
        "id": new_id(random),
        "consumer_key": key.consumer_key,
        "user_id": user_id,
        "family_id": family_id,
        "state": TokenState.ACTIVE,
        "scope": scope,
        "issued_at": now,
        "expires_at": validity.expires_at(now, validity_seconds),
        "partition": partition,
    }
    token_format = token_format or applications.find_token_format(db, key.application_id)
    if token_format is TokenFormat.JWT:
        unsigned = AccessToken(digest="", hint="", **known)
        secret = signed_tokens.sign(
            db, unsigned, key=key, settings=settings.signing, now=now, random=random
        )
    else:
        secret = credentials.encode(
            Kind.ACCESS_TOKEN, key.key_type, random(credentials.RANDOM_BYTES), partition=partition
        )
    token = AccessToken(digest=credentials.digest(secret), hint=credentials.hint(secret), **known)
    access_tokens.insert(db, token)
    return IssuedToken(token, validity_seconds, secret)
