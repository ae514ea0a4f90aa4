"""Access tokens in the API Store: listed, checked, renewed and revoked."""

import json
import re
from dataclasses import dataclass

import pytest

from tests.e2e.storefront import Shopper, Storefront

CHECK = "/store/tokens"
RENEW = f"{CHECK}/renew"
REVOKE = f"{CHECK}/revoke"


@dataclass
class Counter:
    """A user with an application that calls an API, at a browser."""

    storefront: Storefront
    user: str
    shopper: Shopper
    name: str
    application_id: str
    production: dict
    sandbox: dict

    @property
    def path(self) -> str:
        """The list of its access tokens."""
        return f"/store/applications/{self.application_id}/tokens"

    @property
    def audited(self) -> list:
        """What the user did to tokens, as the audit log has it."""
        rows = self.storefront.market.changer("audit_of", actor=self.user)
        return [
            (action, target, json.loads(details))
            for via, action, target, details in rows
            if via == "portal" and action.startswith("token.")
        ]

    def log_in(self, name: str) -> dict:
        """Tokens of a user of the application."""
        return self.storefront.market.changer("log_in", app=self.name, name=name)

    def call(self, token) -> int:
        """The answer's status, of the gateway."""
        path = f"/{self.name}/1.0.0/"
        return self.storefront.market.gateway.get(path, token=token).status

    def inspect(self, token) -> dict:
        """What `apimctl token inspect` says."""
        cli = self.storefront.market.cli
        return cli.ok("token", "inspect", "--token-stdin", "--json", stdin=token).json


@pytest.fixture
def counter(storefront) -> Counter:
    market = storefront.market
    user, name = market.user(), market.name()
    urls = {"production_url": market.production_url, "sandbox_url": market.sandbox_url}
    market.changer("create_api", name=name, **urls)
    application_id = market.changer("create_app", name=name, owner=user)
    market.changer("subscribe", app=name, api=name)
    production = market.changer("generate", app=name, domains="")
    sandbox = market.changer("generate", app=name, key_type="SANDBOX")
    shopper = storefront.visitor(user)
    return Counter(storefront, user, shopper, name, application_id, production, sandbox)


def test_the_list_says_of_each_what_the_command_says(counter):
    shopper = counter.shopper
    pair = counter.log_in("reader")
    shopper.visit(counter.path)
    for token, key_type, user in (
        (counter.production["access_token"], "Production", "none"),
        (counter.sandbox["access_token"], "Sandbox", "none"),
        (pair["access_token"], "Production", "reader"),
    ):
        said = counter.inspect(token)
        row = f"••••{token[-4:]} {said['id']} {key_type} {user} Active default "
        assert row in shopper.page, row
        assert f'<time datetime="{said["expires_at"]}">' in shopper.answer.body.decode()
    assert shopper.secrets() == []


def test_the_list_is_narrowed_and_sorted(counter):
    shopper = counter.shopper
    pair = counter.log_in("narrow")
    hints = {
        "production": counter.production["access_token"][-4:],
        "sandbox": counter.sandbox["access_token"][-4:],
        "user": pair["access_token"][-4:],
    }
    counter.storefront.market.changer("revoke", token=counter.sandbox["access_token"])
    counter.storefront.market.changer("expire", token=pair["access_token"])

    def shown(query) -> list:
        shopper.visit(f"{counter.path}?{query}")
        names = {hint: name for name, hint in hints.items()}
        return [
            names[hint]
            for hint in re.findall(
                r"<th scope=\"row\"><code>••••(.{4})", shopper.answer.body.decode()
            )
        ]

    assert sorted(shown("")) == ["production", "sandbox", "user"]
    assert shown("key_type=SANDBOX&user=") == ["sandbox"]
    assert shown("state=ACTIVE") == ["production"]
    assert shown("state=EXPIRED") == ["user"]
    assert shown("state=REVOKED") == ["sandbox"]
    assert shown("user=narrow") == ["user"]
    assert shown("user=nobody") == shown("issued_since=2099-01-01") == []
    assert "No access tokens match that" in shopper.page
    assert len(shown("expires_before=2099-01-01&issued_since=2h")) == 3
    assert shown("sort=soonest+to+expire")[0] == shown("sort=last+to+expire")[-1] == "user"
    shopper.visit(f"{counter.path}?key_type=BOTH&state=LOST&issued_since=soon&sort=up")
    assert shopper.answer.status == 422
    for field in ("key-type", "state", "issued-since", "sort"):
        assert shopper.complaint(field), field
    assert shopper.forms[counter.path]["issued_since"] == "soon"
    assert shopper.visit(f"{counter.path}?after=x").status == 422


def test_a_long_list_has_pages(counter):
    for _ in range(26):
        counter.log_in("pages")
    shopper = counter.shopper
    shopper.visit(f"{counter.path}?key_type=PRODUCTION")
    (after,) = [link for link in shopper.links if "after=" in link]
    first = re.findall(r"tokens/([0-9a-f]+)/revoke", shopper.answer.body.decode())
    shopper.visit(after)
    second = re.findall(r"tokens/([0-9a-f]+)/revoke", shopper.answer.body.decode())
    assert (len(first), len(second), len({*first, *second})) == (25, 2, 27)
    assert not [link for link in shopper.links if "after=" in link]
    assert f"{counter.path}?key_type=PRODUCTION" in shopper.links


def test_a_token_of_the_list_is_revoked_after_a_question(counter):
    shopper = counter.shopper
    pair = counter.log_in("revoked")
    token_id = counter.inspect(pair["access_token"])["id"]
    path = f"{counter.path}/{token_id}/revoke"
    shopper.visit(f"{counter.path}?state=ACTIVE&user=revoked")
    (link,) = [link for link in shopper.links if link.startswith(path)]
    shopper.visit(link)
    assert f"ends with {pair['access_token'][-4:]}?" in shopper.page
    assert "the user has to log in again" in shopper.page
    assert counter.call(pair["access_token"]) == 200
    form = shopper.forms[path]
    shopper.send(path)
    assert (shopper.address, "The token was revoked" in shopper.page) == (counter.path, True)
    assert shopper.forms[counter.path]["state"] == "ACTIVE"
    assert counter.call(pair["access_token"]) == 401
    assert counter.inspect(pair["refresh_token"])["state"] == "REVOKED"
    whose = {"application": counter.name, "owner": counter.user, "key_type": "PRODUCTION"}
    assert counter.audited == [("token.revoke", "revoked", {**whose, "token": token_id})]
    shopper.post(path, form)
    assert "The token was revoked" in shopper.page
    for again in (lambda: shopper.visit(path), lambda: shopper.post(path, form | {"once": "2"})):
        again()
        assert "was over already: nothing was changed" in shopper.page
    assert len(counter.audited) == 1


def test_an_expired_token_can_be_revoked_while_it_could_be_renewed(counter):
    shopper = counter.shopper
    market = counter.storefront.market
    pair = counter.log_in("late")
    for token in (pair["access_token"], counter.production["access_token"]):
        market.changer("expire", token=token)
    shopper.visit(f"{counter.path}?state=EXPIRED")
    (link,) = [link for link in shopper.links if "/revoke" in link]
    shopper.visit(link)
    shopper.send(link.partition("?")[0])
    assert counter.inspect(pair["refresh_token"])["state"] == "REVOKED"


def test_checking_says_what_the_command_says_and_not_the_token(counter):
    shopper = counter.shopper
    pair = counter.log_in("checked")
    for text, kind in ((pair["access_token"], "Access"), (pair["refresh_token"], "Refresh")):
        said = counter.inspect(text)
        shopper.visit(CHECK)
        assert shopper.send(CHECK, token=f" {text}\n").status == 200
        assert shopper.address == CHECK
        assert (
            f"{kind} token ••••{text[-4:]} State Active Application {counter.name}" in shopper.page
        )
        assert f"User checked Scope {said['scope']}" in shopper.page
        assert said["consumer_key"] in shopper.page
        assert f"APIs {counter.name} 1.0.0" in shopper.page
        for name in ("issued_at", "expires_at"):
            assert f'<time datetime="{said[name]}">' in shopper.answer.body.decode()
        assert text not in shopper.answer.body.decode()
    shopper.send(CHECK, token=counter.sandbox["access_token"])
    assert "Key Sandbox" in shopper.page
    assert counter.audited == []
    market = counter.storefront.market
    market.changer("update_app", name=counter.name, token_format="jwt")
    shopper.send(CHECK, token=market.changer("renew", app=counter.name))
    assert "Format JWT" in shopper.page


def test_the_same_form_checks_one_token_after_another(counter):
    shopper = counter.shopper
    shopper.visit(CHECK)
    form = shopper.forms[CHECK]
    for key in (counter.production, counter.sandbox):
        shopper.post(CHECK, form | {"token": key["access_token"]})
        assert f"••••{key['access_token'][-4:]}" in shopper.page
    counter.storefront.market.changer("revoke", token=counter.sandbox["access_token"])
    shopper.post(CHECK, form | {"token": counter.sandbox["access_token"]})
    assert "State Revoked" in shopper.page


def test_what_is_no_token_or_not_ones_own_is_refused_beside_the_field(counter):
    shopper = counter.shopper
    shopper.visit(CHECK)
    stranger = counter.storefront.subscriber()
    stranger.visit(CHECK)
    pair = counter.log_in("hidden")
    for path, field in ((CHECK, "token"), (RENEW, "refresh-token"), (REVOKE, "revoked-token")):
        assert shopper.send(path, token="").status == 422
        assert "Paste a token" in shopper.complaint(field)
        assert shopper.send(path, token=counter.production["consumer_secret"]).status == 422
        assert "That is not a token" in shopper.complaint(field)
        for text in pair.values():
            assert stranger.send(path, token=text).status == 422, path
            assert stranger.complaint(field) == (
                "There is no such token. It may be long over, or of another user's application."
            )
            assert text not in stranger.answer.body.decode()
    assert [counter.inspect(text)["state"] for text in pair.values()] == ["ACTIVE", "ACTIVE"]


def test_renewing_shows_the_new_ones_once_and_ends_the_old_ones(counter):
    shopper = counter.shopper
    old = counter.log_in("renewed")
    shopper.visit(CHECK)
    form = shopper.forms[RENEW] | {"token": old["refresh_token"]}
    first = shopper.send(RENEW, token=old["refresh_token"])
    assert first.status == 200
    access_token, refresh_token = shopper.secrets()
    assert (counter.call(access_token), counter.call(old["access_token"])) == (200, 401)
    assert counter.inspect(old["refresh_token"])["state"] == "INACTIVE"
    whose = {"application": counter.name, "owner": counter.user, "key_type": "PRODUCTION"}
    token_id = counter.inspect(access_token)["id"]
    assert counter.audited == [("token.renew", "renewed", {**whose, "token": token_id})]
    assert shopper.post(RENEW, form).body == first.body
    assert counter.call(access_token) == 200
    shopper.send(RENEW, token=refresh_token)
    assert len(shopper.secrets()) == 2
    assert shopper.visit(RENEW).status == 200
    assert (shopper.address, shopper.secrets()) == (CHECK, [])


def test_a_spent_refresh_token_ends_its_family_and_that_is_kept_and_said(counter):
    shopper = counter.shopper
    old = counter.log_in("replayed")
    shopper.visit(CHECK)
    shopper.send(RENEW, token=old["refresh_token"])
    access_token, refresh_token = shopper.secrets()
    shopper.visit(CHECK)
    assert shopper.send(RENEW, token=old["refresh_token"]).status == 403
    assert "All tokens that descend from that log-in are revoked now" in shopper.page
    assert shopper.secrets() == []
    assert counter.call(access_token) == 401
    assert counter.inspect(refresh_token)["state"] == "REVOKED"
    action, target, details = counter.audited[-1]
    assert (action, target) == ("token.replay", "replayed")
    assert details["refresh_token"] == f"...{old['refresh_token'][-4:]}"
    shopper.visit(CHECK)
    assert shopper.send(RENEW, token=refresh_token).status == 403
    assert "it was revoked" in shopper.complaint("refresh-token")
    assert len(counter.audited) == 2


def test_what_renews_nothing(counter):
    shopper = counter.shopper
    market = counter.storefront.market
    pair = counter.log_in("refused")
    shopper.visit(CHECK)
    assert shopper.send(RENEW, token=pair["access_token"]).status == 422
    assert "This is an access token" in shopper.complaint("refresh-token")
    market.changer("update_app", name=counter.name, grants=["client_credentials"])
    assert shopper.send(RENEW, token=pair["refresh_token"]).status == 403
    assert "may not use the grant refresh token" in shopper.complaint("refresh-token")
    market.changer("update_app", name=counter.name, grants=[])
    market.changer("expire", token=pair["refresh_token"])
    assert shopper.send(RENEW, token=pair["refresh_token"]).status == 403
    assert "its time is over" in shopper.complaint("refresh-token")
    assert (counter.audited, shopper.secrets()) == ([], [])


@pytest.mark.parametrize("name", ["access_token", "refresh_token"])
def test_revoking_by_either_token_ends_both(counter, name):
    shopper = counter.shopper
    pair = counter.log_in("both")
    shopper.visit(CHECK)
    form = shopper.forms[REVOKE] | {"token": pair[name]}
    shopper.send(REVOKE, token=pair[name])
    assert (shopper.address, "The token was revoked" in shopper.page) == (CHECK, True)
    assert counter.call(pair["access_token"]) == 401
    assert counter.inspect(pair["refresh_token"])["state"] == "REVOKED"
    ((action, target, details),) = counter.audited
    assert (action, target, details["application"]) == ("token.revoke", "both", counter.name)
    assert details.keys() >= {"token" if name == "access_token" else name}
    shopper.post(REVOKE, form | {"once": "2"})
    assert "nothing was changed" in shopper.page
    assert len(counter.audited) == 1


def test_anothers_list_and_tokens_are_not_there(counter):
    stranger = counter.storefront.subscriber()
    market = counter.storefront.market
    token_id = counter.inspect(counter.production["access_token"])["id"]
    own = market.changer("create_app", name=market.name(), owner=stranger_name(stranger))
    stranger.visit(CHECK)
    form = {"form_token": stranger.forms[CHECK]["form_token"]}
    through_own = f"/store/applications/{own}/tokens/{token_id}/revoke"
    assert stranger.visit(counter.path).status == 404
    for path in (f"{counter.path}/{token_id}/revoke", through_own):
        assert stranger.visit(path).status == 404, path
        assert stranger.post(path, form).status == 404, path
    assert counter.call(counter.production["access_token"]) == 200


def test_an_admin_reaches_everybodys(counter):
    admin = counter.storefront.admin()
    admin.visit(counter.path)
    assert f"of {counter.user}" in admin.page
    admin.visit(CHECK)
    admin.send(REVOKE, token=counter.production["access_token"])
    assert counter.call(counter.production["access_token"]) == 401


def test_my_subscriptions_leads_there(counter):
    counter.shopper.visit(f"/store/subscriptions/{counter.application_id}")
    assert counter.path in counter.shopper.links
    assert f"/store/applications/{counter.application_id}" in counter.shopper.links


def stranger_name(shopper) -> str:
    """The name of the user whose browser it is."""
    shopper.visit("/store/apis")
    return re.search(r"Account of (user\d+)", shopper.page)[1]
