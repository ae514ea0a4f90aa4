"""Whether a request is let through: SPEC section 5, in its order, as one pure function.

Whoever holds a socket gathers the facts and acts on the answer; nothing here can wait, fail or
remember. A refusal is a value.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from enum import Enum, auto

from apimctl.domain import client_domains, faults
from apimctl.domain.faults import Fault
from apimctl.domain.lifecycle import SERVING
from apimctl.domain.models import (
    AccessToken,
    Api,
    ApiState,
    AuthType,
    Key,
    KeyType,
    Subscription,
    SubscriptionState,
    TokenState,
)
from apimctl.domain.routing import Match


class Presented(Enum):
    """What the client sent for an access token."""

    NOTHING = auto()
    UNREADABLE = auto()
    """More than one, or one that is malformed or mistyped."""
    TOKEN = auto()


@dataclass(frozen=True, slots=True)
class Facts:
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


@dataclass(frozen=True, slots=True)
class Admitted:
    """Forward to `endpoint` + `rest`. `token` and `key` are None for auth type None."""

    api: Api
    endpoint: str
    rest: str
    token: AccessToken | None
    key: Key | None


@dataclass(frozen=True, slots=True)
class Refused:
    """Answer with this fault."""

    fault: Fault
    description: str


def decide(facts: Facts) -> Admitted | Refused:
    """Return whether the request is admitted; the first check that fails answers."""
    match = facts.match
    if match is None:
        return Refused(faults.NO_RESOURCE, "No API answers this path.")
    api = match.api
    if refused := _check_api_state(api):
        return refused
    if match.resource.auth_type is AuthType.NONE:
        return _admit_anyone(match)
    if refused := _check_token(facts):
        return refused
    token, key = facts.token, facts.key
    if token is None or key is None:
        return Refused(faults.INVALID_CREDENTIALS, "The access token is not known.")
    if refused := (
        _check_token_type(match.resource.auth_type, token)
        or _check_subscription(api, facts.subscription, key.key_type)
        or _check_client_domain(key, facts.client_domains)
    ):
        return refused
    endpoint = api.endpoint(key.key_type)
    if endpoint is None:
        return Refused(
            faults.NO_ENDPOINT, f"{api.reference} has no {key.key_type.lower()} endpoint."
        )
    return Admitted(api=api, endpoint=endpoint, rest=match.rest, token=token, key=key)


def _check_api_state(api: Api) -> Refused | None:
    if api.state in SERVING:
        return None
    if api.state is ApiState.BLOCKED:
        return Refused(faults.API_BLOCKED, f"{api.reference} is blocked.")
    return Refused(faults.NO_RESOURCE, "No API answers this path.")


def _admit_anyone(match: Match) -> Admitted | Refused:
    endpoint = match.api.production_url or match.api.sandbox_url
    if endpoint is None:
        return Refused(faults.NO_ENDPOINT, f"{match.api.reference} has no endpoint.")
    return Admitted(api=match.api, endpoint=endpoint, rest=match.rest, token=None, key=None)


def _check_token(facts: Facts) -> Refused | None:
    if facts.presented is Presented.NOTHING:
        return Refused(
            faults.MISSING_CREDENTIALS, "Send the header Authorization: Bearer ACCESS_TOKEN."
        )
    if facts.presented is Presented.UNREADABLE:
        return Refused(
            faults.INVALID_CREDENTIALS,
            "Send one Authorization header with one access token, copied whole.",
        )
    if facts.token is None or facts.key is None:
        return None
    state = facts.token.state_at(facts.now)
    if state is TokenState.EXPIRED:
        return Refused(faults.TOKEN_EXPIRED, "Renew the access token.")
    if state is not TokenState.ACTIVE:
        return Refused(faults.TOKEN_INACTIVE, "The access token was renewed or revoked.")
    return None


def _check_token_type(auth_type: AuthType, token: AccessToken) -> Refused | None:
    wants_user = auth_type is AuthType.APPLICATION_USER
    if auth_type is AuthType.ANY or wants_user == (token.user_id is not None):
        return None
    wanted = "a user's" if wants_user else "an application"
    return Refused(faults.WRONG_TOKEN_TYPE, f"This resource asks for {wanted} access token.")


def _check_subscription(
    api: Api, subscription: Subscription | None, key_type: KeyType
) -> Refused | None:
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
    if client_domains.is_allowed(key.allowed_domains, header_values):
        return None
    if header_values:
        return Refused(faults.FORBIDDEN, "This access token may not be used from that domain.")
    return Refused(
        faults.FORBIDDEN,
        "This access token asks for the client domain header, and it was not sent.",
    )
