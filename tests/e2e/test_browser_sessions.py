"""Log-ins at the pages of the gateway: wrong passwords, foreign forms, cookies, their end."""

import re

import pytest

from tests.e2e.visitor import Visitor, client_of


@pytest.fixture(scope="module")
def user(market):
    return market.user()


@pytest.fixture(scope="module")
def client(market):
    return client_of(market)


def is_refused(answer) -> bool:
    assert "Set-Cookie" not in answer.headers
    assert "Location" not in answer.headers
    assert b"not shown in this browser" in answer.body
    return answer.status == 403


def test_a_wrong_password_and_an_unknown_user_look_alike(client, user):
    pages = set()
    for name, password in ((user, "wrong"), ("nobody", "wrong"), (f"OTHER.COM/{user}", "x")):
        visitor = client.visitor()
        answer = visitor.send("/authorize/login", username=name, password=password)
        assert answer.status == 403
        assert visitor.forms["/authorize/login"]["username"] == name
        assert visitor.forms["/authorize/login"]["password"] == ""
        assert "wrong" in answer.body.decode()
        page = re.sub(r'value="[^"]*"', "", answer.body.decode())
        pages.add(page)
        assert visitor.log_in(user).status == 200
    assert len(pages) == 1


@pytest.mark.parametrize("fields", [{"password": "x"}, {"username": "x"}, {}])
def test_a_log_in_without_name_or_password_is_wrong(client, fields):
    assert client.visitor().send("/authorize/login", **fields).status == 403


def test_the_cookie_is_new_with_every_log_in_and_out_of_reach(client, user):
    visitor = client.visitor()
    first = dict(visitor.cookies)
    assert first.keys() == {"apimctl"}
    flags = visitor.answer.headers["Set-Cookie"].split("; ")[1:]
    assert flags == ["Path=/", "HttpOnly", "SameSite=Lax"]
    visitor.log_in(user)
    assert visitor.cookies["apimctl"] != first["apimctl"]
    # Who planted the first one has nothing by it.
    planted = Visitor(visitor.gateway, first)
    planted.visit(client.address())
    assert "/authorize/login" in planted.forms


def test_a_cookie_of_ones_own_making_is_replaced(client):
    for value in ("", "x", "0" * 63, "A" * 64, "\u00e9" * 64):
        visitor = Visitor(client.stall.market.gateway)
        header = [("Cookie", f"apimctl={value}".encode("latin-1"))]
        visitor.visit(client.address(), headers=header)
        assert re.fullmatch("[0-9a-f]{64}", visitor.cookies["apimctl"])


@pytest.mark.parametrize("step", ["login", "decision", "logout"])
def test_a_form_without_its_token_or_cookie_is_not_ours(client, user, step):
    path, sent = f"/authorize/{step}", {"username": user, "password": user[::-1]}
    sent["decision"] = "allow"

    def page():
        return client.visitor() if step == "login" else client.logged_in(user)

    assert is_refused(page().send(path, form_token=None, **sent))
    assert is_refused(page().send(path, form_token="0" * 64, **sent))
    assert is_refused(page().send(path, form_token="\u00e9", **sent))
    visitor = page()
    visitor.cookies.clear()
    assert is_refused(visitor.send(path, **sent))
    # Nor is one that was shown in another browser.
    visitor, other = page(), client.visitor()
    token = other.forms["/authorize/login"]["form_token"]
    assert is_refused(visitor.send(path, form_token=token, **sent))


@pytest.mark.parametrize("step", ["login", "decision", "logout"])
def test_a_form_that_another_site_sends_is_refused(client, user, step):
    path, sent = f"/authorize/{step}", {"username": user, "password": user[::-1]}
    visitor = client.visitor() if step == "login" else client.logged_in(user)
    for header in (
        ("Sec-Fetch-Site", "cross-site"),
        ("Sec-Fetch-Site", "same-site"),
        ("Origin", "https://evil.example"),
        ("Origin", visitor.gateway.url.replace("http:", "https:")),
        ("Origin", f"{visitor.gateway.url}.evil.example"),
        ("Origin", "http://["),
    ):
        page = Visitor(visitor.gateway, dict(visitor.cookies))
        page.visit(client.address())
        assert is_refused(page.send(path, headers=[header], decision="allow", **sent))
    for header in (("Sec-Fetch-Site", "same-origin"), ("Origin", visitor.gateway.url)):
        page = client.visitor() if step == "login" else client.logged_in(user)
        assert page.send(path, headers=[header], decision="deny", **sent).status in {200, 303}
        client.browsers.clear()


def test_who_logs_out_has_to_log_in_again(client, user):
    visitor = client.visitor()
    visitor.log_in(user)
    kept = dict(visitor.cookies)
    consent = visitor.forms["/authorize/decision"]
    visitor.send("/authorize/logout")
    assert visitor.cookies != kept
    assert "/authorize/login" in visitor.forms
    old = Visitor(visitor.gateway, kept)
    old.visit(client.address())
    assert "/authorize/login" in old.forms
    # The page that asks for consent may still be open in another tab.
    answer = old.send("/authorize/login", username="x", password="x")
    assert answer.status == 403
    old.visit("/authorize/decision", method="POST", body=b"")
    assert old.answer.status == 403
    assert consent["form_token"] != old.forms.get("/authorize/login", {}).get("form_token")


def test_a_decision_after_the_session_has_ended_leads_to_the_log_in(client, market):
    user = market.user()
    visitor = client.logged_in(user)
    market.changer("end_sessions", name=user)
    visitor.decide("allow")
    assert "/authorize/login" in visitor.forms


@pytest.mark.parametrize("age", [{"idle_seconds": 1801}, {"age_seconds": 43_201}])
def test_a_session_ends_by_itself(client, market, age):
    user = market.user()
    visitor = client.logged_in(user)
    market.changer("age_sessions", name=user, **age)
    visitor.visit(client.address())
    assert "/authorize/login" in visitor.forms


def test_a_session_that_is_used_goes_on(client, market):
    user = market.user()
    visitor = client.logged_in(user)
    for _ in range(3):
        market.changer("age_sessions", name=user, idle_seconds=1500)
        visitor.visit(client.address())
        assert "/authorize/decision" in visitor.forms


def test_a_new_password_and_a_deletion_end_the_sessions_of_a_user(client, market):
    user = market.user()
    visitor = client.logged_in(user)
    market.changer("set_password", name=user, password="another")
    visitor.visit(client.address())
    assert "/authorize/login" in visitor.forms
    visitor.log_in(user, "another")
    assert "/authorize/decision" in visitor.forms
    market.changer("delete_user", name=user)
    visitor.visit(client.address())
    assert "/authorize/login" in visitor.forms


def test_log_in_and_consent_stand_in_the_audit_log_without_a_secret(client, market):
    user = market.user()
    visitor = client.logged_in(user)
    visitor.decide("deny")
    code = client.code(user)
    client.logged_in(user).send("/authorize/logout")
    entries = market.changer("audit_of", actor=user)
    assert [(via, action, target) for via, action, target, _ in entries] == [
        ("login_api", "session.login", user),
        ("login_api", "authorization.deny", client.stall.name),
        ("login_api", "authorization.allow", client.stall.name),
        ("login_api", "session.logout", user),
    ]
    written = str(entries)
    assert code not in written
    assert not any(cookie in written for cookie in client.browsers[user].values())


def test_by_https_the_cookie_is_for_https_alone(market, user):
    client = client_of(market)
    setting = {"file": str(market.cli.config), "key": "login_api.issuer"}
    market.changer("configure", **setting, value="https://login.example/apim/")
    visitor = client.visitor()
    assert visitor.cookies.keys() == {"__Host-apimctl"}
    flags = visitor.answer.headers["Set-Cookie"].split("; ")[1:]
    assert flags == ["Path=/", "HttpOnly", "SameSite=Lax", "Secure"]
    visitor.send(
        "/authorize/login",
        headers=[("Origin", "https://login.example")],
        username=user,
        password=user[::-1],
    )
    visitor.decide("allow")
    assert visitor.told["iss"] == "https://login.example/apim"
    market.changer("configure", **setting, value=None)


def test_the_pages_may_stand_under_a_path_of_a_proxy(client):
    page = client.visitor().answer.body.decode()
    links = re.findall(r'(?:href|action)="([^"]*)"', page)
    assert len(links) == 3
    assert not any(link.startswith(("/", "http")) for link in links)


def test_too_many_wrong_passwords_are_slowed_down(client, market):
    user = market.user()
    market.changer("remember_failures", user=user, count=30)
    visitor = client.visitor()
    assert visitor.log_in(user, "wrong").status == 403
    answer = visitor.log_in(user)
    assert answer.status == 429
    assert int(answer.headers["Retry-After"]) > 0
    assert b"Too many wrong passwords" in answer.body
    assert visitor.forms["/authorize/login"]["username"] == user
    market.changer("set_password", name=user, password=user[::-1])
    assert visitor.log_in(user).status == 200


def test_an_application_may_be_denied_the_grant(market, user):
    client = client_of(market)
    code = client.code(user)
    client.stall.change("update_app", name=client.stall.name, grants=["client_credentials"])
    visitor = client.visitor()
    assert visitor.told["error"] == "unauthorized_client"
    assert client.redeem(code).json["error"] == "unauthorized_client"
