from dataclasses import replace

import pytest

from apimctl.domain.limits import FAULTS, client_network, limits_of_address, limits_of_token
from apimctl.domain.models import UNLIMITED, KeyType, Tier
from apimctl.domain.quota import Limit, Scope

from .strategies import KEY, RESOURCE, SUBSCRIPTION

GOLD = Tier("Gold", 20, 60)
NONE = Tier(UNLIMITED, None, None)
APPLICATION = "application:application-1"
PER_RESOURCE = "resource:application-1:api-1:*:/*"
PER_SUBSCRIPTION = "subscription:subscription-1:PRODUCTION"

FOUND = {
    (NONE, NONE, NONE): [],
    (GOLD, NONE, NONE): [(Scope.APPLICATION, APPLICATION)],
    (NONE, GOLD, NONE): [(Scope.RESOURCE, PER_RESOURCE)],
    (NONE, NONE, GOLD): [(Scope.SUBSCRIPTION, PER_SUBSCRIPTION)],
    (GOLD, GOLD, GOLD): [
        (Scope.APPLICATION, APPLICATION),
        (Scope.RESOURCE, PER_RESOURCE),
        (Scope.SUBSCRIPTION, PER_SUBSCRIPTION),
    ],
}
SCOPES = (Scope.APPLICATION, Scope.RESOURCE, Scope.SUBSCRIPTION)


def limits(*tiers, key=KEY, resource=RESOURCE):
    by_scope = dict(zip(SCOPES, tiers, strict=True))
    return limits_of_token(key, SUBSCRIPTION, resource, tiers=by_scope)


@pytest.mark.parametrize(("tiers", "expected"), FOUND.items(), ids=range(len(FOUND)))
def test_what_is_limited_is_what_has_a_tier_that_limits(tiers, expected):
    assert limits(*tiers) == tuple(
        Limit(scope, KEY.application_id, key, 20, 60) for scope, key in expected
    )


def test_sandbox_and_production_share_all_but_the_limit_of_the_subscription():
    sandbox = replace(KEY, key_type=KeyType.SANDBOX, consumer_key="another")
    production, other = limits(GOLD, GOLD, GOLD), limits(GOLD, GOLD, GOLD, key=sandbox)
    assert [one == two for one, two in zip(production, other, strict=True)] == [True, True, False]


def test_a_resource_is_its_methods_and_its_pattern():
    resources = (
        RESOURCE,
        replace(RESOURCE, pattern="/users/*"),
        replace(RESOURCE, methods=frozenset({"GET"})),
    )
    assert len({limits(NONE, GOLD, NONE, resource=one) for one in resources}) == 3


NETWORKS = {
    "192.0.2.7": "192.0.2.7",
    "::ffff:192.0.2.7": "192.0.2.7",
    "2001:db8:1:2:3:4:5:6": "2001:db8:1:2::/64",
    "2001:DB8:1:2::1": "2001:db8:1:2::/64",
    "fe80::1%eth0": "fe80::/64",
    "::1": "::/64",
    "": "",
    "unknown": "unknown",
}


@pytest.mark.parametrize(("address", "network"), NETWORKS.items(), ids=str)
def test_what_a_client_is_told_from_others_by(address, network):
    assert client_network(address) == network
    key = f"unauthenticated:{network}"
    assert limits_of_address(address, GOLD) == (Limit(Scope.UNAUTHENTICATED, network, key, 20, 60),)
    assert limits_of_address(address, NONE) == ()


def test_every_scope_has_a_fault_of_its_own():
    assert {scope: fault.code for scope, fault in FAULTS.items()} == {
        Scope.UNAUTHENTICATED: 900800,
        Scope.RESOURCE: 900802,
        Scope.APPLICATION: 900803,
        Scope.SUBSCRIPTION: 900804,
    }
    assert {(one.message, one.status) for one in FAULTS.values()} == {
        ("Message throttled out", 429)
    }
