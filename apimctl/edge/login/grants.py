"""The grants of ``/token``, as Authlib asks for them: what they issue is the services' business."""

from dataclasses import dataclass

from authlib.oauth2.rfc6749 import (
    ClientCredentialsGrant,
    InvalidGrantError,
    RefreshTokenGrant,
    ResourceOwnerPasswordCredentialsGrant,
)

from apimctl.domain import validity
from apimctl.domain.models import RefreshToken, User
from apimctl.edge.login import entries, scopes
from apimctl.edge.login.clients import Client
from apimctl.edge.login.context import AUTHENTICATION_METHODS, Reply
from apimctl.edge.login.success import success
from apimctl.services import renewal, tokens
from apimctl.services.renewal import SpentReason
from apimctl.tables import users


class ClientCredentials(ClientCredentialsGrant):  # type: ignore[misc]
    """An application token for the client itself (RFC 6749 section 4.4)."""

    TOKEN_ENDPOINT_AUTH_METHODS = AUTHENTICATION_METHODS

    def create_token_response(self) -> Reply:
        """Issue the token and return the answer."""
        context, key = self.request.context, self.request.client.key
        longest = tokens.application_validity(key, context.settings)
        issued = tokens.issue_application_token(
            context.db,
            key,
            settings=context.settings,
            now=context.now,
            random=context.random,
            validity_seconds=validity.shortest(longest, self.request.requested_seconds),
            scope=scopes.of_application(self.request),
            token_format=self.request.client.application.token_format,
        )
        entries.record(self.request, "token.issue", issued.token, grant=self.GRANT_TYPE)
        return 200, success(issued), self.TOKEN_RESPONSE_HEADER


class Password(ResourceOwnerPasswordCredentialsGrant):  # type: ignore[misc]
    """A user token for a name and a password (RFC 6749 section 4.3)."""

    TOKEN_ENDPOINT_AUTH_METHODS = AUTHENTICATION_METHODS

    def authenticate_user(self, username: str, password: str) -> User:  # noqa: ARG002
        """Return the user whose password was verified. Raises InvalidGrantError."""
        verified = self.request.context.verified_user
        user = verified and users.get(self.request.context.db, verified.id)
        # The password may have been changed while it was checked.
        if user is None or user.password_hash != verified.password_hash:
            raise InvalidGrantError("The user name or the password is wrong.")
        return user

    def create_token_response(self) -> Reply:
        """Issue the token and return the answer."""
        context = self.request.context
        issued = tokens.issue_user_token(
            context.db,
            self.request.client.key,
            self.request.user.id,
            settings=context.settings,
            now=context.now,
            random=context.random,
            shorter_seconds=self.request.requested_seconds,
            scope=scopes.of_user(self.request, self.request.user.id),
        )
        entries.record(self.request, "token.issue", issued.token, grant=self.GRANT_TYPE)
        return 200, success(issued), self.TOKEN_RESPONSE_HEADER


@dataclass(frozen=True, slots=True)
class _Redeemed:
    """A refresh token that may be renewed, as Authlib asks about it."""

    token: RefreshToken

    def check_client(self, client: Client) -> bool:
        return self.token.consumer_key == client.key.consumer_key

    def get_scope(self) -> str:
        return self.token.scope


class Refresh(RefreshTokenGrant):  # type: ignore[misc]
    """Both tokens anew for a refresh token, once (RFC 6749 section 6, RFC 9700 section 4.14)."""

    TOKEN_ENDPOINT_AUTH_METHODS = AUTHENTICATION_METHODS

    def authenticate_refresh_token(self, refresh_token: str) -> _Redeemed:
        """Return what may be renewed. Raises InvalidGrantError."""
        context = self.request.context
        found = renewal.redeem(
            context.db,
            refresh_token,
            consumer_key=self.request.client.key.consumer_key,
            now=context.now,
        )
        if found is SpentReason.REPLAYED:
            replayed = tokens.require_refresh_token(context.db, refresh_token)
            entries.record(self.request, "token.replay", replayed)
        if isinstance(found, SpentReason):
            raise InvalidGrantError("The refresh token is unknown, spent or expired.")
        return _Redeemed(found)

    def create_token_response(self) -> Reply:
        """Issue the token and return the answer."""
        context, redeemed = self.request.context, self.request.refresh_token.token
        issued = renewal.renew_user_token(
            context.db,
            self.request.client.key,
            redeemed,
            scope=scopes.of_renewal(self.request, redeemed),
            shorter_seconds=self.request.requested_seconds,
            settings=context.settings,
            now=context.now,
            random=context.random,
        )
        entries.record(self.request, "token.renew", issued.token)
        return 200, success(issued), self.TOKEN_RESPONSE_HEADER
