"""Applications in the API Store: made, changed and deleted as by the commands."""

import json
from urllib.parse import urlencode

import pytest

from apimctl.services.applications import MOST_OF_ONE_SUBSCRIBER

LIST = "/store/applications"
NEW = f"{LIST}/new"
GRANTS = ("authorization_code", "client_credentials", "password", "refresh_token")


@pytest.fixture
def user(storefront) -> str:
    return storefront.market.user()


@pytest.fixture
def shopper(storefront, user):
    return storefront.visitor(user)


@pytest.fixture
def audited(storefront, user):
    """Return what the user did, as the audit log has it."""

    def read():
        rows = storefront.market.changer("audit_of", actor=user)
        return [
            (action, target, json.loads(details))
            for via, action, target, details in rows
            if via == "portal" and action != "session.login"
        ]

    return read


def make(shopper, **fields) -> str:
    """Create an application with the form, and return its id."""
    shopper.visit(NEW)
    shopper.send(NEW, **fields)
    assert shopper.answer.status == 200, shopper.page
    return shopper.address.rpartition("/")[2]


def show(storefront, user, name) -> dict:
    """What `apimctl app show` says."""
    return storefront.market.cli.data("app", "show", name, "--owner", user)


def without_grants(*grants) -> dict:
    return dict.fromkeys(f"grant_{grant}" for grant in grants)


def test_who_has_none_is_led_to_the_form(shopper):
    shopper.visit(LIST)
    assert "You have no applications yet" in shopper.page
    assert f'href="../{NEW[1:]}"' in shopper.answer.body.decode()


def test_what_is_usual_is_filled_in(storefront, user, shopper, audited):
    application_id = make(shopper, name="shop")
    assert shopper.address == f"/store/subscriptions/{application_id}"
    assert "The application was created" in shopper.page
    made = show(storefront, user, "shop")
    del made["created_at"]
    assert made == {
        "name": "shop",
        "owner": user,
        "tier": "Unlimited",
        "description": "",
        "callback_urls": [],
        "grants": None,
        "token_format": "opaque",
        "public": False,
    }
    assert audited() == [("app.create", "shop", {"owner": user})]


def test_all_that_the_command_can_say_can_be_said(storefront, user, shopper):
    application_id = make(
        shopper,
        name=" phone ",
        tier="OnePerMinute",
        description="On <b>phones</b>",
        callback_urls="com.example.phone:/back\r\n\r\n https://example.com/a?b=c \r\n",
        client="public",
        token_format="jwt",
        **without_grants("client_credentials", "password"),
    )
    made = show(storefront, user, "phone")
    assert made["tier"] == "OnePerMinute"
    assert made["description"] == "On <b>phones</b>"
    assert made["callback_urls"] == ["com.example.phone:/back", "https://example.com/a?b=c"]
    assert (made["public"], made["token_format"]) == (True, "jwt")
    assert made["grants"] == ["authorization_code", "refresh_token"]
    shopper.visit(f"{LIST}/{application_id}")
    assert "OnePerMinute: 1 request a minute" in shopper.page
    form = shopper.forms[f"{LIST}/{application_id}"]
    assert form["callback_urls"].split() == made["callback_urls"]
    assert [grant for grant in GRANTS if f"grant_{grant}" in form] == made["grants"]
    assert (form["client"], form["token_format"]) == ("public", "jwt")


def test_the_tier_of_calls_without_a_token_is_none_to_choose(storefront, user, shopper):
    path = f"{LIST}/{make(shopper, name='odd')}"
    option = b'<option value="Unauthenticated"'
    assert option not in shopper.visit(path).body
    storefront.market.changer("update_app", name="odd", tier="Unauthenticated")
    assert option in shopper.visit(path).body
    assert shopper.forms[path]["tier"] == "Unauthenticated"


def test_the_list_says_what_each_has(storefront, user, shopper):
    make(shopper, name="bare", description="Nothing yet")
    stocked = make(shopper, name="stocked", tier="Gold")
    storefront.market.changer("generate", app="stocked", key_type="SANDBOX")
    shopper.visit(LIST)
    assert "bare Unlimited Nothing yet none 0" in shopper.page
    assert "stocked Gold none Sandbox 0" in shopper.page
    page = shopper.answer.body.decode()
    assert f'href="../{LIST[1:]}/{stocked}"' in page
    assert f'href="../store/subscriptions/{stocked}"' in page


def test_each_message_stands_beside_its_field_and_what_was_typed_stays(shopper, user, audited):
    shopper.visit(NEW)
    typed = {
        "name": "a\u200bb",
        "tier": "Platinum",
        "description": "x" * 1025,
        "callback_urls": "https://example.com/back\r\nhttp://example.com/",
        "client": "public",
        "token_format": "jwt",
    }
    refused = shopper.send(NEW, **typed, **without_grants(*GRANTS))
    assert refused.status == 422
    said = {
        "name": "has control characters",
        "tier": "There is no tier 'Platinum'",
        "description": "too long",
        "callback-urls": "is http to another machine",
        "grants": "Choose at least one",
    }
    for field, message in said.items():
        assert message in shopper.complaint(field), field
    form = shopper.forms[NEW]
    assert form.items() >= {name: text for name, text in typed.items() if name != "tier"}.items()
    assert not [name for name in form if name.startswith("grant_")]
    assert audited() == []
    assert shopper.send(NEW, name="", client="spy", token_format="paper").status == 422
    for field in ("name", "client", "token-format"):
        assert shopper.complaint(field), field


def test_a_name_is_taken_once_among_the_users_own(storefront, user, shopper, audited):
    make(shopper, name="shop")
    shopper.visit(NEW)
    assert shopper.send(NEW, name="shop").status == 409
    assert "has an application 'shop' already" in shopper.complaint("name")
    assert len(audited()) == 1
    assert make(storefront.subscriber(), name="shop")


def test_a_double_click_makes_one_and_ends_at_it(storefront, user, shopper, audited):
    shopper.visit(NEW)
    form = shopper.forms[NEW]
    shopper.send(NEW, name="once")
    first = shopper.address
    shopper.visit(NEW, method="POST", body=urlencode(form | {"name": "once"}).encode())
    assert (shopper.address, shopper.answer.status) == (first, 200)
    assert len(audited()) == 1
    shopper.visit(NEW, method="POST", body=urlencode(form | {"name": "twice"}).encode())
    assert (shopper.address != first, shopper.answer.status) == (True, 200)
    assert len(audited()) == 2


def test_it_is_changed_as_the_command_changes_it(storefront, user, shopper, audited):
    path = f"{LIST}/{make(shopper, name='shop', callback_urls='https://example.com/')}"
    shopper.visit(path)
    shopper.send(path, name="store", tier="Gold", callback_urls="", **without_grants("password"))
    assert "The application was changed" in shopper.page
    changed = {
        "name": "store",
        "tier": "Gold",
        "callback_urls": [],
        "grants": ["authorization_code", "client_credentials", "refresh_token"],
    }
    assert audited()[1:] == [("app.update", "shop", {"owner": user, **changed})]
    assert show(storefront, user, "store").items() >= changed.items()
    shopper.send(path, grant_password="on")
    assert show(storefront, user, "store")["grants"] is None
    shopper.send(path)
    assert "nothing was changed" in shopper.page
    assert len(audited()) == 3


def test_one_that_becomes_public_loses_its_secrets_at_once(storefront, user, shopper):
    market = storefront.market
    name = market.name()
    path = f"{LIST}/{make(shopper, name=name)}"
    key = market.changer("generate", app=name)
    client = (key["consumer_key"], key["consumer_secret"])
    ask = {"grant_type": "client_credentials"}
    assert market.gateway.form("/token", ask, client=client).status == 200
    shopper.visit(path)
    assert "Its consumer secrets end as soon as you save" in shopper.page
    shopper.send(path, client="public")
    assert "its consumer secrets are over" in shopper.page
    assert market.gateway.form("/token", ask, client=client).status == 401
    shopper.send(path, client="confidential")
    assert "get a consumer secret by Rotate" in shopper.page
    assert market.gateway.form("/token", ask, client=client).status == 401


def test_a_stale_page_changes_nothing_and_says_what_is_there_now(
    storefront, user, shopper, audited
):
    path = f"{LIST}/{make(shopper, name='shop', description='Ours')}"
    stale = storefront.visitor(user)
    stale.visit(path)
    shopper.visit(path)
    shopper.send(path, tier="Gold", **without_grants("password"))
    refused = stale.send(path, name="kept", description="Mine", client="public")
    assert refused.status == 409
    assert "This was changed since the page was shown" in stale.notices[0]
    now = "Name shop Tier Gold Description Ours Grant password not allowed"
    assert f"{now} Kind of application confidential" in stale.page
    form = stale.forms[path]
    assert (form["name"], form["description"], form["tier"]) == ("kept", "Mine", "Unlimited")
    assert len(audited()) == 2
    assert stale.send(path).status == 200
    after = show(storefront, user, "kept")
    assert (after["tier"], after["description"], after["public"]) == ("Unlimited", "Mine", True)


def test_deleting_asks_and_says_what_goes_with_it(storefront, user, shopper, audited):
    market = storefront.market
    name, api = market.name(), market.name()
    application_id = make(shopper, name=name)
    path = f"{LIST}/{application_id}/delete"
    token = market.changer("generate", app=name)["access_token"]
    market.changer("create_api", name=api, production_url=market.production_url)
    market.changer("subscribe", app=name, api=api)
    assert market.gateway.get(f"/{api}/1.0.0/", token=token).status == 200
    shopper.visit(path)
    assert "1 key and 1 subscription" in shopper.page
    market.changer("generate", app=name, key_type="SANDBOX")
    assert shopper.send(path).status == 409
    assert "2 keys and 1 subscription" in shopper.page
    assert market.gateway.get(f"/{api}/1.0.0/", token=token).status == 200
    form = shopper.forms[path]
    shopper.send(path)
    assert (shopper.address, "was deleted" in shopper.page) == (LIST, True)
    assert market.gateway.get(f"/{api}/1.0.0/", token=token).status == 401
    assert audited()[1:] == [("app.delete", name, {"owner": user})]
    shopper.visit(path, method="POST", body=urlencode(form).encode())
    assert "was deleted" in shopper.page
    assert shopper.visit(path).status == 404
    assert len(audited()) == 2


def test_the_one_that_commands_fall_back_on_stays_and_keeps_its_name(storefront):
    market = storefront.market
    market.changer("set_password", name="admin", password="nimda")
    market.changer("set_roles", name="admin", roles=["admin"])
    admin = storefront.visitor("admin")
    admin.visit(LIST)
    path = f"{LIST}/{own_id(admin)}"
    admin.visit(path)
    assert "so it keeps its name" in admin.page
    assert admin.send(path, name="other").status == 403
    assert "DefaultApplication keeps its name" in admin.complaint("name")
    assert admin.forms[path]["name"] == "other"
    admin.send(path, name="DefaultApplication", description="For commands")
    assert "The application was changed" in admin.page
    form = admin.forms[path]
    admin.visit(f"{path}/delete")
    assert "cannot be deleted" in admin.page
    assert admin.forms.keys() == {"/store/logout"}
    body = urlencode({"form_token": form["form_token"]}).encode()
    assert admin.visit(f"{path}/delete", method="POST", body=body).status == 403
    assert "DefaultApplication cannot be deleted" in admin.notices[0]


def test_a_user_may_delete_one_of_the_same_name(shopper):
    path = f"{LIST}/{make(shopper, name='DefaultApplication')}/delete"
    shopper.visit(path)
    shopper.send(path)
    assert "was deleted" in shopper.page


def test_anothers_application_is_not_there(storefront, shopper):
    path = f"{LIST}/{make(shopper, name='mine')}"
    shopper.visit(path)
    fields = shopper.forms[path] | {"name": "theirs"}
    stranger = storefront.subscriber()
    stranger.visit(NEW)
    fields["form_token"] = stranger.forms[NEW]["form_token"]
    for address in (path, f"{path}/delete"):
        assert stranger.visit(address).status == 404, address
        unknown = stranger.answer.body
        assert stranger.visit(f"{LIST}/0{address[len(path) :]}").status == 404
        body = urlencode(fields).encode()
        assert stranger.visit(address, method="POST", body=body).status == 404, address
        assert unknown == stranger.answer.body
    shopper.visit(path)
    assert shopper.forms[path]["name"] == "mine"


def test_an_admin_may_change_anybodys(storefront, user, shopper):
    path = f"{LIST}/{make(shopper, name='shop')}"
    admin = storefront.admin()
    admin.visit(path)
    assert f"of {user}" in admin.page
    admin.send(path, tier="Silver")
    assert show(storefront, user, "shop")["tier"] == "Silver"


def test_a_user_has_so_many_at_most_and_an_admin_makes_more(storefront, user, shopper, audited):
    changer = storefront.market.changer
    changer("create_apps", owner=user, count=MOST_OF_ONE_SUBSCRIBER - 1)
    make(shopper, name="the last one")
    shopper.visit(NEW)
    assert shopper.send(NEW, name="one more").status == 409
    (notice,) = shopper.notices
    assert notice.startswith("You have 100 applications or more already. Delete one")
    assert shopper.forms[NEW]["name"] == "one more"
    assert [target for _, target, _ in audited()] == ["the last one"]
    changer("set_roles", name=user, roles=["admin"])
    make(shopper, name="one more")


def own_id(shopper) -> str:
    """The id of the one application in the list that is shown."""
    return shopper.answer.body.decode().partition("store/subscriptions/")[2].partition('"')[0]
