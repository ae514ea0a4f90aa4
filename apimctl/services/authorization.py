"""Authorization codes: what a user allowed a client, redeemed once (RFC 6749 section 4.1)."""

from sqlite3 import Connection

from apimctl.config import TokenSettings
from apimctl.domain import credentials
from apimctl.domain.credentials import Kind
from apimctl.domain.models import AuthorizationCode, Key, TokenState, User, has_expired
from apimctl.services import tokens
from apimctl.services.identifiers import RandomBytes, new_id
from apimctl.services.renewal import end_family
from apimctl.services.tokens import IssuedToken
from apimctl.tables import authorization_codes


def issue_code(
    db: Connection,
    key: Key,
    user: User,
    *,
    redirect_uri: str | None,
    code_challenge: str | None,
    scope: str,
    settings: TokenSettings,
    now: int,
    random: RandomBytes,
) -> str:
    """Return a new code, bound to the client, the user, and what the request said."""
    text = credentials.encode(
        Kind.AUTHORIZATION_CODE, key.key_type, random(credentials.RANDOM_BYTES)
    )
    code = AuthorizationCode(
        digest=credentials.digest(text),
        consumer_key=key.consumer_key,
        user_id=user.id,
        family_id=new_id(random),
        redirect_uri=redirect_uri,
        code_challenge=code_challenge,
        scope=scope,
        is_spent=False,
        issued_at=now,
        expires_at=now + settings.code_validity_seconds,
    )
    authorization_codes.insert(db, code)
    return text


def find_code(db: Connection, text: str, *, consumer_key: str) -> AuthorizationCode | None:
    """Return a code that was issued to this client, spent or expired ones too."""
    credential = credentials.parse(text)
    if credential is None or credential.kind is not Kind.AUTHORIZATION_CODE:
        return None
    code = authorization_codes.find(db, credential.digest)
    return code if code is not None and code.consumer_key == consumer_key else None


def redeem(
    db: Connection,
    key: Key,
    code: AuthorizationCode,
    *,
    scope: str,
    shorter_seconds: int | None,
    settings: TokenSettings,
    now: int,
    random: RandomBytes,
) -> IssuedToken | None:
    """Issue the tokens of a code, None for one that is spent or expired. They have this scope.

    `code` is what `find_code` returned in this same transaction: that makes one of several
    concurrent uses win. A second use ends all tokens the first one gave, and what they were renewed
    to (RFC 6749 section 4.1.2): commit that, whatever is answered.
    """
    if code.is_spent:
        end_family(db, code.family_id, TokenState.REVOKED)
        return None
    if has_expired(code.expires_at, now):
        return None
    authorization_codes.spend(db, code.digest)
    return tokens.issue_user_token(
        db,
        key,
        code.user_id,
        settings=settings,
        now=now,
        random=random,
        family_id=code.family_id,
        shorter_seconds=shorter_seconds,
        scope=scope,
    )
