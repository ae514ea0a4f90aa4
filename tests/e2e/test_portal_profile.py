"""The profile at the API Store: a new password, and the browsers in which one is logged in."""

import itertools
import re
from urllib.parse import urlencode

import pytest

from tests.e2e.storefront import Shopper
from tests.e2e.visitor import client_of
from tests.slapd import GROUPS

PROFILE = "/store/profile"
CHANGE = f"{PROFILE}/password"
END_OTHERS = f"{PROFILE}/sessions/end"
FIREFOX = [("User-Agent", "Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0")]

_numbers = itertools.count()


def at_profile(storefront, user) -> Shopper:
    shopper = storefront.visitor(user)
    shopper.visit(PROFILE)
    return shopper


def newly_logged_in(storefront, user, password=None, headers=()) -> Shopper:
    """A browser of its own: others of that user share a session."""
    shopper = storefront.visitor()
    shopper.log_in(user, password, headers=headers)
    return shopper


def change(shopper, current, new, repeated=None):
    return shopper.send(CHANGE, current=current, password=new, repeated=repeated or new)


def is_password(stall, user, password) -> bool:
    return stall.ask(grant_type="password", username=user, password=password).status == 200


@pytest.fixture(scope="module")
def stall(market):
    return market.stall()


def test_the_profile_says_who_one_is(storefront):
    user = storefront.market.user()
    storefront.market.changer("set_roles", name=user, roles=["reader", "clerk"])
    assert (
        f"User name {user} User store PRIMARY Roles clerk, reader"
        in at_profile(storefront, user).page
    )


def test_a_new_password_ends_all_other_sessions_and_renews_this_one(storefront, stall):
    user = storefront.market.user()
    here, there = (newly_logged_in(storefront, user) for _ in range(2))
    before = dict(here.cookies)
    here.visit(PROFILE)
    answer = change(here, user[::-1], "another one")
    assert answer.status == 200
    assert "Your password was changed" in here.page
    assert here.cookies != before
    for cookies in (before, there.cookies):
        old = Shopper(storefront.portal, dict(cookies))
        old.visit(PROFILE)
        assert old.address == "/store/login"
    assert is_password(stall, user, "another one")
    assert not is_password(stall, user, user[::-1])
    rows = storefront.market.changer("audit_of", actor=user)
    assert rows[-1] == ["portal", "user.password", user, "{}"]


def test_what_is_wrong_with_a_new_password_stands_beside_its_field(storefront, stall):
    user = storefront.market.user()
    shopper = at_profile(storefront, user)
    assert change(shopper, None, "short").status == 422
    assert shopper.complaint("current-password") == "Type the password that you have now."
    assert shopper.complaint("new-password") == "Use 8 characters or more."
    assert change(shopper, user[::-1], "long enough", "long  enough").status == 422
    assert shopper.complaint("repeated-password") == "This is not the same password."
    assert change(shopper, user[::-1], None).status == 422
    assert shopper.complaint("new-password") == "Type a password."
    assert change(shopper, user[::-1], "x" * 1025).status == 422
    assert "1025 characters" in shopper.complaint("new-password")
    # White space is part of a password.
    assert change(shopper, f" {user[::-1]}", "long enough").status == 403
    assert shopper.complaint("current-password") == "This is not your password."
    assert "long enough" not in shopper.answer.body.decode()
    assert is_password(stall, user, user[::-1])
    assert change(shopper, user[::-1], "  white  ").status == 200
    assert is_password(stall, user, "  white  ")


def test_guesses_at_the_old_password_count_as_those_at_a_log_in(storefront, stall):
    market, user = storefront.market, storefront.market.user()
    shopper = at_profile(storefront, user)
    market.changer("remember_failures", user=user, count=30)
    assert change(shopper, "wrong", "long enough").status == 403
    answer = change(shopper, user[::-1], "long enough")
    assert answer.status == 429
    assert int(answer.headers["Retry-After"]) > 60
    assert "Too many wrong passwords" in shopper.notices[0]
    assert stall.ask(grant_type="password", username=user, password=user[::-1]).status == 429


def test_a_new_password_that_is_sent_twice_is_set_once(storefront):
    user = storefront.market.user()
    shopper = newly_logged_in(storefront, user)
    shopper.visit(PROFILE)
    filled = {"current": user[::-1], "password": "another one", "repeated": "another one"}
    body = urlencode(shopper.forms[CHANGE] | filled).encode()
    headers = [
        ("Cookie", "; ".join(f"{name}={value}" for name, value in shopper.cookies.items())),
        ("Content-Type", "application/x-www-form-urlencoded"),
    ]
    first, second = (
        storefront.portal.send("POST", CHANGE, headers=headers, body=body) for _ in range(2)
    )
    assert first.status == second.status == 303
    assert first.headers["Set-Cookie"] == second.headers["Set-Cookie"]


def test_a_user_of_a_secondary_store_changes_the_password_here(storefront, stall):
    market, domain = storefront.market, f"OWN{next(_numbers)}.COM"
    market.changer("create_userstore", domain=domain)
    name = market.user(domain)
    password = name[::-1]
    shopper = newly_logged_in(storefront, name, password)
    shopper.visit(PROFILE)
    assert f"User store {domain}" in shopper.page
    assert change(shopper, password, "another one").status == 200
    assert is_password(stall, name, "another one")


@pytest.mark.needs("slapd", "slapd")
def test_a_user_of_a_directory_is_told_where_the_password_is_kept(storefront, slapd):
    market, domain = storefront.market, f"LDAP{next(_numbers)}.COM"
    market.changer("create_userstore", domain=domain, group_base=GROUPS, **slapd.by_template)
    shopper = newly_logged_in(storefront, f"{domain}/alice", "ecila")
    assert shopper.address == "/store/apis"
    shopper.visit(PROFILE)
    assert f"kept in the directory of {domain}" in shopper.page
    assert f"Roles {domain}/reader, {domain}/writer" in shopper.page
    assert CHANGE not in shopper.forms
    form = {"form_token": shopper.forms["/store/logout"]["form_token"], "current": "ecila"}
    answer = shopper.visit(
        CHANGE,
        method="POST",
        body=urlencode(form | {"password": "long enough", "repeated": "long enough"}).encode(),
    )
    assert answer.status == 409
    assert f"The users of {domain} live in its directory" in shopper.notices[0]


def test_sessions_are_listed_and_ended_one_by_one(storefront):
    user, stranger = (storefront.market.user() for _ in range(2))
    here = newly_logged_in(storefront, user, headers=FIREFOX)
    there = newly_logged_in(storefront, user, headers=[("User-Agent", "Curious Reader/1 <b>")])
    here.visit(PROFILE)
    assert re.search(r"Firefox on Linux This browser 127\.0\.0\.1", here.page)
    assert "Curious Reader/1 <b> 127.0.0.1" in here.page
    (end,) = [path for path in here.forms if re.fullmatch(f"{PROFILE}/sessions/.+/end", path)]
    other = at_profile(storefront, stranger)
    assert other.visit(end, method="POST", body=_own(other)).status == 404
    there.visit("/store/apis")
    assert there.address == "/store/apis"
    assert here.send(end).status == 200
    assert "That browser was logged out" in here.page
    assert END_OTHERS not in here.forms
    there.visit("/store/apis")
    assert there.address == "/store/login"
    assert here.visit(end, method="POST", body=_own(here)).status == 404
    rows = storefront.market.changer("audit_of", actor=user)
    assert [row[:3] for row in rows[-2:]] == [
        ["portal", "session.login", user],
        ["portal", "session.end", user],
    ]


def test_all_other_sessions_are_ended_at_once(storefront):
    user = storefront.market.user()
    here, *others = (newly_logged_in(storefront, user) for _ in range(3))
    here.visit(PROFILE)
    assert here.send(END_OTHERS).status == 200
    assert here.address == PROFILE
    for other in others:
        other.visit(PROFILE)
        assert other.address == "/store/login"
    (_, _, _, details) = storefront.market.changer("audit_of", actor=user)[-1]
    assert details == '{"sessions": 2}'


def test_sessions_of_the_consent_page_are_listed_too(storefront):
    user = storefront.market.user()
    client = client_of(storefront.market)
    visitor = client.visitor()
    visitor.send("/authorize/login", headers=FIREFOX, username=user, password=user[::-1])
    shopper = Shopper(storefront.portal, dict(visitor.cookies))
    shopper.visit(PROFILE)
    assert re.search(r"Firefox on Linux This browser 127\.0\.0\.1", shopper.page)


def _own(shopper) -> bytes:
    """Return a form of that browser which holds nothing but that it is its own."""
    return urlencode({"form_token": shopper.forms["/store/logout"]["form_token"]}).encode()
