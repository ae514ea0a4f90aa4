"""What a token gets of the scope that was requested for it, or `invalid_scope` (RFC 6749 3.3)."""

from authlib.oauth2.rfc6749 import InvalidScopeError

from apimctl.domain.models import AuthorizationCode, RefreshToken, User
from apimctl.domain.scopes import Granted, ScopeRefusal
from apimctl.edge.login.context import LoginRequest
from apimctl.services import scopes


def of_application(request: LoginRequest) -> str:
    """Return the scope of a token for the client itself. Raises InvalidScopeError."""
    application = request.client.application
    return _text(
        scopes.grant_to_application(request.context.db, request.payload.scope, application)
    )


def of_user(request: LoginRequest, user_id: str) -> str:
    """Return the scope of a token for the user. Raises InvalidScopeError."""
    return _text(scopes.grant(request.context.db, request.payload.scope, user_id=user_id))


def to_be_allowed(request: LoginRequest, user: User | None) -> Granted:
    """Return what the user could allow, nothing while nobody has logged in.

    Raises InvalidScopeError, then too for a scope that nobody could.
    """
    db, requested = request.context.db, request.payload.scope
    if user is not None:
        return _granted(scopes.grant(db, requested, user_id=user.id))
    if not scopes.is_known(db, requested):
        raise InvalidScopeError(str(ScopeRefusal.UNKNOWN))
    return Granted()


def of_code(request: LoginRequest, code: AuthorizationCode) -> str:
    """Return the scope of the token for a code: what was allowed, as far as it still may be."""
    return scopes.regrant(
        request.context.db, code.scope, granted_at=code.issued_at, user_id=code.user_id
    ).text


def of_renewal(request: LoginRequest, redeemed: RefreshToken) -> str:
    """Return the scope of a renewed access token: what is requested, all if nothing is.

    Authlib has seen to it that it is none but the refresh token's. Raises InvalidScopeError.
    """
    if request.payload.scope is not None:
        return of_user(request, redeemed.user_id)
    return scopes.regrant(
        request.context.db,
        redeemed.scope,
        granted_at=redeemed.issued_at,
        user_id=redeemed.user_id,
    ).text


def _text(granted: Granted | ScopeRefusal) -> str:
    return _granted(granted).text


def _granted(granted: Granted | ScopeRefusal) -> Granted:
    if isinstance(granted, ScopeRefusal):
        raise InvalidScopeError(str(granted))
    return granted
