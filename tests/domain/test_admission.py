from dataclasses import dataclass

import pytest
from hypothesis import event, given
from hypothesis import strategies as st

from apimctl.domain import faults
from apimctl.domain.admission import Admitted, Facts, Presented, Refused, decide
from apimctl.domain.faults import Fault
from apimctl.domain.models import ApiState, AuthType, KeyType, SubscriptionState, TokenState

from .strategies import ENTITLED, NOW, ORIGINS, change, deterministic, requests

SERVING = {"PUBLISHED", "DEPRECATED", "PROTOTYPED"}
SUBSCRIBED = {
    ("UNBLOCKED", "PRODUCTION"),
    ("UNBLOCKED", "SANDBOX"),
    ("PROD_ONLY_BLOCKED", "SANDBOX"),
}
FITTING = {
    ("Any", "application"),
    ("Any", "user"),
    ("Application", "application"),
    ("Application_User", "user"),
}

NOTHING_SENT = {
    "presented": Presented.NOTHING,
    "token": None,
    "key": None,
    "subscription": None,
    "client_domains": (),
}


@dataclass(frozen=True)
class Obstacle:
    """One thing that speaks against a request, and the fault it earns alone."""

    name: str
    fault: Fault
    changes: dict

    def put_before(self, facts: Facts) -> Facts:
        return change(facts, **self.changes)


def obstacle(name, fault, **changes):
    return Obstacle(name, fault, changes)


CHECKS = [
    [obstacle("no route", faults.NO_RESOURCE, match=None)],
    [
        obstacle("API created", faults.NO_RESOURCE, api={"state": ApiState.CREATED}),
        obstacle("API retired", faults.NO_RESOURCE, api={"state": ApiState.RETIRED}),
    ],
    [
        obstacle("no resource", faults.NO_RESOURCE, resource=None, methods=()),
        obstacle("no such method", faults.WRONG_METHOD, resource=None, methods=("GET", "HEAD")),
    ],
    [obstacle("API blocked", faults.API_BLOCKED, api={"state": ApiState.BLOCKED})],
    [
        obstacle("no token sent", faults.MISSING_CREDENTIALS, presented=Presented.NOTHING),
        obstacle("malformed", faults.INVALID_CREDENTIALS, presented=Presented.UNREADABLE),
    ],
    [
        obstacle("unknown token", faults.INVALID_CREDENTIALS, token=None),
        obstacle("deleted key", faults.INVALID_CREDENTIALS, key=None),
    ],
    [
        obstacle("renewed", faults.TOKEN_INACTIVE, token={"state": TokenState.INACTIVE}),
        obstacle("revoked", faults.TOKEN_INACTIVE, token={"state": TokenState.REVOKED}),
    ],
    [
        obstacle("expires now", faults.TOKEN_EXPIRED, token={"expires_at": NOW}),
        obstacle("expired long ago", faults.TOKEN_EXPIRED, token={"expires_at": 0}),
    ],
    [
        obstacle(
            "application token for a user's resource",
            faults.WRONG_TOKEN_TYPE,
            resource={"auth_type": AuthType.APPLICATION_USER},
            token={"user_id": None},
        ),
        obstacle(
            "user token for an application's resource",
            faults.WRONG_TOKEN_TYPE,
            resource={"auth_type": AuthType.APPLICATION},
            token={"user_id": "user-1"},
        ),
    ],
    [
        obstacle("not subscribed", faults.FORBIDDEN, subscription=None),
        *(
            obstacle(f"subscription {state}", fault, subscription={"state": state})
            for state, fault in {
                SubscriptionState.BLOCKED: faults.SUBSCRIPTION_BLOCKED,
                SubscriptionState.PROD_ONLY_BLOCKED: faults.SUBSCRIPTION_BLOCKED,
                SubscriptionState.ON_HOLD: faults.SUBSCRIPTION_INACTIVE,
                SubscriptionState.REJECTED: faults.SUBSCRIPTION_INACTIVE,
            }.items()
        ),
    ],
    [
        obstacle("no domain header", faults.FORBIDDEN, client_domains=()),
        obstacle("another domain", faults.FORBIDDEN, client_domains=("thief.example",)),
        obstacle("two domain headers", faults.FORBIDDEN, client_domains=("partner.example",) * 2),
    ],
    [
        obstacle("no scope", faults.INSUFFICIENT_SCOPE, token={"scope": "default"}),
        obstacle("another scope", faults.INSUFFICIENT_SCOPE, token={"scope": "reader write"}),
        obstacle("all of several", faults.INSUFFICIENT_SCOPE, resource={"scopes": ("a", "b")}),
    ],
    [obstacle("no endpoint", faults.NO_ENDPOINT, api={"production_url": None})],
]
"""SPEC section 5: the checks in their order, with what each of them can find.

An API that is not served is not there at all: nothing is said of its resources.
"""

OBSTACLES = [found for check in CHECKS for found in check]


def put_before(facts, obstacles):
    for each in reversed(obstacles):
        facts = each.put_before(facts)
    return facts


@st.composite
def several_obstacles(draw):
    first, *others = CHECKS[draw(st.integers(0, len(CHECKS) - 1)) :]
    found = [draw(st.none() | st.sampled_from(check)) for check in others]
    return [draw(st.sampled_from(first)), *(each for each in found if each)]


@given(requests())
@deterministic
def test_a_request_is_admitted_if_and_only_if_nothing_it_needs_is_missing(drawn):
    facts, origin = drawn
    match, token, key, subscription = facts.match, facts.token, facts.key, facts.subscription
    resource = match and match.resource
    is_open = resource is not None and resource.auth_type == "None"
    urls = match and {"PRODUCTION": match.api.production_url, "SANDBOX": match.api.sandbox_url}
    needed = [match is not None and match.api.state in SERVING]
    if is_open:
        needed += [any(urls.values())]
    elif resource and token and key and subscription:
        needed += [
            origin.is_covered,
            not resource.scopes or bool({*resource.scopes} & {*token.scope.split()}),
            urls[key.key_type] is not None,
            (subscription.state, key.key_type) in SUBSCRIBED,
            (resource.auth_type, "user" if token.user_id else "application") in FITTING,
            token.expires_at is None or token.expires_at > facts.now,
            token.state == "ACTIVE",
            facts.presented is Presented.TOKEN,
        ]
    else:
        needed += [False]

    answer = decide(facts)

    event(type(answer).__name__ + (" without a token" if is_open else ""))
    assert isinstance(answer, Admitted if all(needed) else Refused)
    if isinstance(answer, Admitted):
        assert answer.endpoint in (urls.values() if is_open else [urls[key.key_type]])
        assert (answer.api, answer.resource) == (match.api, resource)
        assert answer.rest == match.rest
        assert (answer.token, answer.key) == ((None, None) if is_open else (token, key))
        assert answer.subscription == (None if is_open else subscription)


@pytest.mark.parametrize("found", OBSTACLES, ids=lambda found: found.name)
def test_every_obstacle_alone_earns_its_fault(found):
    assert decide(found.put_before(ENTITLED)).fault is found.fault


def test_nothing_to_object_is_admitted():
    assert decide(ENTITLED) == Admitted(
        api=ENTITLED.match.api,
        resource=ENTITLED.match.resource,
        endpoint="http://production.internal",
        rest="/search.atom",
        token=ENTITLED.token,
        key=ENTITLED.key,
        subscription=ENTITLED.subscription,
    )


def test_every_code_of_the_authentication_table_can_be_answered():
    codes = {found.fault.code for found in OBSTACLES}
    assert codes == {
        700700,
        900901,
        900902,
        900903,
        900904,
        900905,
        900906,
        900907,
        900908,
        900909,
        900910,
    }


def test_a_wrong_method_names_the_ones_there_are():
    refused = decide(change(ENTITLED, resource=None, methods=("GET", "HEAD")))
    assert (refused.fault.status, refused.allow) == (405, ("GET", "HEAD"))
    assert decide(change(ENTITLED, resource=None, methods=())).allow == ()
    assert decide(change(ENTITLED, match=None)).allow == ()


@pytest.mark.parametrize(
    ("scopes", "held", "description"),
    [
        (("a",), "default", "This resource asks for the scope a."),
        (("a", "b"), "c", "This resource asks for one of the scopes a, b."),
    ],
)
def test_a_token_without_the_scope_is_told_those_that_would_do(scopes, held, description):
    refused = decide(change(ENTITLED, resource={"scopes": scopes}, token={"scope": held}))
    assert (refused.fault, refused.scopes) == (faults.INSUFFICIENT_SCOPE, scopes)
    assert refused.description == description


def test_one_of_several_scopes_is_enough():
    facts = change(ENTITLED, resource={"scopes": ("a", "b")}, token={"scope": "b c"})
    assert isinstance(decide(facts), Admitted)


@given(several_obstacles())
@deterministic
def test_of_several_obstacles_the_earliest_answers_as_if_it_were_alone(found):
    first, *_ = found
    assert decide(put_before(ENTITLED, found)) == decide(first.put_before(ENTITLED))


@given(
    several_obstacles(), st.sampled_from([origin for origin in ORIGINS if not origin.is_covered])
)
@deterministic
def test_no_refusal_tells_a_secret(found, origin):
    facts = change(ENTITLED, key={"allowed_domains": origin.allowed}, client_domains=origin.sent)
    refused = decide(put_before(facts, found))
    assert isinstance(refused, Refused)
    assert refused.description
    for secret in (
        ENTITLED.token.digest,
        ENTITLED.token.id,
        ENTITLED.token.hint,
        ENTITLED.key.consumer_key,
        ENTITLED.key.application_id,
        "partner.example",
        "thief.example",
        "internal",
    ):
        assert secret not in refused.description


@pytest.mark.parametrize("state", sorted(SERVING))
def test_every_serving_state_serves(state):
    assert isinstance(decide(change(ENTITLED, api={"state": ApiState(state)})), Admitted)


@pytest.mark.parametrize(
    ("urls", "endpoint"),
    [
        (("http://p", "http://s"), "http://p"),
        (("http://p", None), "http://p"),
        ((None, "http://s"), "http://s"),
    ],
)
def test_an_open_resource_asks_for_nothing_and_prefers_production(urls, endpoint):
    facts = change(
        ENTITLED,
        api=dict(zip(("production_url", "sandbox_url"), urls, strict=True)),
        resource={"auth_type": AuthType.NONE},
        **NOTHING_SENT,
    )
    answer = decide(facts)
    assert (answer.endpoint, answer.token, answer.key) == (endpoint, None, None)


def test_an_open_resource_without_a_backend_is_refused():
    api = {"production_url": None, "sandbox_url": None}
    facts = change(ENTITLED, api=api, resource={"auth_type": AuthType.NONE}, **NOTHING_SENT)
    assert decide(facts).fault is faults.NO_ENDPOINT


def test_a_sandbox_token_reaches_the_sandbox_backend_while_production_is_blocked():
    facts = change(
        ENTITLED,
        subscription={"state": SubscriptionState.PROD_ONLY_BLOCKED},
        key={"key_type": KeyType.SANDBOX},
    )
    assert decide(facts).endpoint == "http://sandbox.internal"
