"""Re-generating application tokens and renewing user tokens (SPEC section 2)."""

from dataclasses import dataclass, replace
from enum import StrEnum
from sqlite3 import Connection

from apimctl.config import TokenSettings
from apimctl.domain.models import Application, Key, RefreshToken, TokenState, has_expired
from apimctl.errors import ApimctlError, DeniedError, NotFoundError
from apimctl.services import keys, scopes, tokens
from apimctl.services.identifiers import RandomBytes
from apimctl.services.tokens import IssuedToken
from apimctl.tables import access_tokens, refresh_tokens
from apimctl.tables import keys as key_rows
from apimctl.tables.changes import ChangeKind, announce


class SpentReason(StrEnum):
    """Why a refresh token renews nothing."""

    UNKNOWN = "it is malformed or not known"
    FOREIGN = "it belongs to another consumer key"
    REPLAYED = "it was used before, which ends all tokens that descend from it"
    REVOKED = "it was revoked"
    EXPIRED = "its time is over"


@dataclass(frozen=True, slots=True)
class RenewedToken:
    """A renewed user token, with the key and the application it belongs to."""

    application: Application
    key: Key
    issued: IssuedToken


def renew_application_token(
    db: Connection,
    key: Key,
    *,
    validity_seconds: int | None,
    grace_seconds: int,
    settings: TokenSettings,
    now: int,
    random: RandomBytes,
) -> IssuedToken:
    """Re-generate: end the key's current application token and issue a new one.

    The old one is REVOKED, or ends after the grace. A validity becomes the key's own.
    """
    if validity_seconds is not None:
        key = replace(key, validity_seconds=validity_seconds)
    current = keys.current_token(db, key)
    if current and current.state is TokenState.ACTIVE:
        if grace_seconds == 0:
            access_tokens.set_state(db, current, TokenState.REVOKED)
        elif current.expires_at is None or current.expires_at > now + grace_seconds:
            access_tokens.set_expiry(db, current, now + grace_seconds)
        announce(db, ChangeKind.TOKEN, current.digest)
    issued = tokens.issue_application_token(db, key, settings=settings, now=now, random=random)
    key_rows.update(db, replace(key, current_token_id=issued.token.id))
    return issued


def redeem(
    db: Connection, text: str, *, consumer_key: str | None, now: int
) -> RefreshToken | SpentReason:
    """Return the refresh token that may be renewed, or why it may not.

    `consumer_key` is the client that presents it, None for an administrator. One that was spent
    before revokes its whole family (RFC 9700 section 4.14.2): commit that, whatever is answered.
    """
    token = tokens.find_refresh_token(db, text)
    if token is None:
        return SpentReason.UNKNOWN
    if consumer_key is not None and token.consumer_key != consumer_key:
        return SpentReason.FOREIGN
    if token.state is TokenState.INACTIVE:
        end_family(db, token.family_id, TokenState.REVOKED)
        return SpentReason.REPLAYED
    if token.state is not TokenState.ACTIVE:
        return SpentReason.REVOKED
    if has_expired(token.expires_at, now):
        return SpentReason.EXPIRED
    return replace(token, scope=scopes.living(db, token.scope, issued_at=token.issued_at))


def renew_user_token(
    db: Connection,
    key: Key,
    redeemed: RefreshToken,
    *,
    scope: str,
    shorter_seconds: int | None,
    settings: TokenSettings,
    now: int,
    random: RandomBytes,
) -> IssuedToken:
    """Issue a new access and refresh token; the old ones become INACTIVE at once.

    The new ones go into the partition that is configured now, wherever the old ones are.
    `redeemed` is what `redeem` returned in this same transaction: that makes one of several
    concurrent renewals win. `scope` is the access token's; the refresh token keeps what it has
    (RFC 6749 section 6), so that a later renewal may ask for all of it again.
    """
    end_family(db, redeemed.family_id, TokenState.INACTIVE)
    return tokens.issue_user_token(
        db,
        key,
        redeemed.user_id,
        settings=settings,
        now=now,
        random=random,
        family_id=redeemed.family_id,
        shorter_seconds=shorter_seconds,
        scope=scope,
        refresh_scope=redeemed.scope,
    )


def renew_as_administrator(
    db: Connection, text: str, *, settings: TokenSettings, now: int, random: RandomBytes
) -> RenewedToken | SpentReason:
    """Renew a user token for someone who holds its refresh token and this store.

    Returns why not as a value, so that a replay is committed as the revocation it is.
    """
    redeemed = redeem(db, text, consumer_key=None, now=now)
    if isinstance(redeemed, SpentReason):
        return redeemed
    for key, application in keys.list_with_applications(db):
        if key.consumer_key == redeemed.consumer_key:
            issued = renew_user_token(
                db,
                key,
                redeemed,
                scope=scopes.regrant(
                    db,
                    redeemed.scope,
                    granted_at=redeemed.issued_at,
                    user_id=redeemed.user_id,
                ).text,
                shorter_seconds=None,
                settings=settings,
                now=now,
                random=random,
            )
            return RenewedToken(application, key, issued)
    return SpentReason.UNKNOWN


def refusal(reason: SpentReason) -> ApimctlError:
    """Return the error of a renewal that was refused."""
    if reason is SpentReason.UNKNOWN:
        return NotFoundError(
            f"the refresh token renews nothing: {reason}",
            hint="Copy it whole: it starts with apim_rt.",
        )
    return DeniedError(
        f"the refresh token renews nothing: {reason}", hint="The user has to log in again."
    )


def end_family(db: Connection, family_id: str, state: TokenState) -> None:
    """Give the ACTIVE access and refresh tokens of a family another state, at once.

    A family may be spread over partitions: each renewal goes where the settings say by then.
    """
    for digest in access_tokens.end_active_of_family(db, family_id, state):
        announce(db, ChangeKind.TOKEN, digest)
    refresh_tokens.end_active_of_family(db, family_id, state)
