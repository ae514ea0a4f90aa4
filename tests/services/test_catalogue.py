"""The APIs as subscribers see them."""

import pytest

from apimctl.domain.models import ApiState
from apimctl.errors import NotFoundError
from apimctl.services import apis, catalogue, users
from apimctl.services.apis import ApiForm


def names(offers):
    return [offer.lead.name for offer in offers]


def statements(db, act):
    """Return what `act` returns, and how many statements it took."""
    ran = []
    db.set_trace_callback(ran.append)
    try:
        return act(), len(ran)
    finally:
        db.set_trace_callback(None)


def admin(desk):
    return users.require(desk.db, "admin")


def test_apis_come_by_name_whatever_their_letters_and_only_those_that_are_out(desk):
    for name, state in {
        "beta": ApiState.PUBLISHED,
        "Alpha": ApiState.BLOCKED,
        "gamma": ApiState.DEPRECATED,
        "Delta": ApiState.PROTOTYPED,
        "new": ApiState.CREATED,
        "old": ApiState.RETIRED,
    }.items():
        desk.api(name, state=state)
    assert names(catalogue.search(desk.db)) == ["Alpha", "beta", "Delta", "gamma"]


@pytest.mark.parametrize(
    "wanted", ["twi", "TWITTER", "/twitter/2.0", "straße", "STRASSE", "  2.0.0 "]
)
def test_an_api_is_found_by_what_one_of_its_versions_says(desk, wanted):
    desk.api("twitter", "1.0.0", description="Every street")
    desk.api("twitter", "2.0.0", description="Jede Straße")
    desk.api("other")
    (offer,) = catalogue.search(desk.db, wanted)
    assert [api.version for api in offer.versions] == ["2.0.0", "1.0.0"]


def test_the_default_version_speaks_for_all_else_the_newest_that_is_published(desk):
    desk.api("twitter", "1.0.0")
    desk.api("twitter", "2.0.0")
    desk.api("twitter", "3.0.0", state=ApiState.DEPRECATED)

    def lead():
        (offer,) = catalogue.search(desk.db)
        return offer.lead.version

    assert lead() == "2.0.0"
    apis.update(desk.db, "twitter:1.0.0", ApiForm(is_default_version=True))
    assert lead() == "1.0.0"
    apis.change_state(desk.db, "twitter:1.0.0", "deprecate")
    apis.change_state(desk.db, "twitter:2.0.0", "deprecate")
    assert lead() == "1.0.0"
    apis.update(desk.db, "twitter:1.0.0", ApiForm(is_default_version=False))
    assert lead() == "3.0.0"


def test_what_is_not_out_is_as_what_is_not_there(desk):
    desk.api("new", state=ApiState.CREATED)
    desk.api("twitter")
    for name, version in (("new", "1.0.0"), ("twitter", "2.0.0"), ("nothing", "1.0.0")):
        with pytest.raises(NotFoundError):
            catalogue.require(desk.db, name, version)
        with pytest.raises(NotFoundError):
            catalogue.describe(desk.db, name, version, user=admin(desk))


def test_a_user_sees_own_applications_and_the_tiers_there_are_to_choose(desk):
    api = desk.api("twitter", tiers=["Bronze", "Gold"])
    desk.api("other")
    theirs = desk.application("Theirs", owner=desk.user("bob").name)
    mine = desk.application("Mine")
    for application in (theirs, mine):
        desk.subscribe(application, api)
    found = catalogue.describe(desk.db, "twitter", "1.0.0", user=admin(desk))
    assert [tier.name for tier in found.tiers] == ["Gold", "Bronze"]
    assert found.default_tier == "Bronze"
    assert [(each.name, subscription.tier) for each, subscription in found.subscribed] == [
        ("Mine", "Bronze")
    ]
    assert found.unsubscribed == [desk.default]
    other = catalogue.describe(desk.db, "other", "1.0.0", user=admin(desk))
    assert other.default_tier == "Unlimited"
    assert "Unauthenticated" not in {tier.name for tier in other.tiers}


def test_many_apis_and_applications_take_no_more_statements_than_one(desk):
    def ask():
        _, searched = statements(desk.db, lambda: catalogue.search(desk.db))
        _, described = statements(
            desk.db,
            lambda: catalogue.describe(desk.db, "api0", "1.0.0", user=admin(desk)),
        )
        return searched, described

    desk.api("api0")
    few = ask()
    for number in range(1, 30):
        desk.subscribe(desk.application(f"app{number}"), desk.api(f"api{number}", tiers=["Gold"]))
    assert ask() == few
    assert few[0] == 1
