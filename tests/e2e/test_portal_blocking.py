"""What an administrator lets through at the API Store, the gateway obeys with the next request."""

import json
from urllib.parse import urlencode

import pytest

APPLICATIONS = "/store/admin/applications"
APIS = "/store/admin/apis"


@pytest.fixture(scope="module")
def admin(storefront):
    return storefront.admin()


@pytest.fixture
def stall(storefront):
    return storefront.market.stall()


def application_page(admin, stall) -> str:
    """Go to the application's page as an administrator does, and return its address."""
    admin.visit(f"{APPLICATIONS}?{urlencode({'q': stall.name})}")
    path = next(link for link in admin.links if link.startswith(f"{APPLICATIONS}/"))
    admin.visit(path)
    return path


def form_to(admin, verb) -> str:
    """Return the address of the one form on the page that does this."""
    (found,) = [path for path in admin.forms if path.rpartition("/")[2] == verb]
    return found


def state_of(stall) -> tuple:
    """What the gateway says to the production token and to the sandbox token."""
    answers = [stall.call(stall.token), stall.call(stall.sandbox["access_token"])]
    return tuple(each.status if each.status == 200 else each.fault for each in answers)


@pytest.mark.parametrize(
    ("verb", "says", "state"),
    [
        ("block", "Blocked", (900907, 900907)),
        ("block-production", "Prod only blocked", (900907, 200)),
        ("hold", "On hold", (900909, 900909)),
        ("reject", "Rejected", (900909, 900909)),
    ],
)
def test_a_subscription_is_blocked_and_unblocked(admin, stall, verb, says, state):
    application_page(admin, stall)
    assert f"{stall.name} 1.0.0 Unlimited Unblocked" in admin.page
    assert state_of(stall) == (200, 200)
    admin.send(form_to(admin, verb))
    assert f"{stall.name} 1.0.0 Unlimited {says}" in admin.page
    assert state_of(stall) == state
    admin.send(form_to(admin, "unblock"))
    assert "The subscription is unblocked." in admin.page
    assert state_of(stall) == (200, 200)
    done = [entry for entry in stall.change("audit_of", actor=admin.user) if entry[2] == stall.name]
    assert [(via, action) for via, action, *_ in done] == [
        ("portal", f"subscription.{verb.partition('-')[0]}"),
        ("portal", "subscription.unblock"),
    ]
    assert json.loads(done[0][3]) == {
        "owner": "admin",
        "api": f"{stall.name}:1.0.0",
        "state": says.upper().replace(" ", "_"),
    }


def test_a_double_click_blocks_once(admin, stall):
    application_page(admin, stall)
    path = form_to(admin, "block")
    form = admin.forms[path]
    for _ in range(2):
        admin.post(path, form)
        assert admin.answer.status == 200
    done = [entry for entry in stall.change("audit_of", actor=admin.user) if entry[2] == stall.name]
    assert len(done) == 1


def test_a_stale_page_does_not_unblock(admin, stall):
    stall.change("change_subscription", app=stall.name, api=stall.name, to="block")
    here = application_page(admin, stall)
    stall.change("change_subscription", app=stall.name, api=stall.name, to="reject")
    assert admin.send(form_to(admin, "unblock")).status == 409
    assert "This was changed since the page was shown" in admin.notices[0]
    assert "Rejected" in admin.page
    assert state_of(stall) == (900909, 900909)
    admin.visit(admin.address)  # as a browser does that is asked for this address anew
    assert admin.address == here


def test_what_is_gone_or_never_was_is_not_found(admin, stall):
    here = application_page(admin, stall)
    path = form_to(admin, "block")
    form = admin.forms[path]
    other = path.rpartition("/")[0] + "/explode"
    assert admin.post(other, form).status == 404
    stall.change("unsubscribe", app=stall.name, api=stall.name)
    assert admin.post(path, form).status == 404
    assert "There is no such subscription" in admin.notices[0]
    assert "It has subscribed to nothing yet" in admin.page
    stall.change("delete_app", name=stall.name)
    assert admin.visit(here).status == 404


def test_the_applications_of_all_are_found_by_name_and_owner(storefront, admin):
    owner = storefront.market.user()
    mine = storefront.market.name()
    storefront.market.changer("create_app", name=mine, owner=owner)
    for sought in (mine, owner.upper()):
        admin.visit(f"{APPLICATIONS}?{urlencode({'q': sought})}")
        assert f"1 application Name Owner Tier Subscriptions Keys Created {mine} {owner}" in (
            admin.page
        )
    admin.visit(f"{APPLICATIONS}?q=no+such+thing")
    assert "No application matches “no such thing”" in admin.page


def test_the_keys_and_the_form_of_an_application_are_within_reach(storefront, admin):
    owner = storefront.market.user()
    mine = storefront.market.name()
    application = storefront.market.changer("create_app", name=mine, owner=owner)
    admin.visit(f"{APPLICATIONS}/{application}")
    for path in (f"/store/subscriptions/{application}", f"/store/applications/{application}"):
        assert path in admin.links
        assert admin.visit(path).status == 200
        assert mine in admin.page
        assert owner in admin.page
        admin.visit(f"{APPLICATIONS}/{application}")


def test_an_api_is_blocked_and_unblocked(admin, stall):
    admin.visit(f"{APIS}?q={stall.name}")
    assert "1 API." in admin.page
    assert f"/{stall.name} 1 Published" in admin.page
    admin.send(form_to(admin, "block"))
    assert "The API is blocked." in admin.page
    assert admin.forms[APIS] == {"q": stall.name}
    assert stall.call(stall.token).status == 503
    assert state_of(stall) == (700700, 700700)
    admin.send(form_to(admin, "unblock"))
    assert state_of(stall) == (200, 200)
    reference = f"{stall.name}:1.0.0"
    done = [entry for entry in stall.change("audit_of", actor=admin.user) if entry[2] == reference]
    assert done == [
        ["portal", "api.block", reference, "{}"],
        ["portal", "api.unblock", reference, "{}"],
    ]


def test_an_api_goes_its_way_to_the_end(admin, stall):
    version = "2.0.0"
    urls = {"production_url": stall.market.production_url}
    context = f"/{stall.name}"
    stall.change(
        "create_api", name=stall.name, version=version, context=context, state="CREATED", **urls
    )
    admin.visit(f"{APIS}?q={stall.name}")
    admin.send(f"{APIS}/{stall.name}/{version}/publish")
    assert "The API is published." in admin.page
    admin.send(f"{APIS}/{stall.name}/{version}/deprecate")
    assert f"{APIS}/{stall.name}/{version}/publish" in admin.forms
    assert f"{APIS}/{stall.name}/{version}/retire" in admin.links
    assert f"{APIS}/{stall.name}/1.0.0/retire" not in admin.links
    retire = f"{APIS}/{stall.name}/{version}/retire"
    admin.visit(retire)
    assert "There is no way back" in admin.page
    admin.send(retire)
    assert "The API is retired." in admin.page
    path = f"/{stall.name}/{version}/search"
    assert stall.market.gateway.get(path, token=stall.token).status == 404
    admin.visit(retire)
    form = admin.forms[retire]
    publish = f"{APIS}/{stall.name}/{version}/publish"
    assert admin.post(publish, form).status == 409
    assert "is RETIRED: it cannot publish" in admin.notices[0]


def test_a_stale_page_does_not_publish(admin, stall):
    stall.change("change_api", name=stall.name, to="deprecate")
    admin.visit(f"{APIS}?q={stall.name}")
    stall.change("change_api", name=stall.name, to="retire")
    assert admin.send(form_to(admin, "publish")).status == 409
    assert "This was changed since the page was shown" in admin.notices[0]
    assert "Retired" in admin.page
    assert admin.forms[APIS] == {"q": stall.name}
    admin.visit(admin.address)  # as a browser does that is asked for this address anew
    assert admin.address == APIS
