"""Which limits a request has to fit: what is counted, under which key, at which tier. SPEC 6.

A key names what the limit belongs to and nothing of the token, so that a new token goes on where
the old one was.
"""

from functools import lru_cache
from ipaddress import IPv4Address, IPv6Address, IPv6Network, ip_address

from apimctl.domain import faults
from apimctl.domain.faults import Fault
from apimctl.domain.models import Key, Resource, Subscription, Tier
from apimctl.domain.quota import Limit, Scope

UNAUTHENTICATED = "Unauthenticated"
"""The tier of requests that need no token."""

IPV6_PREFIX_BITS = 64
"""What one customer of an access provider has at least (RFC 6177)."""

FAULTS: dict[Scope, Fault] = {
    Scope.UNAUTHENTICATED: faults.THROTTLED_UNAUTHENTICATED,
    Scope.RESOURCE: faults.THROTTLED_RESOURCE,
    Scope.APPLICATION: faults.THROTTLED_APPLICATION,
    Scope.SUBSCRIPTION: faults.THROTTLED_SUBSCRIPTION,
}


def limits_of_token(
    key: Key, subscription: Subscription, resource: Resource, *, tiers: dict[Scope, Tier]
) -> tuple[Limit, ...]:
    """Return the limits of a request with a token, without those that limit nothing.

    `tiers` are those of the application, the resource and the subscription.
    """
    application = key.application_id
    methods = ",".join(sorted(resource.methods))
    counted = {
        Scope.APPLICATION: application,
        Scope.RESOURCE: f"{application}:{subscription.api_id}:{methods}:{resource.pattern}",
        Scope.SUBSCRIPTION: f"{subscription.id}:{key.key_type}",
    }
    found = (_limit(scope, application, counted[scope], tier) for scope, tier in tiers.items())
    return tuple(limit for limit in found if limit is not None)


def limits_of_address(address: str, tier: Tier) -> tuple[Limit, ...]:
    """Return the limit of a request without a token, none if the tier limits nothing."""
    network = client_network(address)
    limit = _limit(Scope.UNAUTHENTICATED, network, network, tier)
    return () if limit is None else (limit,)


def _limit(scope: Scope, holder: str, counted: str, tier: Tier) -> Limit | None:
    if tier.requests is None or tier.per_seconds is None:
        return None
    return Limit(scope, holder, f"{scope}:{counted}", tier.requests, tier.per_seconds)


@lru_cache(maxsize=4096)
def client_network(address: str) -> str:
    """Return what a client can be told from others by: its IPv4 address, or its IPv6 network.

    With 2^64 addresses to choose from, nobody would meet a limit per IPv6 address. What is no
    address, such as the peer of a Unix socket, comes back as it is.
    """
    try:
        found: IPv4Address | IPv6Address = ip_address(address.partition("%")[0])
    except ValueError:
        return address
    if isinstance(found, IPv6Address):
        if found.ipv4_mapped is None:
            return str(IPv6Network((found, IPV6_PREFIX_BITS), strict=False))
        found = found.ipv4_mapped
    return str(found)
