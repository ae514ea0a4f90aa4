"""Tokens within reach of a user: those of the user's own applications, for an admin all of them."""

from sqlite3 import Connection

from apimctl.domain import credentials
from apimctl.domain.credentials import Kind
from apimctl.domain.models import AccessToken, Application, RefreshToken, User
from apimctl.domain.signed_tokens import PREFIX
from apimctl.errors import InvalidInputError, NotFoundError
from apimctl.services import tokens
from apimctl.tables import access_tokens, keys

_UNKNOWN = "there is no such token"


def require(db: Connection, text: str, *, owner: User | None) -> AccessToken | RefreshToken:
    """Return the record of a token of that user's applications, of anybody's for None.

    Raises InvalidInputError for what is no token, NotFoundError, for another's as for one that is
    not there.
    """
    credential = credentials.parse(text)
    if credential is None or credential.kind not in {Kind.ACCESS_TOKEN, Kind.REFRESH_TOKEN}:
        raise InvalidInputError(
            "that is not a token",
            hint=f"Copy it whole: it starts with apim_at or apim_rt, or as a JWT with {PREFIX}.",
        )
    token = tokens.find_access_token(db, text) or tokens.find_refresh_token(db, text)
    if token is None or not _is_in_reach(db, token, owner):
        raise NotFoundError(_UNKNOWN, hint="It may be long over, or of another user's application.")
    return token


def require_of(db: Connection, application: Application, token_id: str) -> AccessToken:
    """Return the access token of an application with that id. Raises NotFoundError."""
    token = access_tokens.get(db, token_id)
    key = keys.get(db, token.consumer_key) if token else None
    if token is None or key is None or key.application_id != application.id:
        raise NotFoundError(_UNKNOWN, hint="It may be long over.")
    return token


def _is_in_reach(db: Connection, token: AccessToken | RefreshToken, owner: User | None) -> bool:
    ((_, _, application, _),) = tokens.with_owners(db, [token])
    return owner is None or application.owner_id == owner.id
