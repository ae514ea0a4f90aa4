"""The API Store in a browser without script: the way in, and what is done once."""

from urllib.parse import urlencode

GENERATE = "/store/subscriptions/{}/production/generate"


def application_of(market, user) -> str:
    """Return the id of a new application of that user."""
    return market.changer("create_app", name=market.name(), owner=user)


def test_who_is_not_logged_in_is_asked_to_and_led_on(storefront):
    user = storefront.market.user()
    shopper = storefront.visitor()
    shopper.visit("/store/subscriptions?x=1")
    assert shopper.address == "/store/login"
    shopper.send("/store/login", username=user, password=user[::-1])
    assert shopper.address == "/store/subscriptions"


def test_a_key_is_generated_once_and_a_form_sent_twice_gets_one_answer(storefront):
    market = storefront.market
    user = market.user()
    shopper = storefront.visitor(user)
    path = GENERATE.format(application_of(market, user))
    shopper.visit(path.removesuffix("/production/generate"))
    form = shopper.forms[path] | {"domains": "example.com", "validity": "30d"}
    first = shopper.send(path, domains="example.com", validity="30d")
    assert first.status == 200
    _, _, token = shopper.secrets()
    assert market.gateway.get("/nothing", token=token).status == 404
    again = shopper.visit(path, method="POST", body=_encoded(form))
    assert again.body == first.body
    later = shopper.visit(path, method="POST", body=_encoded(form | {"once": "other"}))
    assert later.status == 409
    assert "has a production key already" in shopper.notices[0]


def test_bad_input_is_said_beside_its_field_and_what_was_typed_stays(storefront):
    market = storefront.market
    user = market.user()
    shopper = storefront.visitor(user)
    path = GENERATE.format(application_of(market, user))
    shopper.visit(path.removesuffix("/production/generate"))
    assert shopper.send(path, domains="http://example.com", validity="0").status == 422
    assert "is not a domain" in shopper.complaint("production-domains")
    assert "over before it starts" in shopper.complaint("production-validity")
    assert shopper.forms[path]["domains"] == "http://example.com"
    assert shopper.forms[path]["validity"] == "0"
    assert shopper.secrets() == []


def _encoded(form) -> bytes:
    return urlencode(form).encode()
