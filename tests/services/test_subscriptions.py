import pytest

from apimctl.domain.lifecycle import SUBSCRIPTION_VERBS
from apimctl.domain.models import ApiState, SubscriptionState
from apimctl.errors import ConflictError, InvalidInputError, NotFoundError
from apimctl.services import subscriptions
from apimctl.tables.changes import ChangeKind


@pytest.mark.parametrize(
    ("allowed", "asked", "got"),
    [
        ((), None, "Unlimited"),
        ((), "Bronze", "Bronze"),
        (("Gold", "Silver"), None, "Gold"),
        (("Gold", "Unlimited"), None, "Unlimited"),
        (("Gold", "Silver"), "Silver", "Silver"),
    ],
)
def test_the_tier_is_the_one_asked_for_else_unlimited_else_the_first_allowed(
    desk, allowed, asked, got
):
    assert desk.subscribe(desk.default, desk.api(tiers=allowed), asked).tier == got


@pytest.mark.parametrize(
    ("tier", "error"), [("Silver", InvalidInputError), ("Platinum", NotFoundError)]
)
def test_another_tier_is_refused(desk, tier, error):
    api = desk.api(tiers=("Gold",))
    with pytest.raises(error):
        desk.subscribe(desk.default, api, tier)
    desk.subscribe(desk.default, api)
    with pytest.raises(error):
        subscriptions.update(desk.db, desk.default, api, tier=tier)
    assert subscriptions.require(desk.db, desk.default, api).tier == "Gold"


@pytest.mark.parametrize("state", ApiState)
def test_only_a_served_api_that_has_a_future_takes_subscriptions(desk, state):
    api = desk.api(state=state)
    if state in {ApiState.PUBLISHED, ApiState.PROTOTYPED}:
        assert desk.subscribe(desk.default, api).state is SubscriptionState.UNBLOCKED
        return
    with pytest.raises(ConflictError, match=f"is {state} and takes no subscriptions"):
        desk.subscribe(desk.default, api)


def test_a_second_subscription_is_a_conflict(desk):
    api = desk.api()
    desk.subscribe(desk.default, api)
    with pytest.raises(ConflictError, match="has subscribed to twitter"):
        desk.subscribe(desk.default, api)
    desk.subscribe(desk.application("other"), api)
    desk.subscribe(desk.default, desk.api(version="2.0.0"))
    assert len(subscriptions.list_whole(desk.db)) == 3


def test_what_is_not_subscribed_is_not_found_and_the_hint_subscribes(desk):
    api = desk.api()
    with pytest.raises(NotFoundError) as caught:
        subscriptions.require(desk.db, desk.application("my shop"), api)
    assert caught.value.hint == ("apimctl subscription create --app 'my shop' --api twitter:1.0.0")


def test_every_change_is_announced_for_the_application(desk):
    api, application = desk.api(), desk.default
    expected = [(ChangeKind.SUBSCRIPTIONS, application.id)]
    with desk.announcing() as announced:
        desk.subscribe(application, api)
    assert announced == expected
    with desk.announcing() as announced:
        subscriptions.update(desk.db, application, api, tier="Gold")
    assert announced == expected
    for state in SUBSCRIPTION_VERBS.values():
        with desk.announcing() as announced:
            subscriptions.set_state(desk.db, application, api, state)
        assert announced == expected
        assert subscriptions.require(desk.db, application, api).state is state
    with desk.announcing() as announced:
        subscriptions.delete(desk.db, application, api)
    assert announced == expected
    with pytest.raises(NotFoundError):
        subscriptions.delete(desk.db, application, api)
