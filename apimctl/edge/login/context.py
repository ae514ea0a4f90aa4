"""A request to the Login API, read, and what it is answered with."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from sqlite3 import Connection
from typing import Any

from authlib.oauth2.rfc6749 import InvalidRequestError, OAuth2Request
from authlib.oauth2.rfc6749.requests import BasicOAuth2Payload

from apimctl.config import TokenSettings
from apimctl.domain import scopes, validity
from apimctl.domain.models import GrantType, User
from apimctl.errors import UsageError
from apimctl.services.identifiers import RandomBytes

AUTHENTICATION_METHODS = ("none", "client_secret")
"""Of `/token` and `/revoke`: as a public client, or with a secret."""

NOMINAL_ISSUER = "https://login-api.invalid"
NOMINAL_URI = f"{NOMINAL_ISSUER}/"
"""Authlib refuses plain http beyond loopback; whether TLS is needed is the operator's to say."""

Reply = tuple[int, dict[str, Any], list[tuple[str, str]]]
"""Status, JSON body and headers."""


@dataclass(frozen=True, slots=True)
class LoginContext:
    """What a request is answered with: the transaction, the rules, the time, the randomness.

    `network` is where the request came from, as far as failures are counted by it; `verified_user`
    the user whose password was found right, before the transaction began; `issuer` the URL that the
    client knows the Login API by; `introspects_any` whether a client may ask of the tokens of
    others.
    """

    db: Connection
    settings: TokenSettings
    grants: frozenset[GrantType]
    now: int
    random: RandomBytes
    network: str = ""
    verified_user: User | None = None
    issuer: str = NOMINAL_ISSUER
    introspects_any: bool = False


class LoginRequest(OAuth2Request):  # type: ignore[misc]
    """A request to the Login API, read: every form parameter once.

    `client_pair` is the consumer key and the consumer secret that were sent, once they were read.
    """

    def __init__(
        self, form: Mapping[str, str], authorization: Sequence[str], context: LoginContext
    ) -> None:
        super().__init__("POST", NOMINAL_URI)
        self.context = context
        self.authorization = authorization
        self.client_pair: tuple[str, str] | None = None
        self._form = _without_legacy_scopes(form)
        self.payload = BasicOAuth2Payload(self._form)

    @property
    def form(self) -> dict[str, str]:
        """Return the form parameters."""
        return self._form

    @property
    def requested_seconds(self) -> int | None:
        """Return the validity that was asked for. Raises InvalidRequestError."""
        text = self._form.get("validity_period")
        if text is None:
            return None
        try:
            return validity.parse_validity(text, what="validity_period")
        except UsageError as error:
            raise InvalidRequestError("validity_period is not a length of time.") from error


def _without_legacy_scopes(form: Mapping[str, str]) -> dict[str, str]:
    read = dict(form)
    if "scope" in read:
        names = scopes.parse(read["scope"])
        if names:
            read["scope"] = scopes.written(names)
        else:
            del read["scope"]
    return read
