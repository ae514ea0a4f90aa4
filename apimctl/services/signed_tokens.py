"""Access tokens as JWTs that a resource server can read by itself (RFC 9068)."""

import json
from sqlite3 import Connection

from apimctl.config import SigningSettings
from apimctl.domain import signed_tokens
from apimctl.domain.models import AccessToken, Key
from apimctl.domain.validity import LONGEST_SECONDS
from apimctl.errors import InvalidInputError
from apimctl.services import gateways, signing_keys
from apimctl.services.identifiers import RandomBytes
from apimctl.services.signing_keys import SigningSecret
from apimctl.services.token_claims import Claims, claims_of
from apimctl.tables import applications, user_roles, users


def sign(
    db: Connection,
    token: AccessToken,
    *,
    key: Key,
    settings: SigningSettings,
    now: int,
    random: RandomBytes,
) -> str:
    """Return the text of an access token of which all else is known.

    One that never ends says that it ends in a hundred years: RFC 9068 asks for an `exp`. Roles
    that make it too long are left out. Raises InvalidInputError for scopes that do, OSError,
    StoreUnreadableError.
    """
    secret = signing_keys.require_current(
        db, store_path=settings.store_path, now=now, random=random
    )
    claims = _claims(db, token, key=key, settings=settings)
    roles = user_roles.list_of(db, token.user_id) if token.user_id is not None else ()
    text = _serialize({**claims, "roles": list(roles)} if roles else claims, secret)
    if len(text) > signed_tokens.LONGEST and roles:
        text = _serialize(claims, secret)
    if len(text) > signed_tokens.LONGEST:
        raise InvalidInputError(
            f"the token would be longer than {signed_tokens.LONGEST} characters",
            hint="Ask for fewer scopes.",
        )
    signing_keys.note_use(db, secret.key, until=claims["exp"])
    return text


def _claims(db: Connection, token: AccessToken, *, key: Key, settings: SigningSettings) -> Claims:
    application = applications.find(db, key.application_id)
    if application is None:
        raise LookupError(key.application_id)
    issuer = settings.issuer or gateways.find_url(db) or settings.gateway_url
    claims = claims_of(
        token,
        key=key,
        application=application,
        user=users.get(db, token.user_id) if token.user_id is not None else None,
        issuer=issuer,
    )
    claims.setdefault("exp", token.issued_at + LONGEST_SECONDS)
    return {**claims, "aud": issuer}


def _serialize(claims: Claims, secret: SigningSecret) -> str:
    from joserfc import jws  # noqa: PLC0415 - only who signs needs it

    header = signed_tokens.header(secret.key.algorithm, key_id=secret.key.id)
    payload = json.dumps(claims, ensure_ascii=False, separators=(",", ":"))
    return jws.serialize_compact(header, payload, secret.private)
