"""What a token gets of the scope that was requested for it, or `invalid_scope` (RFC 6749 3.3)."""

from authlib.oauth2.rfc6749 import InvalidScopeError

from apimctl.domain.models import AuthorizationCode, RefreshToken, User
from apimctl.domain.scopes import Granted, ScopeRefusal
from apimctl.edge.login.context import LoginRequest
from apimctl.services import scopes


def of_application(request: LoginRequest) -> str:
    """Return the scope of a token for the client itself. Raises InvalidScopeError."""
    return _text(
        scopes.grant_to_application(
            request.context.db,
            request.payload.scope,
            application_id=request.client.key.application_id,
        )
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
    """Return the scope of the token for a code: what was allowed, but for roles lost meanwhile."""
    return scopes.regrant(request.context.db, code.scope, user_id=code.user_id).text


def of_renewal(request: LoginRequest, redeemed: RefreshToken) -> str:
    """Return the scope of a renewed access token: what is requested, all if nothing is.

    Authlib has seen to it that it is none but the refresh token's. Raises InvalidScopeError.
    """
    db, user_id = request.context.db, redeemed.user_id
    if request.payload.scope is None:
        return scopes.regrant(db, redeemed.scope, user_id=user_id).text
    return _text(scopes.grant(db, request.payload.scope, user_id=user_id))


def _text(granted: Granted | ScopeRefusal) -> str:
    return _granted(granted).text


def _granted(granted: Granted | ScopeRefusal) -> Granted:
    if isinstance(granted, ScopeRefusal):
        raise InvalidScopeError(str(granted))
    return granted
