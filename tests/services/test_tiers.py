import pytest

from apimctl.errors import ConflictError, DeniedError, InvalidInputError, NotFoundError
from apimctl.services import apis, applications, resources, subscriptions, tiers
from apimctl.services.apis import ApiForm
from apimctl.services.applications import ApplicationForm
from apimctl.tables.changes import ChangeKind


@pytest.fixture
def mine(desk):
    return tiers.create(desk.db, "Mine", requests=50, per_seconds=60)


def test_a_tier_is_what_was_said_of_it(desk, mine):
    assert tiers.require(desk.db, "Mine") == mine
    assert (mine.requests, mine.per_seconds, mine.is_built_in) == (50, 60, False)
    changed = tiers.update(desk.db, "Mine", requests=10)
    assert (changed.requests, changed.per_seconds) == (10, 60)
    changed = tiers.update(desk.db, "Mine", per_seconds=3600, description="slow")
    assert tiers.require(desk.db, "Mine") == changed


def test_built_in_tiers_come_first_and_the_most_generous_before_the_others(desk, mine):
    tiers.create(desk.db, "More", requests=50, per_seconds=1)
    names = [tier.name for tier in tiers.list_all(desk.db)]
    assert names == [
        *("Unlimited", "Unauthenticated", "Gold", "Silver", "Bronze"),
        *("More", "Mine"),
    ]


@pytest.mark.parametrize("name", ["Mine", "Gold"])
def test_a_name_that_is_taken_is_a_conflict(desk, mine, name):
    with pytest.raises(ConflictError):
        tiers.create(desk.db, name, requests=1, per_seconds=1)


@pytest.mark.parametrize("requests", [0, -1, tiers.MOST_REQUESTS + 1])
def test_a_limit_is_a_number_from_one_on(desk, mine, requests):
    with pytest.raises(InvalidInputError):
        tiers.create(desk.db, "Other", requests=requests, per_seconds=1)
    with pytest.raises(InvalidInputError):
        tiers.update(desk.db, "Mine", requests=requests)
    assert tiers.require(desk.db, "Mine") == mine


@pytest.mark.parametrize("change", [tiers.delete, tiers.update])
def test_a_built_in_tier_stays_as_it_is(desk, change):
    with pytest.raises(DeniedError):
        change(desk.db, "Gold")
    with pytest.raises(NotFoundError) as caught:
        change(desk.db, "gold")
    assert "Gold" in caught.value.hint


def test_a_tier_that_is_used_stays(desk, mine):
    application = desk.application("shop", tier="Mine")
    api = desk.api(tiers=("Mine", "Gold"))
    desk.subscribe(application, api, "Mine")
    resource = resources.create(desk.db, api, methods=["GET"], pattern="/x", tier="Mine")
    for remaining in (4, 3, 2, 1):
        with pytest.raises(ConflictError, match=f"is used {remaining} time"):
            tiers.delete(desk.db, "Mine")
        assert tiers.list_uses(desk.db)["Mine"] == remaining
        match remaining:
            case 4:
                resources.update(desk.db, api, resource, tier="Gold")
            case 3:
                applications.update(desk.db, application, ApplicationForm(tier="Gold"))
            case 2:
                subscriptions.update(desk.db, application, api, tier="Gold")
            case 1:
                apis.update(desk.db, "twitter", ApiForm(tiers=("Gold",)))
    assert "Mine" not in tiers.list_uses(desk.db)
    assert tiers.delete(desk.db, "Mine") == mine
    with pytest.raises(NotFoundError):
        tiers.require(desk.db, "Mine")


def test_a_change_that_a_gateway_has_to_obey_is_announced(desk, mine):
    with desk.announcing() as announced:
        tiers.update(desk.db, "Mine", requests=10)
        applications.update(desk.db, desk.default, ApplicationForm(tier="Mine"))
        applications.update(desk.db, desk.default, ApplicationForm(tier="Unlimited"))
        tiers.delete(desk.db, "Mine")
    tier, application = (ChangeKind.TIER, "Mine"), (ChangeKind.APPLICATION, desk.default.id)
    assert announced == [tier, application, application, tier]
