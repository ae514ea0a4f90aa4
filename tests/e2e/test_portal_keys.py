"""My Subscriptions in a browser without script: the keys of an application, and what they open."""

import json
import re
import subprocess
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from html import unescape

import pytest

from apimctl.portal.visits import TO_STALE
from tests.e2e.storefront import Shopper, Storefront

BOTH = pytest.mark.parametrize("key_type", ["production", "sandbox"])


@dataclass
class Customer:
    """A user with an application that has subscribed to an API of its name."""

    storefront: Storefront
    owner: str
    name: str
    application: str
    shopper: Shopper

    @property
    def market(self):
        return self.storefront.market

    @property
    def page(self):
        return f"/store/subscriptions/{self.application}"

    def another_tab(self, path=None) -> Shopper:
        """The same browser, at the page as it is now."""
        tab = Shopper(self.shopper.gateway, self.shopper.cookies)
        tab.visit(path or self.page)
        return tab

    def path(self, act, key_type="production"):
        return f"{self.page}/{key_type}/{act}"

    def send(self, act, key_type="production", **fields):
        """Open the page and send one of its forms."""
        self.shopper.visit(self.page)
        return self.shopper.send(self.path(act, key_type), **fields)

    def made(self) -> dict[str, str]:
        """What the page shows this once, by the names of its labels."""
        body = self.shopper.answer.body.decode()
        found = re.findall(r'<code id="made-(\w+)"[^>]*>(.*?)</code>', body, re.DOTALL)
        return {name: unescape(text) for name, text in found}

    def generate(self, key_type="production", **fields) -> dict[str, str]:
        assert self.send("generate", key_type, **fields).status == 200
        return self.made()

    def call(self, token, *, headers=()):
        return self.market.gateway.get(f"/{self.name}/1.0.0/x", token=token, headers=headers)

    def opens(self, token, **options) -> int:
        """Return 200, or the fault code of what the gateway answers."""
        answer = self.call(token, **options)
        return answer.status if answer.status == 200 else answer.fault

    def ask(self, made_key, secret):
        client = (made_key, secret)
        return self.market.gateway.form(
            "/token", {"grant_type": "client_credentials"}, client=client
        ).status

    def audit(self):
        """What the audit log has of the application."""
        rows = self.market.changer("audit_of", actor=self.owner)
        return [
            (action, target, json.loads(details))
            for via, action, target, details in rows
            if via == "portal" and target == self.name
        ]


@pytest.fixture(scope="module")
def owner(storefront):
    return storefront.market.user()


@pytest.fixture
def make(storefront, owner):
    """Return what makes a customer: `form` is more about the API."""

    def customer(*, is_public=False, **form) -> Customer:
        market = storefront.market
        name = market.name()
        urls = {"production_url": market.production_url, "sandbox_url": market.sandbox_url}
        market.changer("create_api", name=name, **(urls | form))
        application = market.changer("create_app", name=name, owner=owner, is_public=is_public)
        market.changer("subscribe", app=name, api=name)
        return Customer(storefront, owner, name, application, storefront.visitor(owner))

    return customer


@pytest.fixture
def customer(make):
    return make()


@BOTH
def test_a_key_is_shown_once_and_then_masked(customer, key_type):
    made = customer.generate(key_type, domains="", validity="30d")
    assert set(made) == {"key", "secret", "token", "call", "ask"}
    assert customer.call(made["token"]).json["backend"] == key_type
    customer.shopper.visit(customer.page)
    assert customer.shopper.secrets() == [made["key"]]
    for secret in (made["secret"], made["token"]):
        assert f"••••{secret[-4:]}" in customer.shopper.page
    assert "Active expires" in customer.shopper.page
    ((action, target, details),) = customer.audit()
    assert (action, target) == ("key.generate", customer.name)
    assert details.pop("token")
    assert details == {"owner": customer.owner, "key_type": key_type.upper()}


@pytest.mark.needs("curl", "curl")
def test_the_lines_for_curl_do_what_they_say(customer):
    made = customer.generate(domains="*.example.com, other.example")
    assert "domain: www.example.com" in made["call"]
    called = subprocess.run(
        ["sh", "-c", f"{made['call']} --fail -sS"], capture_output=True, check=True
    )
    assert json.loads(called.stdout)["backend"] == "production"
    asked = subprocess.run(
        ["sh", "-c", f"{made['ask']} --fail -sS"], capture_output=True, check=True
    )
    token = json.loads(asked.stdout)["access_token"]
    assert customer.opens(token, headers={"domain": "other.example"}) == 200


def test_what_cannot_be_called_is_not_shown_as_a_line(customer):
    customer.market.changer("unsubscribe", app=customer.name, api=customer.name)
    made = customer.generate()
    assert "call" not in made
    assert "There is no API yet that it can call" in customer.shopper.page


def test_who_may_not_ask_for_application_tokens_is_not_told_how(customer):
    customer.market.changer("update_app", name=customer.name, grants=["password"])
    assert set(customer.generate()) == {"key", "secret", "token", "call"}


def test_a_restricted_key_is_refused_elsewhere_and_domains_change_with_the_next_request(customer):
    made = customer.generate(domains="example.com\r\n*.example.org")
    token = made["token"]
    assert customer.opens(token) == 900908
    assert customer.opens(token, headers={"domain": "www.example.org"}) == 200
    customer.send("update", domains="shop.example")
    assert "Saved." in customer.shopper.page
    assert customer.opens(token, headers={"domain": "www.example.org"}) == 900908
    assert customer.opens(token, headers={"domain": "shop.example"}) == 200
    assert customer.shopper.forms[customer.path("update")]["domains"] == "shop.example"
    customer.send("update")
    assert "nothing was changed" in customer.shopper.page
    assert customer.audit()[-1] == (
        "key.update",
        customer.name,
        {
            "owner": customer.owner,
            "key_type": "PRODUCTION",
            "allowed_domains": ["shop.example"],
        },
    )
    customer.send("update", domains="")
    assert customer.opens(token) == 200


def test_a_validity_is_kept_for_later_tokens_until_it_is_the_default_again(customer):
    customer.generate(validity="")
    assert customer.shopper.forms[customer.path("update")]["validity"] == ""
    customer.send("update", validity="-5")
    assert customer.shopper.forms[customer.path("update")]["validity"] == "never"
    assert "never expires" not in customer.shopper.page.replace("Negative: never expires.", "")
    assert customer.audit()[-1][2]["validity_seconds"] is None
    customer.send("regenerate")
    assert "It never expires." in customer.shopper.page
    customer.send("update", validity="")
    customer.send("regenerate")
    assert "It expires on" in customer.shopper.page
    assert customer.shopper.forms[customer.path("update")]["validity"] == ""


@BOTH
def test_regenerating_ends_the_old_token_with_the_next_request(customer, key_type):
    old = customer.generate(key_type)
    assert customer.opens(old["token"]) == 200
    customer.send("regenerate", key_type, validity="12h", grace="0")
    new = customer.made()
    assert set(new) == {"token", "call"}
    assert "The old one is revoked." in customer.shopper.page
    assert customer.opens(old["token"]) == 900904
    assert customer.opens(new["token"]) == 200
    assert customer.shopper.forms[customer.path("update", key_type)]["validity"] == "12h"
    action, target, details = customer.audit()[-1]
    assert (action, target) == ("token.renew", customer.name)
    assert details.pop("token")
    assert details == {
        "application": customer.name,
        "owner": customer.owner,
        "key_type": key_type.upper(),
        "grace_seconds": 0,
        "validity_seconds": 43_200,
    }


def test_with_a_grace_both_tokens_work_and_revoking_stops_both(customer):
    old = customer.generate()
    customer.send("regenerate", grace="10m")
    new = customer.made()
    assert "The old one works until" in customer.shopper.page
    assert [customer.opens(one["token"]) for one in (old, new)] == [200, 200]
    customer.shopper.visit(customer.path("revoke"))
    assert "Users have to log in again" in customer.shopper.page
    assert [customer.opens(one["token"]) for one in (old, new)] == [200, 200]
    customer.shopper.send(customer.path("revoke"))
    assert customer.shopper.address == customer.page
    assert "All tokens of the key are revoked." in customer.shopper.page
    assert "Revoked" in customer.shopper.page
    assert [customer.opens(one["token"]) for one in (old, new)] == [900904, 900904]
    assert customer.audit()[-1] == (
        "token.revoke",
        customer.name,
        {"owner": customer.owner, "key_type": "PRODUCTION", "revoked": 2},
    )
    customer.send("regenerate")
    assert customer.opens(customer.made()["token"]) == 200


def test_a_token_whose_time_is_over_says_so(customer):
    made = customer.generate()
    customer.market.changer("expire", token=made["token"])
    customer.shopper.visit(customer.page)
    assert "Expired on" in customer.shopper.page
    customer.send("regenerate", grace="5m")
    assert "The old one" not in customer.shopper.page


def test_a_secret_is_rotated_at_once_or_after_a_grace(customer):
    first = customer.generate()
    assert customer.ask(first["key"], first["secret"]) == 200
    customer.send("rotate", grace="1h")
    second = customer.made()
    assert set(second) == {"key", "secret", "ask"}
    assert second["key"] == first["key"]
    assert "The old one works until" in customer.shopper.page
    assert [customer.ask(first["key"], one["secret"]) for one in (first, second)] == [200, 200]
    customer.shopper.visit(customer.page)
    assert f"••••{first['secret'][-4:]} the one before: works until" in customer.shopper.page
    customer.send("rotate", grace="")
    third = customer.made()
    assert "The old one is over." in customer.shopper.page
    assert [customer.ask(first["key"], one["secret"]) for one in (first, second)] == [401, 401]
    assert customer.ask(first["key"], third["secret"]) == 200
    assert customer.opens(first["token"]) == 200
    assert [details.get("grace_seconds") for _, _, details in customer.audit()[-2:]] == [3600, 0]


def test_a_key_is_deleted_once_that_is_confirmed(customer):
    made = customer.generate("sandbox")
    customer.shopper.visit(customer.path("delete", "sandbox"))
    assert customer.page in customer.shopper.links
    assert customer.opens(made["token"]) == 200
    customer.shopper.send(customer.path("delete", "sandbox"))
    assert customer.shopper.address == customer.page
    assert "The key is deleted" in customer.shopper.page
    assert customer.opens(made["token"]) == 900901
    assert customer.audit()[-1] == (
        "key.delete",
        customer.name,
        {"owner": customer.owner, "key_type": "SANDBOX"},
    )
    assert customer.generate("sandbox")["key"] != made["key"]


BAD = [
    ("domains", "*", "is not a domain"),
    ("domains", "http://example.com/x", "is not a domain"),
    ("domains", "a.example, b c", "is not a domain"),
    ("domains", "<script>", "'<script>' is not a domain"),
    ("domains", ",".join(f"h{n}.example" for n in range(101)), "more than 100"),
    ("validity", "0", "over before it starts"),
    ("validity", "1.5", "is not a length of time"),
    ("validity", "3 weeks", "is not a length of time"),
    ("validity", "101y", "is not a length of time"),
    ("validity", "40000d", "more than 100 years"),
    ("grace", "-1", "must end some time"),
    ("grace", "soon", "is not a length of time"),
    ("grace", "never", "must end some time"),
]
FIELDS = {
    "generate": {"domains": "domains", "validity": "validity"},
    "update": {"domains": "domains", "validity": "validity"},
    "regenerate": {"validity": "new-validity", "grace": "token-grace"},
    "rotate": {"grace": "secret-grace"},
}


@pytest.mark.parametrize("act", FIELDS)
def test_bad_input_is_said_beside_its_field_and_nothing_is_written(customer, act):
    if act != "generate":
        made = customer.generate(domains="example.com", validity="30d")
    customer.shopper.visit(customer.page)
    before = [form.get("seen") for form in customer.shopper.forms.values()]
    path = customer.path(act)
    good = {"domains": "typed.example", "validity": "77m", "grace": "8m"}
    for field, text, said in BAD:
        if field not in FIELDS[act]:
            continue
        typed = {name: good[name] for name in FIELDS[act]} | {field: text}
        answer = customer.shopper.send(path, **typed)
        assert 400 <= answer.status < 500, (field, text)
        complaints = {
            name: customer.shopper.complaint(f"production-{label}")
            for name, label in FIELDS[act].items()
        }
        assert said in complaints.pop(field)
        assert not any(complaints.values())
        assert customer.shopper.forms[path].items() >= typed.items()
        assert customer.shopper.notices == [
            "That was not accepted: see what is marked below. Nothing was changed."
        ]
        after = [form.get("seen") for form in customer.shopper.forms.values()]
        assert after == before
    if act != "generate":
        assert customer.opens(made["token"], headers={"domain": "example.com"}) == 200
    assert len(customer.audit()) == (act != "generate")


@pytest.mark.parametrize("act", ["update", "regenerate", "rotate", "revoke", "delete"])
def test_a_page_that_is_stale_changes_nothing_and_says_so(customer, act):
    made = customer.generate()
    path = customer.path(act)
    confirmed = act in {"revoke", "delete"}
    stale = customer.another_tab(path if confirmed else None)
    fresh = customer.another_tab(path if confirmed else None)
    if act == "revoke":  # of which a page shows the token that is to go
        fresh = customer.another_tab()
        path = customer.path("regenerate")
    assert fresh.send(path, **({"domains": "a.example"} if act == "update" else {})).status == 200
    entries = len(customer.audit())
    answer = stale.send(customer.path(act))
    if act == "delete":
        assert answer.status == 404
        assert "There is no production key" in stale.page
        assert "Nothing was done." in stale.page
    else:
        assert answer.status == 409
        assert stale.notices == [f"This was changed since the page was shown. {TO_STALE}"]
        assert len(stale.secrets()) <= 1
        assert stale.send(customer.path(act)).status == 200
        entries += 1
    assert len(customer.audit()) == entries
    assert (
        customer.opens(made["token"], headers={"domain": "a.example"})
        == {
            "update": 200,
            "rotate": 200,
            "regenerate": 900904,
            "revoke": 900904,
            "delete": 900901,
        }[act]
    )


def test_a_key_that_was_generated_elsewhere_meanwhile_stays_as_it_is(customer):
    stale = customer.another_tab()
    made = customer.generate(validity="30d")
    assert stale.send(customer.path("generate"), domains="b.example").status == 409
    (notice,) = stale.notices
    assert notice.startswith("This application has a production key already. ")
    assert notice.endswith("Nothing was done.")
    assert stale.secrets() == [made["key"]]
    assert customer.opens(made["token"]) == 200
    assert len(customer.audit()) == 1


def test_a_stale_page_says_how_things_are_now_and_keeps_what_was_typed(customer):
    customer.generate()
    stale = customer.another_tab()
    customer.send("update", domains="a.example", validity="2h")
    stale.send(customer.path("update"), domains="b.example", validity="3h")
    assert "As it is now: a.example; 2h." in stale.page
    assert stale.forms[customer.path("update")]["domains"] == "b.example"
    assert stale.send(customer.path("update")).status == 200
    assert stale.forms[customer.path("update")]["domains"] == "b.example"


@pytest.mark.parametrize("act", ["update", "regenerate", "rotate", "revoke", "delete"])
def test_what_was_deleted_meanwhile_is_said_to_be_gone(customer, act):
    customer.generate()
    path = customer.path(act)
    stale = customer.another_tab(path if act in {"revoke", "delete"} else None)
    form = stale.forms[path]
    customer.market.changer("delete_key", app=customer.name)
    assert stale.post(path, form).status == 404
    assert "There is no production key" in stale.page
    assert "Nothing was done." in stale.page
    customer.market.changer("delete_app", name=customer.name)
    assert stale.post(path, form | {"once": "2"}).status == 404
    assert "There is no such application" in stale.page
    assert stale.visit(customer.page).status == 404


@pytest.mark.parametrize("act", ["generate", "regenerate", "rotate"])
def test_a_double_click_makes_one_and_both_answers_show_it(customer, act):
    if act != "generate":
        customer.generate()
    entries = len(customer.audit())
    tabs = [customer.another_tab() for _ in range(2)]
    path = customer.path(act)
    form = tabs[0].forms[path]
    with ThreadPoolExecutor(2) as clicks:
        answers = list(clicks.map(lambda tab: tab.post(path, form), tabs))
    assert [answer.status for answer in answers] == [200, 200]
    assert answers[0].body == answers[1].body
    customer.shopper.answer = answers[1]
    made = customer.made()
    if act == "rotate":
        assert customer.ask(made["key"], made["secret"]) == 200
    else:
        assert customer.opens(made["token"]) == 200
    assert len(customer.audit()) == entries + 1


def test_a_public_application_has_no_secret_and_says_so(make):
    customer = make(is_public=True)
    made = customer.generate()
    assert set(made) == {"key", "token", "call"}
    assert "so the key has no consumer secret" in customer.shopper.page
    assert "None: the application is public." in customer.shopper.page
    assert customer.path("rotate") not in customer.shopper.forms
    form = customer.shopper.forms[customer.path("regenerate")]
    customer.shopper.post(customer.path("rotate"), form)
    assert customer.shopper.answer.status == 409


def test_the_address_of_a_form_leads_to_the_page_that_has_it(customer):
    for act in FIELDS:
        customer.shopper.visit(customer.path(act))
        assert customer.shopper.address == customer.page
    assert customer.shopper.visit(customer.path("generate", "staging")).status == 200
    assert customer.shopper.visit(customer.path("delete", "staging")).status == 404
    assert customer.shopper.visit(customer.path("revoke", "sandbox")).status == 404


def test_another_users_keys_are_not_there_but_for_admins(customer):
    made = customer.generate()
    own = {act: customer.shopper.forms[customer.path(act)] for act in ("update", "regenerate")}
    other = customer.storefront.subscriber()
    other.visit("/store/apis")
    token = {"form_token": next(iter(other.forms.values()))["form_token"]}
    for act in ("", *FIELDS, "revoke", "delete"):
        path = customer.path(act).rstrip("/")
        assert other.visit(path).status == 404
        assert other.post(path, own.get(act, {}) | token).status in {404, 405}
    assert customer.opens(made["token"]) == 200
    assert other.visit(customer.page).status == 404
    assert customer.name not in other.page
    admin = customer.storefront.admin()
    admin.visit(customer.page)
    assert f"Subscriptions of {customer.owner}" in admin.page
    assert f"owner {customer.owner}" in admin.page
    assert f"/store/admin/applications/{customer.application}" in admin.links
    assert admin.send(customer.path("regenerate")).status == 200
    assert customer.opens(made["token"]) == 900904


def tier_path(customer):
    (path,) = [path for path in customer.shopper.forms if path.endswith("/tier")]
    return path


def test_a_subscription_is_moved_to_a_tier_that_its_api_allows(make):
    customer = make(tiers=["Gold", "Silver"])
    customer.shopper.visit(customer.page)
    path = tier_path(customer)
    offered = re.findall(r'<option value="(\w+)"', customer.shopper.answer.body.decode())
    assert offered == ["Gold", "Silver"]
    stale = customer.another_tab()
    customer.shopper.send(path, tier="Silver")
    assert "The tier was changed" in customer.shopper.page
    assert customer.shopper.forms[path]["tier"] == "Silver"
    customer.shopper.send(path)
    assert "nothing was changed" in customer.shopper.page
    assert customer.audit() == [
        (
            "subscription.update",
            customer.name,
            {"owner": customer.owner, "api": f"{customer.name}:1.0.0", "tier": "Silver"},
        )
    ]
    assert stale.send(path, tier="Gold").status == 409
    assert "changed since the page was shown" in stale.notices[0]
    assert customer.shopper.send(path, tier="Bronze").status == 422
    said = customer.shopper.complaint(f"tier-{path.split('/')[-2]}")
    assert "does not allow the tier 'Bronze'. It allows Gold, Silver." in said
    assert customer.shopper.send(path, tier="Nothing").status == 422
    assert "there is no tier" in customer.shopper.complaint(f"tier-{path.split('/')[-2]}").lower()
    assert len(customer.audit()) == 1
    customer.market.changer("update_api", name=customer.name, tiers=["Gold"])
    customer.shopper.visit(customer.page)
    assert customer.shopper.forms[path]["tier"] == "Silver"
    assert "Silver: no longer offered" in customer.shopper.page


def test_unsubscribing_is_confirmed_and_holds_with_the_next_request(customer):
    made = customer.generate()
    path = tier_path(customer).replace("/tier", "/unsubscribe")
    assert path in customer.shopper.links
    stale = customer.another_tab(path)
    customer.shopper.visit(path)
    assert f"Unsubscribe {customer.name} from {customer.name} 1.0.0?" in customer.shopper.page
    assert customer.opens(made["token"]) == 200
    customer.shopper.send(path)
    assert "The application is unsubscribed." in customer.shopper.page
    assert customer.opens(made["token"]) == 900908
    assert customer.audit()[-1] == (
        "subscription.delete",
        customer.name,
        {"owner": customer.owner, "api": f"{customer.name}:1.0.0"},
    )
    assert stale.send(path).status == 404
    assert "There is no such subscription" in stale.page


def test_a_blocked_subscription_shows_its_state_and_makes_no_line_for_curl(customer):
    customer.market.changer("change_subscription", app=customer.name, api=customer.name, to="block")
    assert "call" not in customer.generate()
    assert "Blocked" in customer.shopper.page


@pytest.mark.parametrize("verb", ["block", "block --production-only", "hold", "reject"])
def test_who_is_blocked_cannot_end_the_subscription_to_begin_it_anew(customer, verb):
    customer.shopper.visit(customer.page)
    path = tier_path(customer)
    question = path.replace("/tier", "/unsubscribe")
    stale, asked = customer.another_tab(), customer.another_tab(question)
    customer.market.changer("change_subscription", app=customer.name, api=customer.name, to=verb)
    assert stale.send(path, tier="Gold").status == 403
    assert "Ask an administrator; nothing was done." in stale.notices[0]
    assert asked.send(question).status == 403
    customer.shopper.visit(customer.page)
    assert "Ask an administrator" in customer.shopper.page
    assert path not in customer.shopper.forms
    assert customer.audit() == []


def test_no_secret_is_in_the_log_or_the_audit_log(customer):
    made = customer.generate()
    customer.send("regenerate")
    customer.send("rotate")
    written = customer.shopper.gateway.log + json.dumps(customer.audit())
    for secret in (made["secret"], made["token"], *customer.made().values()):
        assert secret not in written


def test_what_was_made_is_tried_in_the_console(customer):
    customer.generate(domains="*.example.com")
    path = f"/store/apis/{customer.name}/1.0.0/try"
    customer.shopper.send(path)
    assert customer.shopper.forms[path]["token"].startswith("apim_at")
    assert customer.shopper.forms[path]["domain"] == "www.example.com"
    customer.shopper.send(path, send="1")
    assert "200 OK" in customer.shopper.page
