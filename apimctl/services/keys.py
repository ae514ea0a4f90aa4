"""Keys: generate, change and rotate the consumer key of an application (SPEC section 2)."""

import shlex
from collections.abc import Iterable
from dataclasses import dataclass, field, replace
from sqlite3 import Connection

from apimctl.config import TokenSettings
from apimctl.domain import credentials
from apimctl.domain.credentials import Kind
from apimctl.domain.models import AccessToken, Application, ConsumerSecret, Key, KeyType
from apimctl.errors import ConflictError, NotFoundError
from apimctl.services import tokens
from apimctl.services.identifiers import RandomBytes
from apimctl.services.tokens import IssuedToken
from apimctl.tables import access_tokens, applications, keys
from apimctl.tables.changes import ChangeKind, announce

ENDED_SECRET_SECONDS = 90 * 24 * 3600


@dataclass(frozen=True, slots=True)
class GeneratedKey:
    """A new key with the two secrets that are shown once: consumer secret and access token.

    That of a public application has no consumer secret.
    """

    key: Key
    consumer_secret: str | None = field(repr=False)
    issued: IssuedToken


def find(db: Connection, application: Application, key_type: KeyType) -> Key | None:
    """Return the application's key of that type."""
    for key in keys.list_of_application(db, application.id):
        if key.key_type is key_type:
            return key
    return None


def require(db: Connection, application: Application, key_type: KeyType) -> Key:
    """Return the application's key of that type. Raises NotFoundError."""
    key = find(db, application, key_type)
    if key is None:
        app = "" if application.id == "default" else f" --app {shlex.quote(application.name)}"
        raise NotFoundError(
            f"{application.name!r} has no {key_type.lower()} key",
            hint=f"apimctl key generate{app} --{key_type.lower()}",
        )
    return key


def list_of(db: Connection, application: Application) -> list[Key]:
    """Return the application's keys, production before sandbox."""
    return keys.list_of_application(db, application.id)


def choose(db: Connection, application: Application) -> Key:
    """Return the production key, or the sandbox key of an application that has only that.

    Raises NotFoundError.
    """
    found = list_of(db, application)
    return found[0] if found else require(db, application, KeyType.PRODUCTION)


def current_token(db: Connection, key: Key) -> AccessToken | None:
    """Return the application token that the next re-generation replaces."""
    return access_tokens.get(db, key.current_token_id) if key.current_token_id else None


def list_with_applications(db: Connection) -> list[tuple[Key, Application]]:
    """Return all keys, the oldest first, each with its application."""
    by_id = {application.id: application for application in applications.list_all(db)}
    return [(key, by_id[key.application_id]) for key in keys.list_all(db)]


def generate(
    db: Connection,
    application: Application,
    key_type: KeyType,
    *,
    allowed_domains: Iterable[str],
    validity_seconds: int | None,
    settings: TokenSettings,
    now: int,
    random: RandomBytes,
) -> GeneratedKey:
    """Make consumer key, consumer secret and the first application access token.

    A public application gets no secret, as it could keep none (RFC 6749 section 2.1).
    `validity_seconds` None follows the configured default. Raises ConflictError if the application
    has a key of that type already.
    """
    if find(db, application, key_type):
        raise ConflictError(
            f"{application.name!r} has a {key_type.lower()} key already",
            hint="apimctl token renew makes a new access token, apimctl key rotate a new secret.",
        )
    key = Key(
        consumer_key=credentials.encode(
            Kind.CONSUMER_KEY, key_type, random(credentials.RANDOM_BYTES)
        ),
        application_id=application.id,
        key_type=key_type,
        allowed_domains=tuple(allowed_domains),
        validity_seconds=validity_seconds,
        current_token_id=None,
        created_at=now,
    )
    keys.insert(db, key)
    consumer_secret = None
    if not application.is_public:
        consumer_secret = _add_secret(db, key, now=now, random=random)
    issued = tokens.issue_application_token(db, key, settings=settings, now=now, random=random)
    key = replace(key, current_token_id=issued.token.id)
    keys.update(db, key)
    return GeneratedKey(key, consumer_secret, issued)


def update(
    db: Connection,
    key: Key,
    *,
    allowed_domains: Iterable[str] | None = None,
    validity_seconds: int | None = None,
    has_default_validity: bool = False,
) -> Key:
    """Change allowed domains (with the next request) and validity (of tokens issued from now on).

    None leaves as it is; with `has_default_validity` the key has none of its own any more.
    """
    if allowed_domains is not None:
        key = replace(key, allowed_domains=tuple(allowed_domains))
    if validity_seconds is not None:
        key = replace(key, validity_seconds=validity_seconds)
    elif has_default_validity:
        key = replace(key, validity_seconds=None)
    keys.update(db, key)
    announce(db, ChangeKind.KEY, key.consumer_key)
    return key


def rotate(db: Connection, key: Key, *, grace_seconds: int, now: int, random: RandomBytes) -> str:
    """Return a new consumer secret; the old ones stay valid for the grace, 0 for not at all.

    They are remembered for a while after that: who still sends one is refused, but guesses nothing.
    Raises ConflictError for the key of a public application, which has none.
    """
    application = applications.find(db, key.application_id)
    if application is not None and application.is_public:
        raise ConflictError(
            f"{application.name!r} is public and keeps no secret",
            hint="If it can keep one: apimctl app update "
            f"{shlex.quote(application.name)} --confidential, then rotate.",
        )
    keys.end_secrets(db, key.consumer_key, expires_at=now + grace_seconds)
    keys.delete_secrets_ended(db, key.consumer_key, now=now - ENDED_SECRET_SECONDS)
    return _add_secret(db, key, now=now, random=random)


def delete(db: Connection, key: Key) -> None:
    """Remove a key; its tokens stop with the next request."""
    announce(db, ChangeKind.KEY, key.consumer_key)
    keys.delete(db, key.consumer_key)


def _add_secret(db: Connection, key: Key, *, now: int, random: RandomBytes) -> str:
    secret = credentials.encode(
        Kind.CONSUMER_SECRET, key.key_type, random(credentials.RANDOM_BYTES)
    )
    record = ConsumerSecret(
        digest=credentials.digest(secret),
        consumer_key=key.consumer_key,
        hint=credentials.hint(secret),
        created_at=now,
        expires_at=None,
    )
    keys.insert_secret(db, record)
    return secret
