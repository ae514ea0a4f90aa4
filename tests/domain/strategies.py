"""Records, and Hypothesis strategies over them, that the domain's tests share."""

from dataclasses import dataclass, replace

from hypothesis import HealthCheck, settings
from hypothesis import strategies as st

from apimctl.domain.admission import Facts, Presented
from apimctl.domain.models import (
    WHOLE_API,
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

deterministic = settings(
    deadline=None,
    derandomize=True,
    max_examples=300,
    suppress_health_check=[HealthCheck.too_slow],
)

any_text = st.text(st.characters())
"""With the lone surrogates that stand for undecodable bytes in a header or an argument."""

NOW = 1_400_000_000

API = Api(
    id="api-1",
    name="twitter",
    version="1.0.0",
    context="/twitter",
    state=ApiState.PUBLISHED,
    is_default_version=False,
    production_url="http://production.internal",
    sandbox_url="http://sandbox.internal",
    description="",
    created_at=NOW - 500,
)
RESOURCE = replace(WHOLE_API, scopes=("read",))
SUBSCRIPTION = Subscription(
    id="subscription-1",
    application_id="application-1",
    api_id="api-1",
    tier="Gold",
    state=SubscriptionState.UNBLOCKED,
    created_at=NOW - 400,
)
KEY = Key(
    consumer_key="consumer-key-of-this-application",
    application_id="application-1",
    key_type=KeyType.PRODUCTION,
    allowed_domains=("partner.example",),
    validity_seconds=None,
    current_token_id="token-1",
    created_at=NOW - 300,
)
TOKEN = AccessToken(
    digest="digest-of-this-token",
    id="token-1",
    consumer_key=KEY.consumer_key,
    user_id=None,
    family_id=None,
    state=TokenState.ACTIVE,
    scope="read",
    hint="aB9x",
    issued_at=NOW - 200,
    expires_at=NOW + 200,
)
ENTITLED = Facts(
    match=Match(api=API, resource=RESOURCE, rest="/search.atom"),
    presented=Presented.TOKEN,
    token=TOKEN,
    key=KEY,
    subscription=SUBSCRIPTION,
    client_domains=("partner.example",),
    now=NOW,
)
"""A request to which nothing can be objected."""


def change(facts, **records):
    """Return the facts with other records; a dict changes fields of the record that is there."""
    for name, new in records.items():
        holder = facts.match if name in {"api", "resource", "methods"} else facts
        record = replace(getattr(holder, name), **new) if isinstance(new, dict) else new
        changed = holder._replace(**{name: record})
        facts = changed if holder is facts else facts._replace(match=changed)
    return facts


@dataclass(frozen=True)
class Origin:
    """What a key allows, what the client says of itself, and whether the one covers the other."""

    allowed: tuple[str, ...]
    sent: tuple[str, ...]
    is_covered: bool


ORIGINS = (
    Origin((), (), is_covered=True),
    Origin((), ("anything.example",), is_covered=True),
    Origin(("partner.example",), ("partner.example",), is_covered=True),
    Origin(("other.example", "partner.example"), ("https://Partner.example/x",), is_covered=True),
    Origin(("*.partner.example",), ("www.partner.example",), is_covered=True),
    Origin(("partner.example",), (), is_covered=False),
    Origin(("partner.example",), ("",), is_covered=False),
    Origin(("partner.example",), ("thief.example",), is_covered=False),
    Origin(("partner.example",), ("partner.example", "partner.example"), is_covered=False),
    Origin(("*.partner.example",), ("partner.example",), is_covered=False),
)


def mostly(usual, unusual):
    """Draw from `unusual` once in ten times, so that the checks behind this one are reached."""
    return st.sampled_from([st.just(usual)] * 9 + [unusual]).flatmap(lambda chosen: chosen)


apis = st.builds(
    replace,
    st.just(API),
    state=mostly(ApiState.PUBLISHED, st.sampled_from(ApiState)),
    production_url=mostly(API.production_url, st.none()),
    sandbox_url=mostly(API.sandbox_url, st.none()),
)
resources = st.builds(
    replace,
    st.just(RESOURCE),
    auth_type=st.sampled_from([AuthType.ANY, *AuthType]),
    scopes=st.sampled_from([(), ("read",), ("read", "write")]),
)
matches = st.builds(
    Match,
    api=apis,
    resource=mostly(RESOURCE, st.none()) | resources,
    rest=st.sampled_from(["", "/x"]),
    methods=st.sampled_from([(), ("GET", "HEAD")]),
)
tokens = st.builds(
    replace,
    st.just(TOKEN),
    user_id=st.sampled_from([None, "user-1"]),
    scope=st.sampled_from(["default", "read", "other write", "reader"]),
    state=mostly(TokenState.ACTIVE, st.sampled_from(TokenState)),
    expires_at=mostly(None, st.integers(NOW - 2, NOW + 2)),
)
subscriptions = st.builds(
    replace,
    st.just(SUBSCRIPTION),
    state=mostly(SubscriptionState.UNBLOCKED, st.sampled_from(SubscriptionState)),
)


@st.composite
def requests(draw):
    """Draw the facts of any request, and the origin that its key and its headers come from."""
    origin = draw(st.sampled_from(ORIGINS))
    keys = st.builds(
        replace,
        st.just(KEY),
        key_type=st.sampled_from(KeyType),
        allowed_domains=st.just(origin.allowed),
    )
    facts = Facts(
        match=draw(mostly(draw(matches), st.none())),
        presented=draw(mostly(Presented.TOKEN, st.sampled_from(Presented))),
        token=draw(mostly(draw(tokens), st.none())),
        key=draw(mostly(draw(keys), st.none())),
        subscription=draw(mostly(draw(subscriptions), st.none())),
        client_domains=origin.sent,
        now=NOW + draw(st.sampled_from([-0.5, 0, 0.5])),
    )
    return facts, origin
