"""The authorization endpoint as OAuth has it, without its pages (RFC 6749 section 4.1, RFC 9207).

One server a request, in one transaction: what was checked still holds when the code is issued.
"""

from dataclasses import dataclass, replace
from typing import Any, Self

from authlib.oauth2.rfc6749 import OAuth2Error
from authlib.oauth2.rfc9207 import IssuerParameter

from apimctl.domain import redirects
from apimctl.domain.models import Actor, Application, Key, User, Via
from apimctl.domain.scopes import Granted
from apimctl.edge.login.clients import Client, find_client
from apimctl.edge.login.context import LoginContext, LoginRequest
from apimctl.edge.login.server import LoginServer
from apimctl.services import audit
from apimctl.tables import keys, userstores


@dataclass(frozen=True, slots=True)
class Asked:
    """A request that a user may allow: who asks, where the answer goes, and what for.

    `has_user_stores` says whether a user may be of another user store than PRIMARY.
    """

    application: Application
    key: Key
    redirect_uri: str
    granted: Granted
    has_user_stores: bool


@dataclass(slots=True)
class Verdict:
    """The end of a request: where the browser is sent, or (None) that it may be sent nowhere.

    `description` says why not. Authlib's extensions write `location`.
    """

    location: str | None
    description: str = ""

    def to(self, redirect_uri: str | None) -> Self:
        """Return the verdict with the redirect URI as it was registered, where it leads there."""
        if self.location is None or redirect_uri is None:
            return self
        return replace(self, location=redirects.as_registered(redirect_uri, self.location))


class _Issuer(IssuerParameter):  # type: ignore[misc]
    """Says in every answer who gives it (RFC 9207)."""

    def __init__(self, issuer: str) -> None:
        self._issuer = issuer

    def get_issuer(self) -> str:
        return self._issuer


class AuthorizationServer(LoginServer):
    """Answers one authorization request."""

    def __init__(self, request: LoginRequest) -> None:
        super().__init__()
        self._request = request
        _Issuer(request.context.issuer)(self)

    def examine(self, user: User | None) -> Asked | Verdict:
        """Return what the user is to be asked, or the end of it. None: nobody has logged in yet."""
        try:
            grant = self.get_consent_grant(self._request, end_user=user)
        except OAuth2Error as error:
            verdict: Verdict = self.handle_error_response(self._request, error)
            self.execute_hook("after_create_authorization_response", verdict)
            return verdict.to(error.redirect_uri)
        client: Client = self._request.client
        return Asked(
            client.application,
            client.key,
            grant.redirect_uri,
            grant.granted,
            has_user_stores=not userstores.is_empty(self._request.context.db),
        )

    def decide(self, asked: Asked, user: User, *, allows: bool) -> Verdict:
        """Return where the user's decision leads: with a code, or with ``access_denied``.

        `asked` is what the request was found to ask for.
        """
        context: LoginContext = self._request.context
        audit.record(
            context.db,
            actor=Actor(user.qualified_name, Via.LOGIN_API),
            action="authorization.allow" if allows else "authorization.deny",
            target=asked.application.name,
            now=context.now,
            owner=asked.application.owner,
            key_type=asked.key.key_type,
        )
        verdict: Verdict = self.create_authorization_response(
            self._request,
            grant_user=user if allows else None,
            grant=self.get_authorization_grant(self._request),
        )
        return verdict.to(asked.redirect_uri)

    def query_client(self, client_id: str) -> Client | None:
        """Return the client of that id."""
        context = self._request.context
        return find_client(context, keys.get(context.db, client_id))

    def handle_response(self, status: int, body: Any, headers: Any) -> Any:  # noqa: ARG002
        """Return where Authlib would redirect to, or what it would say."""
        location = dict(headers).get("Location")
        if location is not None:
            return Verdict(location)
        return Verdict(None, body.get("error_description", ""))
