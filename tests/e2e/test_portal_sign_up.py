"""Signing up at the API Store, where the operator lets strangers do that."""

from urllib.parse import urlencode

import pytest

from tests.e2e.storefront import Shopper

SIGN_UP = "/store/sign-up"


@pytest.fixture
def configured(storefront):
    """Return what switches sign-up on and off, in the running portal; it is off in the end."""

    def switch(value):
        file = str(storefront.market.cli.config)
        storefront.market.changer("configure", file=file, key="portal.sign_up", value=value)

    storefront.market.changer("forget_sign_ups")
    yield switch
    switch(None)


@pytest.fixture
def stranger(storefront, configured):
    configured("on")
    shopper = storefront.visitor()
    shopper.visit(SIGN_UP)
    return shopper


def sign_up(shopper, name, password="long enough", repeated=None, **more):
    fields = {"username": name, "password": password, "repeated": repeated or password}
    return shopper.send(SIGN_UP, **fields, **more)


def test_nobody_signs_up_unless_the_operator_wants_that(storefront, configured):
    shopper = storefront.visitor()
    assert shopper.visit(SIGN_UP).status == 404
    shopper.visit("/store/login")
    assert "Sign up" not in shopper.page
    configured("on")
    shopper.visit("/store/login")
    assert "New here? Sign up" in shopper.page
    assert shopper.visit(SIGN_UP).status == 200
    configured("off")
    assert sign_up(shopper, "toolate").status == 404
    assert storefront.market.changer("audit_of", actor="toolate") == []


def test_who_signs_up_is_logged_in_and_has_no_roles_yet(storefront, stranger):
    before = dict(stranger.cookies)
    name = storefront.market.name()
    assert sign_up(stranger, f" {name} ").status == 200
    assert stranger.address == "/store/apis"
    assert "Welcome!" in stranger.page
    assert stranger.cookies != before
    stranger.visit("/store/profile")
    assert f"User name {name} User store PRIMARY Roles none" in stranger.page
    stranger.visit("/store/subscriptions")
    assert "You have no applications yet" in stranger.page
    stranger.visit(SIGN_UP)
    assert stranger.address == "/store/apis"
    assert storefront.market.changer("audit_of", actor=name) == [
        ["portal", "user.create", name, '{"roles": []}']
    ]
    again = storefront.visitor()
    assert again.log_in(name, "long enough").status == 200


def test_what_is_wrong_stands_beside_its_field_and_the_name_stays(storefront, stranger):
    taken = storefront.market.user()
    assert sign_up(stranger, None, "short", "shorter").status == 422
    assert stranger.complaint("username") == "Choose a user name."
    assert stranger.complaint("password") == "Use 8 characters or more."
    assert sign_up(stranger, "fine", "long enough", "long  enough").status == 422
    assert stranger.complaint("repeated") == "This is not the same password."
    assert stranger.forms[SIGN_UP]["username"] == "fine"
    assert "long enough" not in stranger.answer.body.decode()
    assert sign_up(stranger, taken).status == 409
    assert "There is a user of that name already" in stranger.complaint("username")
    assert sign_up(stranger, taken.upper()).status == 422
    assert stranger.complaint("username").endswith(f"Take '{taken}'.")
    for name in ("FOO.COM/eve", "PRIMARY/eve", "e\u202eve", "x" * 256):
        assert sign_up(stranger, name).status == 422
        assert stranger.complaint("username")
    assert storefront.market.cli("user", "show", "eve").code == 3


def test_a_form_that_is_sent_twice_makes_one_user(storefront, stranger):
    name = storefront.market.name()
    typed = {"username": name, "password": "long enough", "repeated": "long enough"}
    body = urlencode(stranger.forms[SIGN_UP] | typed).encode()
    impatient = Shopper(storefront.portal, dict(stranger.cookies))
    for shopper in (stranger, impatient):
        assert shopper.visit(SIGN_UP, method="POST", body=body).status == 200
        assert "Welcome!" in shopper.page
    assert stranger.cookies == impatient.cookies
    assert len(storefront.market.changer("audit_of", actor=name)) == 1


def test_nobody_fills_the_store_with_users(storefront, stranger):
    market = storefront.market
    market.changer("remember_sign_ups", count=30)
    assert sign_up(stranger, market.name()).status == 200
    other = storefront.visitor()
    other.visit(SIGN_UP)
    refused = market.name()
    answer = sign_up(other, refused)
    assert answer.status == 429
    assert int(answer.headers["Retry-After"]) > 60
    assert "Too many people sign up" in other.notices[0]
    assert other.forms[SIGN_UP]["username"] == refused
    assert market.cli("user", "show", refused).code == 3
