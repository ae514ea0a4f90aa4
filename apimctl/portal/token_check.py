"""A token that somebody has in hand: what it is, renewing it, revoking it. It is never shown again.

It comes in the body of a request, is not kept, and stands on no page. What is not a token of the
user's own applications counts as unknown, whoever made it.
"""

from sqlite3 import Connection
from typing import Any

from apimctl.domain.models import AccessToken, GrantType, RefreshToken
from apimctl.errors import DeniedError
from apimctl.portal.forms import Form
from apimctl.portal.replies import Page, Redirect, Reply
from apimctl.portal.routes import Access, Post, Route
from apimctl.portal.visits import Visit
from apimctl.services import applications, inspection, own_tokens, renewal, revocation, tokens
from apimctl.services.renewal import RenewedToken, SpentReason

PATH = "/store/tokens"
RENEW_PATH = f"{PATH}/renew"
REVOKE_PATH = f"{PATH}/revoke"

FIELD = "token"


def show(visit: Visit, _db: Connection) -> Reply:
    """Ask for a token."""
    return _page(visit)


def lead_back(_visit: Visit, _db: Connection) -> Reply:
    """Lead from the address of a form to the page that shows it."""
    return Redirect(PATH)


def check(visit: Visit, db: Connection) -> Reply:
    """Show what is known of a token. Raises FormError."""
    form = visit.submitted()
    text, token = _require(visit, db, form)
    found = inspection.inspect(db, text)
    return _page(
        visit,
        found=found,
        is_access=isinstance(token, AccessToken),
        is_revocable=revocation.is_revocable(token, visit.now),
    )


def renew(visit: Visit, db: Connection) -> Reply:
    """Renew a user token, and show the new ones this once. Raises FormError.

    A refresh token that was used before ends all that descend from it: that is no refusal, which
    would do nothing, but is committed and then said.
    """
    form = visit.submitted()
    text, token = _require(visit, db, form)
    if not isinstance(token, RefreshToken):
        raise form.refuse(FIELD, "This is an access token", hint="A refresh token renews it.")
    with form.blaming(FIELD):
        _require_grant(visit, db, token)
    renewed = renewal.renew_as_administrator(
        db, text, settings=visit.settings.tokens, **visit.moment
    )
    if isinstance(renewed, RenewedToken):
        visit.audit_token(db, "token.renew", renewed.issued.token)
        return _page(visit, renewed=renewed)
    if renewed is SpentReason.REPLAYED:
        visit.audit_token(db, "token.replay", token)
        return _page(visit, is_replayed=True, status=DeniedError.http_status)
    with form.blaming(FIELD):
        raise renewal.refusal(renewed)


def revoke(visit: Visit, db: Connection) -> Reply:
    """Revoke a token and the other one with it, unless it is over. Raises FormError."""
    text, token = _require(visit, db, visit.submitted())
    if not revocation.is_revocable(token, visit.now):
        return Redirect(PATH, done="token-over")
    visit.audit_token(db, "token.revoke", revocation.require_and_revoke(db, text))
    return Redirect(PATH, done="token-revoked")


def _require(visit: Visit, db: Connection, form: Form) -> tuple[str, AccessToken | RefreshToken]:
    """Return the text of a token and its record. Raises FormError."""
    text = form.require(FIELD, "Paste a token")
    form.check()
    with form.blaming(FIELD):
        return text, own_tokens.require(db, text, owner=visit.reach)


def _require_grant(visit: Visit, db: Connection, token: RefreshToken) -> None:
    """Raise DeniedError unless the token's application could renew it itself."""
    ((_, _, application, _),) = tokens.with_owners(db, [token])
    allowed = visit.settings.login_api.grants
    if not applications.may_use(application, GrantType.REFRESH_TOKEN, allowed=allowed):
        raise DeniedError(
            f"{application.name} may not use the grant refresh token",
            hint="Its settings or the administrator's do not allow it.",
        )


def _page(visit: Visit, *, status: int = 200, **shown: Any) -> Page:
    nothing = {"found": None, "renewed": None, "is_replayed": False}
    forms = {
        "check_form": visit.form(PATH),
        "renew_form": visit.form(RENEW_PATH),
        "revoke_form": visit.form(REVOKE_PATH),
    }
    return Page("token_check.html", {**nothing, **forms, **shown}, status)


ROUTES = (
    Route(PATH, Access.SUBSCRIBER, show, Post(check, again=show, writes=False)),
    Route(RENEW_PATH, Access.SUBSCRIBER, lead_back, Post(renew, again=show)),
    Route(REVOKE_PATH, Access.SUBSCRIBER, lead_back, Post(revoke, again=show)),
)
