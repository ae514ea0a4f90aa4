"""The APIs in the API Store: found, described, subscribed to."""

import pytest

from tests.e2e.test_portal import application_of


@pytest.fixture
def shopper(storefront):
    """The browser of a new user who has an application."""
    user = storefront.market.user()
    shopper = storefront.visitor(user)
    shopper.application = application_of(storefront.market, user)
    shopper.user = user
    return shopper


@pytest.fixture
def publish(storefront):
    """Return what publishes an API of a new name, and returns that."""

    def create(name=None, **form):
        name = name or f"{storefront.market.name()}z"  # which begins no other one
        urls = {"production_url": "http://secret-backend.example/x"}
        storefront.market.changer("create_api", name=name, **(urls | form))
        return name

    return create


def path_of(name, version="1.0.0"):
    return f"/store/apis/{name}/{version}"


def test_an_api_is_found_by_name_context_version_and_description(shopper, publish):
    name = publish(context="/weather/oslo", version="3.7.1", description="Rain or sun in Ålesund")
    other = publish()
    for wanted in (name.upper(), "weather%2Foslo", "3.7.1", "RAIN", "%C3%A5lesund"):
        shopper.visit(f"/store/apis?q={wanted}")
        assert f"/store/apis/{name}/3.7.1" in shopper.links
        assert f"/store/apis/{other}/1.0.0" not in shopper.links
    shopper.visit("/store/apis?q=%3Cb%3Enothing")
    assert "0 APIs match “<b>nothing”" in shopper.page
    assert "Nothing here says that" in shopper.page


def test_versions_stand_together_and_the_default_one_speaks_for_them(shopper, publish):
    name = publish(description="The old one", is_default_version=True)
    publish(name, version="2.0.0", context=f"/{name}", description="The new one")
    publish(name, version="3.0.0", context=f"/{name}", state="CREATED")
    page = shopper.visit(f"/store/apis?q={name}").body.decode()
    assert page.count("<h2>") == 1
    assert "1 API matches" in shopper.page
    assert "The old one" in shopper.page
    assert "The new one" not in shopper.page
    assert "2.0.0 Published 1.0.0 default Published" in shopper.page
    assert "3.0.0" not in shopper.page


def test_what_is_not_out_is_not_there(shopper, publish):
    for state, status in {
        "CREATED": 404,
        "RETIRED": 404,
        "PROTOTYPED": 200,
        "DEPRECATED": 200,
        "BLOCKED": 200,
    }.items():
        name = publish(state=state)
        assert shopper.visit(path_of(name)).status == status
        shopper.visit(f"/store/apis?q={name}")
        assert (path_of(name) in shopper.links) == (status == 200)
        assert (state.capitalize() in shopper.page) == (status == 200)
    assert shopper.visit(path_of("nothing")).status == 404
    assert shopper.visit(path_of(name, "9.9.9")).status == 404


def test_a_list_comes_a_page_at_a_time(shopper, publish):
    prefix = publish()
    names = [publish(f"{prefix}x{number:02}") for number in range(26)]
    shopper.visit(f"/store/apis?q={prefix}x")
    assert "26 APIs match" in shopper.page
    assert "Page 1 of 2" in shopper.page
    assert path_of(names[23]) in shopper.links
    assert path_of(names[24]) not in shopper.links
    following = next(link for link in shopper.links if "page=2" in link)
    shopper.visit(following)
    assert path_of(names[25]) in shopper.links
    assert path_of(names[23]) not in shopper.links
    near = {"0": 1, "3": 2, "100": 2}
    nonsense = dict.fromkeys(("-1", "99999999999999999999", "two", "%C2%B2"), 1)
    for text, page in (near | nonsense).items():
        shopper.visit(f"/store/apis?q={prefix}x&page={text}")
        assert f"Page {page} of 2" in shopper.page


def test_a_version_says_what_a_subscriber_has_to_know_and_no_backend(storefront, shopper, publish):
    change = storefront.market.changer
    name = publish(
        description="All about <cats>",
        is_default_version=True,
        tiers=["Gold", "Bronze"],
        cors_origins=["https://app.example"],
    )
    publish(name, version="2.0.0", context=f"/{name}")
    scope = f"{name}:write"
    change("declare_scope", api=name, name=scope, description="Change cats")
    change(
        "create_resource",
        api=f"{name}:1.0.0",
        pattern="/cats/{id}",
        methods=["PUT", "GET"],
        auth_type="Application_User",
        scopes=[scope],
    )
    answer = shopper.visit(path_of(name))
    assert b"secret-backend" not in answer.body
    gateway = storefront.market.gateway.url
    for said in (
        "All about <cats>",
        f"{gateway}/{name}/1.0.0",
        f"{gateway}/{name} ",
        "Gold: 20 requests a minute",
        "Bronze: 1 request a minute",
        "https://app.example",
        "Production yes",
        "Sandbox no",
        f"/cats/{{id}} GET, PUT a user token {scope} Unlimited",
        f"{scope} Change cats",
        "2.0.0 Published",
    ):
        assert said in shopper.page
    assert "Silver" not in shopper.page
    shopper.visit(path_of(name, "2.0.0"))
    assert "Every path and every method" in shopper.page
    assert "Unlimited: no limit" in shopper.page
    assert "Unauthenticated" not in shopper.page


def test_an_application_subscribes_once_at_a_tier_the_api_allows(storefront, shopper, publish):
    name = publish(tiers=["Gold", "Unlimited"])
    path = path_of(name)
    shopper.visit(path)
    form = shopper.forms[path]
    assert form["application"] == shopper.application
    assert form["tier"] == "Unlimited"
    shopper.send(path, tier="Gold")
    assert shopper.address == f"/store/subscriptions/{shopper.application}"
    assert "Subscribed." in shopper.page
    (subscription,) = [form for path, form in shopper.forms.items() if path.endswith("/tier")]
    assert subscription["tier"] == "Gold"
    again = shopper.post(path, form | {"tier": "Gold"})
    assert again.status == 200
    late = shopper.post(path, form | {"once": "another"})
    assert late.status == 409
    assert "has subscribed" in shopper.complaint("application")
    assert "All your applications have subscribed" in shopper.page
    assert "Gold Unblocked" in shopper.page
    entries = storefront.market.changer("audit_of", actor=shopper.user)
    assert [entry[1] for entry in entries if entry[1] != "session.login"] == ["subscription.create"]
    assert all(entry[0] == "portal" for entry in entries)


def test_what_cannot_be_is_said_beside_its_field(storefront, shopper, publish):
    market = storefront.market
    theirs = application_of(market, market.user())
    name = publish(tiers=["Bronze", "Silver"])
    path = path_of(name)
    shopper.visit(path)
    assert shopper.forms[path]["tier"] == "Bronze"
    for field, value, said in (
        ("tier", "Gold", "does not allow the tier"),
        ("tier", "Platinum", "There is no tier"),
        ("application", theirs, "There is no such application"),
        ("application", "", "Choose an application"),
    ):
        shopper.visit(path)
        assert shopper.send(path, **{field: value}).status == 422
        assert said in shopper.complaint(field)
    assert "Your subscriptions" not in shopper.visit(path).body.decode()


def test_a_deprecated_version_takes_no_new_subscriptions(storefront, shopper, publish):
    name = publish()
    path = path_of(name)
    shopper.visit(path)
    storefront.market.changer("change_api", name=name, to="deprecate")
    assert shopper.send(path).status == 409
    assert "takes no subscriptions" in shopper.complaint("application")
    assert path not in shopper.forms
    assert "It takes no new subscriptions" in shopper.page


def test_who_has_no_application_is_led_to_one(storefront, publish):
    shopper = storefront.subscriber()
    name = publish()
    shopper.visit(path_of(name))
    assert path_of(name) not in shopper.forms
    assert "/store/applications/new" in shopper.links
