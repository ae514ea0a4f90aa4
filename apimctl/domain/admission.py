"""Whether a request is let through: SPEC section 5, in its order, as one pure function.

Whoever holds a socket gathers the facts and acts on the answer; nothing here can wait, fail or
remember. A refusal is a value.

What is made for every request is a named tuple: a third of the price of a frozen dataclass.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from enum import Enum, auto
from typing import NamedTuple

from apimctl.domain import faults
from apimctl.domain.client_domains import is_allowed
from apimctl.domain.faults import Fault
from apimctl.domain.lifecycle import ROUTED, SERVING
from apimctl.domain.models import (
    AccessToken,
    Api,
    AuthType,
    Key,
    KeyType,
    Resource,
    Subscription,
    SubscriptionState,
    TokenState,
)
from apimctl.domain.routing import Match
from apimctl.domain.scopes import covers


class Presented(Enum):
    """What the client sent for an access token."""

    NOTHING = auto()
    UNREADABLE = auto()
    """More than one, or one that is malformed or mistyped."""
    TOKEN = auto()


class Facts(NamedTuple):
    """What is known of one request when it is decided.

    `token` and `key` are None where the store knows none, `subscription` where the key's
    application has none to the API. `client_domains` are the values of the client domain header.
    `now` is UTC epoch seconds.
    """

    match: Match | None
    presented: Presented
    token: AccessToken | None
    key: Key | None
    subscription: Subscription | None
    client_domains: Sequence[str]
    now: float


class Admitted(NamedTuple):
    """Forward to `endpoint` + `rest`.

    `token`, `key` and `subscription` are None for auth type None.
    """

    api: Api
    resource: Resource
    endpoint: str
    rest: str
    token: AccessToken | None
    key: Key | None
    subscription: Subscription | None


@dataclass(frozen=True, slots=True)
class Refused:
    """Answer with this fault.

    `allow` are the methods that a 405 names, `scopes` those of which a token would need one.
    """

    fault: Fault
    description: str
    allow: tuple[str, ...] = ()
    scopes: tuple[str, ...] = ()


def decide(facts: Facts) -> Admitted | Refused:
    """Return whether the request is admitted; the first check that fails answers."""
    match, _, token, key, subscription, client_domains, _ = facts
    if match is None or match.api.state not in ROUTED:
        return Refused(faults.NO_RESOURCE, "No API answers this path.")
    api, resource, rest, _ = match
    if resource is None:
        return _refuse_resource(match)
    if api.state not in SERVING:
        return Refused(faults.API_BLOCKED, f"{api.reference} is blocked.")
    if resource.auth_type is AuthType.NONE:
        return _admit_anyone(match, resource)
    if refused := _check_token(facts):
        return refused
    if token is None or key is None:
        return Refused(faults.INVALID_CREDENTIALS, "The access token is not known.")
    if refused := (
        _check_token_type(resource.auth_type, token)
        or check_subscription(api, subscription, key.key_type)
        or _check_client_domain(key, client_domains)
    ):
        return refused
    if resource.scopes and not covers(token.scope, resource.scopes):
        return _refuse_scope(resource.scopes)
    endpoint = api.endpoint(key.key_type)
    if endpoint is None:
        return Refused(
            faults.NO_ENDPOINT, f"{api.reference} has no {key.key_type.lower()} endpoint."
        )
    return Admitted(api, resource, endpoint, rest, token, key, subscription)


def _refuse_resource(match: Match) -> Refused:
    if not match.methods:
        return Refused(faults.NO_RESOURCE, f"{match.api.reference} has no such resource.")
    return Refused(
        faults.WRONG_METHOD,
        f"This resource answers {', '.join(match.methods)}.",
        allow=match.methods,
    )


def _admit_anyone(match: Match, resource: Resource) -> Admitted | Refused:
    endpoint = match.api.production_url or match.api.sandbox_url
    if endpoint is None:
        return Refused(faults.NO_ENDPOINT, f"{match.api.reference} has no endpoint.")
    return Admitted(
        match.api, resource, endpoint, match.rest, token=None, key=None, subscription=None
    )


def _check_token(facts: Facts) -> Refused | None:
    if facts.presented is not Presented.TOKEN:
        return _refuse_presented(facts.presented)
    if facts.token is None or facts.key is None:
        return None
    state = facts.token.state_at(facts.now)
    if state is TokenState.ACTIVE:
        return None
    if state is TokenState.EXPIRED:
        return Refused(faults.TOKEN_EXPIRED, "Renew the access token.")
    return Refused(faults.TOKEN_INACTIVE, "The access token was renewed or revoked.")


def _refuse_presented(presented: Presented) -> Refused:
    if presented is Presented.NOTHING:
        return Refused(
            faults.MISSING_CREDENTIALS, "Send the header Authorization: Bearer ACCESS_TOKEN."
        )
    return Refused(
        faults.INVALID_CREDENTIALS,
        "Send one Authorization header with one access token, copied whole.",
    )


def _check_token_type(auth_type: AuthType, token: AccessToken) -> Refused | None:
    if auth_type is AuthType.ANY:
        return None
    wants_user = auth_type is AuthType.APPLICATION_USER
    if wants_user == (token.user_id is not None):
        return None
    wanted = "a user's" if wants_user else "an application"
    return Refused(faults.WRONG_TOKEN_TYPE, f"This resource asks for {wanted} access token.")


def check_subscription(
    api: Api, subscription: Subscription | None, key_type: KeyType
) -> Refused | None:
    """Return why a subscription lets tokens of this key type not through, None if it does."""
    if subscription is None:
        return Refused(
            faults.FORBIDDEN,
            f"The application of this access token has not subscribed to {api.reference}.",
        )
    state = subscription.state
    if state is SubscriptionState.UNBLOCKED:
        return None
    if state is SubscriptionState.PROD_ONLY_BLOCKED:
        if key_type is KeyType.SANDBOX:
            return None
        return Refused(
            faults.SUBSCRIPTION_BLOCKED,
            f"The subscription to {api.reference} is blocked for production keys.",
        )
    if state is SubscriptionState.BLOCKED:
        return Refused(
            faults.SUBSCRIPTION_BLOCKED, f"The subscription to {api.reference} is blocked."
        )
    return Refused(
        faults.SUBSCRIPTION_INACTIVE,
        f"The subscription to {api.reference} is {state.lower().replace('_', ' ')}.",
    )


def _check_client_domain(key: Key, header_values: Sequence[str]) -> Refused | None:
    if is_allowed(key.allowed_domains, header_values):
        return None
    if header_values:
        return Refused(faults.FORBIDDEN, "This access token may not be used from that domain.")
    return Refused(
        faults.FORBIDDEN,
        "This access token asks for the client domain header, and it was not sent.",
    )


def _refuse_scope(wanted: tuple[str, ...]) -> Refused:
    asked = "the scope" if len(wanted) == 1 else "one of the scopes"
    return Refused(
        faults.INSUFFICIENT_SCOPE,
        f"This resource asks for {asked} {', '.join(wanted)}.",
        scopes=wanted,
    )
