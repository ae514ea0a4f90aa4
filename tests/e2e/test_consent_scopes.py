"""Scopes on the way through the user's browser: shown, allowed, and what is left of them after."""

import pytest

from tests.e2e.expectations import is_error
from tests.e2e.visitor import client_of


@pytest.fixture(scope="module")
def client(market):
    made = client_of(market)
    stall = made.stall
    for name, description, roles in (
        ("read", "See <b>your</b> orders", []),
        ("write", "", ["clerk"]),
        ("drop", "Drop your orders", ["boss"]),
    ):
        form = {"description": description, "roles": roles}
        stall.change("declare_scope", api=stall.name, name=f"{stall.name}:{name}", **form)
    return made


@pytest.fixture
def clerk(market):
    name = market.user()
    market.changer("set_roles", name=name, roles=["clerk"])
    return name


def scope(client, names) -> str:
    return " ".join(f"{client.stall.name}:{name}" for name in names.split())


def test_what_the_user_may_have_is_shown_in_words_and_granted(client, clerk):
    visitor = client.logged_in(clerk, scope=scope(client, "drop write read read"))
    page = visitor.answer.body.decode()
    assert "See &lt;b&gt;your&lt;/b&gt; orders" in page
    assert f"<li>{scope(client, 'write')}</li>" in page
    assert "Drop" not in page
    visitor.decide("allow")
    tokens = client.redeem(visitor.told["code"]).json
    assert tokens["scope"] == scope(client, "read write")
    renewed = client.stall.refresh(tokens["refresh_token"], scope=scope(client, "read"))
    assert renewed.json["scope"] == scope(client, "read")


def test_what_the_user_may_not_have_is_told_to_the_application(client, clerk):
    visitor = client.logged_in(clerk)
    visitor.visit(client.address(scope=scope(client, "drop")))
    assert visitor.told["error"] == "invalid_scope"


def test_a_user_allows_no_more_than_the_page_showed(client, clerk):
    visitor = client.logged_in(clerk, scope=scope(client, "drop read"))
    client.stall.change("set_roles", name=clerk, roles=["boss"])
    visitor.decide("allow")
    assert "Drop your orders" in visitor.answer.body.decode()
    visitor.decide("allow")
    assert client.redeem(visitor.told["code"]).json["scope"] == scope(client, "drop read")


@pytest.mark.parametrize("shown", [None, "", "default"])
def test_a_form_that_does_not_say_what_it_showed_allows_nothing(client, clerk, shown):
    visitor = client.logged_in(clerk, scope=scope(client, "read"))
    visitor.decide("allow", shown_scope=shown)
    assert visitor.answer.status == 200
    visitor.decide("deny", shown_scope=shown)
    assert visitor.told["error"] == "access_denied"


def test_a_role_that_is_lost_before_the_code_is_redeemed_takes_its_scope(client, clerk):
    code = client.code(clerk, scope=scope(client, "read write"))
    client.stall.change("set_roles", name=clerk, roles=[])
    tokens = client.redeem(code).json
    assert tokens["scope"] == scope(client, "read")
    widened = client.stall.refresh(tokens["refresh_token"], scope=scope(client, "write"))
    assert is_error(widened, 400, "invalid_scope")


def test_a_scope_that_another_api_has_taken_over_is_not_what_was_allowed(client, clerk, market):
    name = scope(client, "lent")
    client.stall.change("declare_scope", api=client.stall.name, name=name)
    code = client.code(clerk, scope=name)
    client.stall.change("delete_scope", api=client.stall.name, name=name)
    other = market.stall()
    other.change("declare_scope", api=other.name, name=name, after_seconds=60)
    assert client.redeem(code).json["scope"] == "default"
