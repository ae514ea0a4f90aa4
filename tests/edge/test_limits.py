from contextlib import closing

import pytest

from apimctl.domain.admission import decide
from apimctl.domain.models import AuthType
from apimctl.domain.quota import Scope
from apimctl.edge.read_model import ReadModel
from apimctl.errors import StoreError
from apimctl.services import apis, applications, resources, subscriptions, tiers
from apimctl.services.applications import ApplicationForm
from tests.conftest import NOW


@pytest.fixture
def model(shop, store_path):
    with closing(ReadModel(store_path, on_settings_changed=lambda: None)) as opened:
        yield opened


def change(shop, action):
    """Do something to the store, with its application and its API."""
    with shop.store.transaction() as db:
        found = applications.resolve(db, "DefaultApplication"), apis.resolve(db, "twitter")
        return action(db, *found)


def limits(shop, model, address="192.0.2.1"):
    model.refresh()
    facts = model.facts(
        "/twitter/1/x",
        "GET",
        authorization=[f"Bearer {shop.token}"],
        client_domains=(),
        now=NOW,
    )
    found = model.limits(decide(facts), client_address=address)
    return [(one.scope, one.requests, one.per_seconds) for one in found]


UNLIMITED = ApplicationForm(tier="Unlimited")
CHANGES = {
    Scope.APPLICATION: lambda tier: (
        lambda db, app, _: applications.update(db, app, ApplicationForm(tier=tier)),
    ),
    Scope.SUBSCRIPTION: lambda tier: (
        lambda db, app, api: subscriptions.update(db, app, api, tier=tier),
    ),
    Scope.RESOURCE: lambda tier: (
        lambda db, _, api: resources.create(db, api, methods=["*"], pattern="/*", tier=tier),
    ),
}


def test_unlimited_is_no_limit(shop, model):
    assert limits(shop, model) == []


@pytest.mark.parametrize(("scope", "move"), CHANGES.items(), ids=CHANGES)
def test_a_tier_and_its_changes_are_known_to_the_next_request(shop, model, scope, move):
    assert limits(shop, model) == []
    change(shop, lambda db, *_: tiers.create(db, "Mine", requests=7, per_seconds=60))
    assert limits(shop, model) == []
    (do,) = move("Mine")
    change(shop, do)
    assert limits(shop, model) == [(scope, 7, 60)]
    change(shop, lambda db, *_: tiers.update(db, "Mine", requests=8))
    assert limits(shop, model) == [(scope, 8, 60)]
    change(shop, lambda db, *_: tiers.update(db, "Mine", per_seconds=3600))
    assert limits(shop, model) == [(scope, 8, 3600)]


def test_a_tier_that_was_deleted_and_made_anew_is_the_new_one(shop, model):
    for requests in (7, 8):
        (do,) = CHANGES[Scope.APPLICATION]("Mine")
        change(shop, lambda db, *_, n=requests: tiers.create(db, "Mine", requests=n, per_seconds=1))
        change(shop, do)
        assert limits(shop, model) == [(Scope.APPLICATION, requests, 1)]
        change(shop, lambda db, app, _: applications.update(db, app, UNLIMITED))
        change(shop, lambda db, *_: tiers.delete(db, "Mine"))
        assert limits(shop, model) == []


def test_what_is_known_is_not_read_again(shop, model):
    (do,) = CHANGES[Scope.APPLICATION]("Gold")
    change(shop, do)
    assert limits(shop, model) == [(Scope.APPLICATION, 20, 60)]
    ran = []
    model._db.set_trace_callback(ran.append)
    for _ in range(3):
        assert limits(shop, model) == [(Scope.APPLICATION, 20, 60)]
    assert ran == []


def test_without_a_token_the_address_has_the_tier_for_it(shop, model):
    def open_to_all(db, _, api):
        resources.create(db, api, methods=["*"], pattern="/*", auth_type=AuthType.NONE)

    change(shop, open_to_all)
    assert limits(shop, model) == [(Scope.UNAUTHENTICATED, 60, 60)]


def test_a_store_without_a_tier_that_it_names_is_unreadable(shop, model):
    with shop.store.transaction() as db:
        db.execute("PRAGMA defer_foreign_keys = ON")
        db.execute("UPDATE tier SET name = 'lost' WHERE name = 'Unlimited'")
        db.execute("UPDATE application SET tier = 'lost'")
        db.execute("UPDATE subscription SET tier = 'lost'")
    with pytest.raises(StoreError, match="no tier 'Unlimited'"):
        limits(shop, model)
