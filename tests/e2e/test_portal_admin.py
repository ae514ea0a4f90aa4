"""The administration of the API Store, in a browser without script: users, tiers, the audit log."""

import json
import re
from urllib.parse import urlencode

import pytest

from apimctl.portal.admin.pages import ROUTES

USERS = "/store/admin/users"
NEW_USER = f"{USERS}/new"
TIERS = "/store/admin/tiers"
AUDIT = "/store/admin/audit"
OTHER_STORE = "STAFF.TEST"
DIRECTORY = "CORP.TEST"


@pytest.fixture(scope="module")
def admin(storefront):
    """Give the browser of an administrator; there are other user stores, too."""
    market = storefront.market
    market.changer("create_userstore", domain=OTHER_STORE)
    market.changer(
        "create_userstore",
        domain=DIRECTORY,
        url="ldaps://localhost:1",
        user_dn_template="uid={},dc=test",
    )
    return storefront.admin()


@pytest.fixture(scope="module")
def subscriber(storefront):
    return storefront.market.user()


def user_page(admin, name) -> str:
    """Return the address of a user's page, and go there."""
    admin.visit(f"{USERS}?{urlencode({'q': name})}")
    bare = re.escape(name.rpartition("/")[2])
    found = re.search(rf'href="[^"]*admin/users/(\w+)">{bare}</a>', admin.answer.body.decode())
    admin.visit(f"{USERS}/{found[1]}")
    return admin.address


def entries(storefront, admin) -> list:
    """What the administrator did, as the audit log has it: action, target, details."""
    found = storefront.market.changer("audit_of", actor=admin.user)
    assert {via for via, *_ in found} == {"portal"}
    return [(action, target, json.loads(details)) for _, action, target, details in found]


def filled_in(path) -> str:
    return re.sub(r"\{\w+\}", "x", path)


@pytest.mark.parametrize("route", ROUTES, ids=lambda route: route.path)
def test_it_is_for_administrators_alone(storefront, subscriber, route):
    path = filled_in(route.path)
    nobody = storefront.visitor()
    nobody.visit(path)
    assert nobody.address == "/store/login"
    shopper = storefront.visitor(subscriber)
    shopper.visit("/store/apis")
    assert "store/admin" not in shopper.answer.body.decode()
    fields = {"form_token": shopper.forms["/store/logout"]["form_token"]}
    assert shopper.visit(path).status == 403
    assert "This page is for administrators" in shopper.page
    if route.post:
        answer = shopper.post(path, fields)
        assert answer.status == 403
        assert "This page is for administrators" in shopper.page


def test_the_administration_begins_with_the_users(admin):
    admin.visit("/store/apis")
    assert 'href="../store/admin"' in admin.answer.body.decode()
    admin.visit("/store/admin")
    assert admin.address == USERS
    assert "Users Applications APIs Tiers Audit log" in admin.page


def test_users_are_found_by_name_and_user_store_and_listed_in_pages(storefront, admin):
    for number in range(51):
        storefront.market.changer("create_user", name=f"{OTHER_STORE}/crowd%_{number:02}")
    admin.visit(f"{USERS}?{urlencode({'q': 'CROWD%_', 'store': OTHER_STORE})}")
    assert "51 users" in admin.page
    assert "crowd%_49" in admin.page
    assert "crowd%_50" not in admin.page
    assert "Page 1 of 2 Next" in admin.page
    admin.visit(next(link for link in admin.links if "page=2" in link))
    assert "crowd%_50" in admin.page
    assert "crowd%_49" not in admin.page
    assert admin.forms[USERS] == {"q": "CROWD%_", "store": OTHER_STORE}
    for page in ("999", "0", "-1", "x", "9" * 30):
        assert admin.visit(f"{USERS}?q=crowd&page={page}").status == 200
    admin.visit(f"{USERS}?{urlencode({'q': 'crowd%__'})}")
    assert "No user is called so" in admin.page


def test_a_user_is_created_once_with_roles_in_the_store_that_the_name_carries(storefront, admin):
    name = f"{OTHER_STORE}/{storefront.market.name()}"
    admin.visit(NEW_USER)
    form = admin.forms[NEW_USER] | {"name": name, "roles": "editors, admin,editors"}
    form |= {"password": "a long one", "repeated": "a long one"}
    for _ in range(2):  # a double click
        admin.post(NEW_USER, form)
        assert "The user was created." in admin.page
    assert name in admin.page
    created = [entry for entry in entries(storefront, admin) if entry[:2] == ("user.create", name)]
    assert created == [("user.create", name, {"roles": ["admin", "editors"]})]
    shopper = storefront.visitor()
    shopper.log_in(name, "a long one")
    assert 'href="../store/admin"' in shopper.answer.body.decode()


def test_a_user_without_a_password_cannot_log_in(storefront, admin):
    name = storefront.market.name()
    admin.visit(NEW_USER)
    admin.send(NEW_USER, name=name)
    assert "Without a password: cannot log in" in admin.page
    assert storefront.visitor().log_in(name, "").status == 403


def test_bad_input_is_said_beside_each_field_and_no_user_is_made(storefront, admin):
    taken = storefront.market.user()
    admin.visit(NEW_USER)
    sent = {"name": taken, "roles": "two words", "password": "one", "repeated": "other"}
    assert admin.send(NEW_USER, **sent).status == 409
    assert f"There is a user '{taken}' already" in admin.complaint("name")
    assert "has a space" in admin.complaint("roles")
    assert "not the same" in admin.complaint("repeated")
    assert admin.forms[NEW_USER] | {"name": taken, "roles": "two words"} == admin.forms[NEW_USER]
    assert admin.forms[NEW_USER]["password"] == ""
    for name, complaint in {
        "": "Give the user a name",
        "a:b": "has a ':'",
        "NOWHERE/eve": "There is no user store",
        f"{DIRECTORY}/eve": "live in its directory",
    }.items():
        assert admin.send(NEW_USER, name=name, roles="").status >= 400
        assert complaint in admin.complaint("name")
    admin.send(NEW_USER, name="eve", roles="", password="", repeated="typed once")
    assert "Type a password" in admin.complaint("password")
    admin.send(NEW_USER, name="eve", roles="", password="x" * 1025, repeated="x" * 1025)
    assert "1025 characters long" in admin.complaint("password")
    admin.visit(f"{USERS}?q=eve")
    assert "No user is called so" in admin.page


def test_roles_hold_with_the_next_request(storefront, admin):
    name = storefront.market.user()
    shopper = storefront.visitor(name)
    here = user_page(admin, name)
    admin.send(f"{here}/update", roles="admin")
    assert "The user was changed." in admin.page
    assert shopper.visit(USERS).status == 200
    admin.send(f"{here}/update", roles="")
    assert shopper.visit(USERS).status == 403
    done = [details for _, target, details in entries(storefront, admin) if target == name]
    assert done == [{"roles": ["admin"]}, {"roles": []}]


def test_nobody_takes_the_role_admin_from_themselves(admin):
    here = user_page(admin, admin.user)
    assert admin.send(f"{here}/update", roles="editors").status == 409
    assert "You cannot take the role admin from yourself" in admin.complaint("roles")
    assert admin.forms[f"{here}/update"]["roles"] == "editors"
    admin.send(f"{here}/update", roles="admin, editors")
    assert admin.forms[f"{here}/update"]["roles"] == "admin, editors"
    admin.visit(f"{here}/delete")
    assert admin.send(f"{here}/delete").status == 409
    assert "You cannot delete yourself" in admin.notices[0]


def test_a_stale_page_changes_nothing(storefront, admin):
    name = storefront.market.user()
    here = user_page(admin, name)
    storefront.market.changer("set_roles", name=name, roles=["editors"])
    assert admin.send(f"{here}/update", roles="readers").status == 409
    assert "This was changed since the page was shown" in admin.notices[0]
    assert admin.forms[f"{here}/update"]["roles"] == "readers"
    admin.visit(admin.address)  # as a browser does that is asked for this address anew
    assert admin.address == here
    assert admin.forms[f"{here}/update"]["roles"] == "editors"


def test_a_new_password_logs_the_user_out(storefront, admin):
    name = storefront.market.user()
    shopper = storefront.visitor(name)
    here = user_page(admin, name)
    admin.send(f"{here}/password", password="new one", repeated="other one")
    assert "not the same" in admin.complaint("repeated")
    assert shopper.visit("/store/apis").status == 200
    assert shopper.address == "/store/apis"
    admin.send(f"{here}/password", password=" new one", repeated=" new one")
    assert "The password was set" in admin.page
    shopper.visit("/store/apis")
    assert shopper.address == "/store/login"
    assert shopper.log_in(name).status == 403
    assert shopper.log_in(name, " new one").status == 200
    assert ("user.password", name, {}) in entries(storefront, admin)
    own = user_page(admin, admin.user)
    assert f"{own}/password" not in admin.forms
    form = admin.forms[f"{own}/update"] | {"password": "x", "repeated": "x"}
    assert admin.post(f"{own}/password", form).status == 409
    assert "This is you" in admin.notices[0]


def test_a_user_is_logged_out_everywhere(storefront, admin):
    name = storefront.market.user()
    browsers = [storefront.visitor(), storefront.visitor()]
    for shopper in browsers:
        shopper.log_in(name)
        assert shopper.address == "/store/apis"
    here = user_page(admin, name)
    admin.send(f"{here}/sessions")
    for shopper in browsers:
        shopper.visit("/store/apis")
        assert shopper.address == "/store/login"
    assert ("session.end", name, {"sessions": 2}) in entries(storefront, admin)


def test_a_user_gets_another_name(storefront, admin):
    name, other, taken = (storefront.market.user() for _ in range(3))
    here = user_page(admin, name)
    assert admin.send(f"{here}/update", name=taken).status == 409
    assert "already" in admin.complaint("name")
    assert admin.send(f"{here}/update", name="").status == 422
    assert admin.complaint("name") == "Give the user a name."
    admin.send(f"{here}/update", name=name)
    assert "nothing was changed" in admin.page
    new_name = storefront.market.name()
    admin.send(f"{here}/update", name=new_name)
    assert new_name in admin.page
    assert ("user.update", name, {"name": new_name}) in entries(storefront, admin)
    assert storefront.visitor().log_in(new_name, name[::-1]).status == 200
    assert user_page(admin, other)
    here = user_page(admin, "admin")
    assert "name" not in admin.forms[f"{here}/update"]


def test_a_user_is_deleted_who_owns_nothing(storefront, admin):
    name = storefront.market.user()
    shopper = storefront.visitor(name)
    app = storefront.market.name()
    storefront.market.changer("create_app", name=app, owner=name)
    here = user_page(admin, name)
    assert "owns 1 application: delete it first" in admin.page
    admin.visit(f"{here}/delete")
    assert admin.send(f"{here}/delete").status == 409
    assert "owns 1 application" in admin.notices[0]
    storefront.market.changer("delete_app", name=app)
    admin.visit(f"{here}/delete")
    form = admin.forms[f"{here}/delete"]
    for _ in range(2):  # a double click
        admin.post(f"{here}/delete", form)
        assert "The user was deleted." in admin.page
    assert entries(storefront, admin).count(("user.delete", name, {})) == 1
    assert admin.visit(here).status == 404
    shopper.visit("/store/apis")
    assert shopper.address == "/store/login"


def test_admin_cannot_be_deleted(admin):
    here = user_page(admin, "admin")
    admin.visit(f"{here}/delete")
    assert admin.send(f"{here}/delete").status in {403, 409}
    assert "Admin cannot be deleted" in admin.notices[0] or "owns" in admin.notices[0]
    assert admin.visit(here).status == 200


def test_of_a_user_of_a_directory_it_says_what_cannot_be_done(storefront, admin):
    name = f"{DIRECTORY}/ida"
    storefront.market.changer("admit", name=name, groups=["staff"])
    here = user_page(admin, name)
    assert "live in its directory" in admin.page
    form = admin.forms[f"{here}/update"]
    assert form["roles"] == f"{DIRECTORY}/staff"
    assert "name" not in form
    assert f"{here}/password" not in admin.forms
    for what in ("update", "password"):
        fields = form | {"name": "x", "password": "x", "repeated": "x"}
        assert admin.post(f"{here}/{what}", fields).status == 409
    admin.visit(here)
    admin.send(f"{here}/update", roles="editors")
    assert admin.forms[f"{here}/update"]["roles"] == "editors"
    admin.visit(f"{here}/delete")
    assert "the next log-in makes the user known here again" in admin.page
    admin.send(f"{here}/delete")
    assert "The user was deleted." in admin.page


def test_a_tier_is_made_changed_and_deleted(storefront, admin):
    market = storefront.market
    name = f"{market.name()}/50 %"
    admin.visit(f"{TIERS}/new")
    sent = {"name": "Gold", "requests": "0", "per": "never", "description": "x" * 1025}
    assert admin.send(f"{TIERS}/new", **sent).status == 422
    assert "are no limit" in admin.complaint("requests")
    assert "must end some time" in admin.complaint("per")
    assert "too long" in admin.complaint("description")
    for requests in ("", "1.5", "-1", "x", "1" * 30):
        admin.send(f"{TIERS}/new", requests=requests)
        assert admin.complaint("requests")
    admin.send(f"{TIERS}/new", requests="50", per="1m", description="")
    assert "There is a tier 'Gold' already" in admin.complaint("name")
    admin.send(f"{TIERS}/new", name=name)
    assert f"{name} 50 requests a minute none 0 times" in admin.page

    change = next(path for path in admin.links if path.endswith("/change") and "50" in path)
    admin.visit(change)
    assert admin.forms[change] | {"requests": "50", "per": "1m"} == admin.forms[change]
    admin.send(change)
    assert "nothing was changed" in admin.page
    admin.visit(change)
    admin.send(change, requests="60", description="More")
    assert f"{name} 60 requests a minute More" in admin.page
    admin.visit(change)
    market.changer("update_tier", name=name, requests=70)
    assert admin.send(change, requests="80").status == 409
    assert "This was changed since the page was shown" in admin.notices[0]

    app = market.name()
    market.changer("create_app", name=app, tier=name)
    admin.visit(TIERS)
    delete = change.replace("/change", "/delete")
    assert delete not in admin.links
    admin.visit(delete)
    assert admin.send(delete).status == 409
    assert "is used 1 time" in admin.notices[0]
    market.changer("update_app", name=app, tier="Gold")
    admin.visit(delete)
    admin.send(delete)
    assert "The tier was deleted." in admin.page
    assert name not in admin.page
    done = [entry for entry in entries(storefront, admin) if entry[1] == name]
    assert done == [
        ("tier.create", name, {"requests": 50, "per_seconds": 60}),
        ("tier.update", name, {"requests": 60, "description": "More"}),
        ("tier.delete", name, {}),
    ]


@pytest.mark.parametrize("verb", ["change", "delete"])
def test_a_built_in_tier_stays_as_it_is(admin, verb):
    assert admin.visit(f"{TIERS}/Gold/{verb}").status == 403
    assert "is built in" in admin.page
    assert admin.visit(f"{TIERS}/Nothing/{verb}").status == 404


def test_the_audit_log_is_narrowed_and_turned_over(storefront, admin):
    actor = storefront.market.user()
    shopper = storefront.visitor()
    for _ in range(2):
        shopper.log_in(actor)
        shopper.send("/store/logout")
    admin.visit(f"{AUDIT}?{urlencode({'actor': actor})}")
    assert admin.page.count("session.login") == 2
    assert admin.page.index("session.logout") < admin.page.index("session.login")
    narrowed = {"actor": actor, "action": "session.logout", "via": "portal", "since": "1h"}
    admin.visit(f"{AUDIT}?{urlencode(narrowed)}")
    assert "session.login" not in admin.page
    assert admin.forms[AUDIT] == {"target": "", "until": ""} | narrowed
    for other in ({"via": "cli"}, {"until": "1h"}, {"target": "nobody"}, {"before": "1"}):
        admin.visit(f"{AUDIT}?{urlencode(narrowed | other)}")
        assert "Nothing that fits is in the audit log" in admin.page


def test_a_time_that_is_none_is_said_beside_its_field(admin):
    assert admin.visit(f"{AUDIT}?since=soon&until=2026-99-99").status == 422
    assert "'soon'" in admin.complaint("since")
    assert "is not a time" in admin.complaint("until")
    for odd in ("via=x", "before=x", "before=" + "9" * 30):
        assert admin.visit(f"{AUDIT}?{odd}").status == 200


def test_older_entries_are_on_the_next_page(storefront, admin):
    storefront.market.changer("note", action="test.page", count=60)
    admin.visit(f"{AUDIT}?action=test.")
    assert admin.page.count("test.page") == 50
    admin.visit(next(link for link in admin.links if "before=" in link))
    assert admin.page.count("test.page") == 10
    assert "Older" not in admin.page
    assert any(link.endswith("?action=test.") for link in admin.links)


def test_an_entry_shows_its_details(storefront, admin):
    name = storefront.market.user()
    here = user_page(admin, name)
    admin.send(f"{here}/update", roles="editors, readers")
    admin.visit(f"{AUDIT}?{urlencode({'target': name, 'action': 'user.update'})}")
    admin.visit(next(link for link in admin.links if re.search(r"/audit/\d+$", link)))
    assert f"user.update {name}" in admin.page
    assert f"Who {admin.user} By which way portal" in admin.page
    assert "roles editors, readers" in admin.page
    for entry in ("0", "999999", "x", "9" * 30):
        assert admin.visit(f"{AUDIT}/{entry}").status == 404
