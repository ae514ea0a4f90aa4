"""Which state may follow which, as tables. SPEC sections 1 and 5."""

from collections.abc import Mapping

from apimctl.domain.models import ApiState, SubscriptionState

API_VERBS: Mapping[str, tuple[frozenset[ApiState], ApiState]] = {
    # verb: (from, to)
    "publish": (
        frozenset({ApiState.CREATED, ApiState.PROTOTYPED, ApiState.DEPRECATED}),
        ApiState.PUBLISHED,
    ),
    "block": (
        frozenset({ApiState.PUBLISHED, ApiState.PROTOTYPED, ApiState.DEPRECATED}),
        ApiState.BLOCKED,
    ),
    "unblock": (frozenset({ApiState.BLOCKED}), ApiState.PUBLISHED),
    "deprecate": (frozenset({ApiState.PUBLISHED, ApiState.BLOCKED}), ApiState.DEPRECATED),
    "retire": (frozenset({ApiState.DEPRECATED, ApiState.BLOCKED}), ApiState.RETIRED),
}

SERVING = frozenset({ApiState.PUBLISHED, ApiState.DEPRECATED, ApiState.PROTOTYPED})
"""States in which the gateway forwards requests."""

ROUTED = SERVING | {ApiState.BLOCKED}
"""States in which the gateway says that there is an API at all."""

SUBSCRIBABLE = frozenset({ApiState.PUBLISHED, ApiState.PROTOTYPED})
"""States in which applications may still subscribe."""

SUBSCRIPTION_VERBS: Mapping[str, SubscriptionState] = {
    "block": SubscriptionState.BLOCKED,
    "block --production-only": SubscriptionState.PROD_ONLY_BLOCKED,
    "unblock": SubscriptionState.UNBLOCKED,
    "hold": SubscriptionState.ON_HOLD,
    "reject": SubscriptionState.REJECTED,
}

HELD = frozenset(SubscriptionState) - {SubscriptionState.UNBLOCKED}
"""Into these an administrator put a subscription: its owner may not end it, to begin it anew."""


def api_verbs(state: ApiState) -> list[str]:
    """Return the verbs that lead from this state to another."""
    return [verb for verb, (sources, _) in API_VERBS.items() if state in sources]


def next_api_state(
    verb: str, state: ApiState, *, blocked_from: ApiState | None = None
) -> ApiState | None:
    """Return the state that `verb` leads to, None where it may not follow this one.

    A verb whose state is already reached leads to the same state. Unblocking leads back to what
    the API was `blocked_from`.
    """
    sources, target = API_VERBS[verb]
    if verb == "unblock" and state is ApiState.BLOCKED:
        return blocked_from or target
    return target if state in sources or state is target else None
