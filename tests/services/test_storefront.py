import pytest

from apimctl.domain.lifecycle import SUBSCRIPTION_VERBS
from apimctl.domain.models import ApiState, AuthType, KeyType, SubscriptionState, TokenState
from apimctl.errors import NotFoundError
from apimctl.services import (
    apis,
    applications,
    keys,
    renewal,
    resources,
    revocation,
    storefront,
    subscriptions,
    tiers,
)

PRODUCTION, SANDBOX = KeyType.PRODUCTION, KeyType.SANDBOX


def test_a_summary_says_which_keys_and_how_many_subscriptions(desk):
    alice = desk.user("alice")
    desk.application("empty", owner="alice")
    busy = desk.application("busy", owner="alice")
    for name in ("one", "two"):
        desk.subscribe(busy, desk.api(name))
    desk.generate(busy, SANDBOX)
    desk.generate(desk.default)
    found = storefront.list_summaries(desk.db, alice.id)
    assert [(each.application.name, each.key_types, each.subscriptions) for each in found] == [
        ("busy", {SANDBOX}, 2),
        ("empty", set(), 0),
    ]


def test_an_application_is_its_owners_and_everybodys_for_none(desk):
    alice = desk.user("alice")
    mine = desk.application("mine", owner="alice")
    assert storefront.require_application(desk.db, mine.id, owner=alice) == mine
    assert storefront.require_application(desk.db, mine.id, owner=None) == mine
    messages = set()
    for wanted in (desk.default.id, "nothing"):
        with pytest.raises(NotFoundError) as caught:
            storefront.require_application(desk.db, wanted, owner=alice)
        messages.add((caught.value.message, caught.value.hint))
    assert len(messages) == 1


def test_what_is_subscribed_comes_by_api_with_the_tiers_of_each(desk):
    application = desk.application("app")
    for name, allowed in (("zoo", ("Gold", "Silver")), ("air", ())):
        desk.subscribe(application, desk.api(name, tiers=allowed))
    desk.subscribe(desk.default, desk.api("other"))
    found = storefront.list_subscribed(desk.db, application)
    assert [api for _, api in found] == [apis.resolve(desk.db, name) for name in ("air", "zoo")]
    known = tiers.list_all(desk.db)
    names = {
        api.name: [tier.name for tier in subscriptions.allowed_tiers(api, known)]
        for _, api in found
    }
    assert names == {"air": ["Unlimited", "Gold", "Silver", "Bronze"], "zoo": ["Gold", "Silver"]}
    subscription, api = found[0]
    assert storefront.require_subscription(desk.db, application, subscription.id) == (
        subscription,
        api,
    )
    with pytest.raises(NotFoundError):
        storefront.require_subscription(desk.db, desk.default, subscription.id)


def test_a_key_is_shown_with_the_secrets_that_work_and_its_current_token(desk):
    made = desk.generate(desk.default, PRODUCTION)
    keys.rotate(desk.db, made.key, grace_seconds=600, **desk.moment)
    states = storefront.key_states(desk.db, desk.default, now=desk.now)
    assert set(states) == {PRODUCTION}
    assert [secret.expires_at for secret in states[PRODUCTION].secrets] == [None, desk.now + 600]
    assert states[PRODUCTION].token == made.issued.token
    revocation.revoke_all(desk.db, made.key)
    later = storefront.key_states(desk.db, desk.default, now=desk.now + 600)[PRODUCTION]
    assert [secret.expires_at for secret in later.secrets] == [None]
    assert later.token.state is TokenState.REVOKED


def test_the_default_validity_comes_back(desk):
    made = desk.generate(desk.default, PRODUCTION, validity=77)
    key = keys.update(desk.db, made.key)
    assert key.validity_seconds == 77
    key = keys.update(desk.db, key, has_default_validity=True)
    assert keys.require(desk.db, desk.default, PRODUCTION) == key
    assert key.validity_seconds is None
    issued = renewal.renew_application_token(
        desk.db, key, validity_seconds=None, grace_seconds=0, **desk.issuing
    )
    assert issued.validity_seconds == desk.settings.application_validity_seconds


def sample(desk, key_type=PRODUCTION):
    found = storefront.find_sample(desk.db, desk.default, key_type)
    return found and (found.method, found.path)


def declare(desk, api, pattern, *methods, auth_type=AuthType.ANY, scopes=()):
    resources.create(
        desk.db, api, methods=methods, pattern=pattern, auth_type=auth_type, scopes=scopes
    )


def test_an_example_is_of_an_api_that_lets_the_key_type_through(desk):
    assert sample(desk) is None
    desk.subscribe(desk.default, desk.api("air"))
    assert sample(desk) == ("GET", "/air/1.0.0/")
    assert sample(desk, SANDBOX) is None
    desk.subscribe(desk.default, desk.api("zoo", sandbox_url="http://127.0.0.1:1"))
    assert sample(desk, SANDBOX) == ("GET", "/zoo/1.0.0/")
    apis.change_state(desk.db, "air", "block")
    assert sample(desk) == ("GET", "/zoo/1.0.0/")
    zoo = apis.resolve(desk.db, "zoo")
    subscriptions.set_state(
        desk.db, desk.default, zoo, SUBSCRIPTION_VERBS["block --production-only"]
    )
    assert sample(desk) is None
    assert sample(desk, SANDBOX) == ("GET", "/zoo/1.0.0/")
    subscriptions.set_state(desk.db, desk.default, zoo, SubscriptionState.ON_HOLD)
    assert sample(desk, SANDBOX) is None
    prototype = desk.api("new", state=ApiState.PROTOTYPED)
    desk.subscribe(desk.default, prototype)
    assert sample(desk) == ("GET", "/new/1.0.0/")


def test_an_example_reads_rather_than_writes_and_has_little_to_fill_in(desk):
    api = desk.api()
    desk.subscribe(desk.default, api)
    declare(desk, api, "/users", "GET", auth_type=AuthType.APPLICATION_USER)
    declare(desk, api, "/free", "GET", auth_type=AuthType.NONE)
    assert sample(desk) is None
    declare(desk, api, "/users", "POST", "PUT")
    assert sample(desk) == ("POST", "/twitter/1.0.0/users")
    declare(desk, api, "/users/{id}/keys/{key}", "*")
    assert sample(desk) == ("GET", "/twitter/1.0.0/users/1/keys/1")
    declare(desk, api, "/users/{id}", "GET", "HEAD")
    assert sample(desk) == ("GET", "/twitter/1.0.0/users/1")
    declare(desk, api, "/files/*", "GET", auth_type=AuthType.APPLICATION)
    assert sample(desk) == ("GET", "/twitter/1.0.0/files/")


def test_applications_that_are_gone_take_their_summaries_along(desk):
    alice = desk.user("alice")
    applications.delete(desk.db, desk.application("gone", owner="alice"))
    assert storefront.list_summaries(desk.db, alice.id) == []
