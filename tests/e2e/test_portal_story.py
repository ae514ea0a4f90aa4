"""The API Store in a real browser, as people use it: what they see there opens the gateway."""

import json
import subprocess
from dataclasses import dataclass

import pytest

from tests.binary import TIMEOUT_SECONDS
from tests.e2e.browsing import DESKTOP, PHONE, Person, opened
from tests.e2e.storefront import Storefront

pytestmark = [pytest.mark.needs("chromium", "chromium"), pytest.mark.needs("curl", "curl")]

DEVICES = {"phone": PHONE, "desktop": DESKTOP}
WAYS = pytest.mark.parametrize("has_script", [False, True], ids=["no script", "script"])
GENERATED = "The {} key was generated"


@dataclass
class Api:
    """What people come for."""

    storefront: Storefront
    name: str

    def call(self, token, *, domain="www.example.com"):
        path = f"/{self.name}/1.0.0/search.atom?q=cat"
        gateway = self.storefront.market.gateway
        return gateway.get(path, token=token, headers={"domain": domain} if domain else {})

    def lets_in(self, token) -> bool:
        return self.call(token).status == 200

    def refusal(self, token) -> int:
        """Return the code of the fault that a call ends in."""
        return self.call(token).fault


@pytest.fixture(scope="module")
def api(storefront):
    return Api(storefront, storefront.market.stall().name)


def run(line: str):
    """Run a command line as it was shown; return the JSON that it prints."""
    options = {"capture_output": True, "text": True, "timeout": TIMEOUT_SECONDS}
    return json.loads(subprocess.run(["bash", "-s"], input=line, check=True, **options).stdout)


def make_application(person, name):
    person.follow("Applications")
    person.follow("New application")
    person.fill("Name", name)
    person.push("Create")
    assert person.reads("The application was created")


def subscribe(person, api):
    person.follow("Choose an API")
    person.fill("Search APIs", api.name)
    person.push("Search")
    person.follow(api.name)
    person.push("Subscribe")
    assert person.reads("Subscribed.")


def generate(person, kind, *, domains="", validity="") -> dict[str, str]:
    panel = person.region(kind.capitalize())
    person.fill("Allowed domains", domains, within=panel)
    person.fill("Token validity", validity, within=panel)
    person.push(f"Generate {kind} key", within=panel)
    return person.made(GENERATED.format(kind))


@pytest.mark.parametrize("device", DEVICES)
@WAYS
def test_from_the_log_in_to_the_log_out(browser, storefront, api, has_script, device):
    user = storefront.market.user()
    options = DEVICES[device] | {"java_script_enabled": has_script}
    with opened(browser, f"{storefront.portal.url}/store", **options) as page:
        person = Person(page, device == "phone")
        panel = person.region("Production")
        person.log_in(user)
        make_application(person, "Shop window")
        subscribe(person, api)

        made = generate(person, "production", domains="*.example.com", validity="30d")
        token = made["Access token"]
        assert api.lets_in(token)
        assert api.call(token, domain="example.org").status == 403
        assert run(made[f"Call {api.name} with it"])["backend"] == "production"
        assert api.lets_in(run(made["Ask for another access token"])["access_token"])

        sandbox = generate(person, "sandbox")
        assert run(sandbox[f"Call {api.name} with it"])["backend"] == "sandbox"

        person.follow("My Subscriptions")
        assert f"\u2022\u2022\u2022\u2022{token[-4:]}" in panel.inner_text()
        assert token not in page.content()
        person.unfold("Re-generate the access token", within=panel)
        person.push("Re-generate production access token")
        renewed = person.made("The production access token was re-generated")["Access token"]
        assert api.lets_in(renewed)
        assert api.refusal(token) == 900904

        person.fill("Allowed domains", "", within=panel)
        person.push("Save production settings")
        assert person.reads("Saved.")
        assert api.call(renewed, domain="").status == 200

        person.unfold("Rotate the consumer secret", within=panel)
        person.push("Rotate production consumer secret")
        rotated = person.made("The production consumer secret was rotated")
        assert ask(api, made) == 401
        assert api.lets_in(run(rotated["Ask for another access token"])["access_token"])

        person.follow("Revoke all tokens of the production key")
        person.push("Revoke all tokens")
        assert person.reads("All tokens of the key are revoked.")
        assert api.refusal(renewed) == 900904
        assert api.lets_in(sandbox["Access token"])

        person.unfold(f"Account of {user}")
        person.push("Log out")
        assert person.reads("You are logged out.")
        page.goto(f"{storefront.portal.url}/store/subscriptions")
        page.get_by_role("heading", name="Log in").wait_for()


def ask(api, made) -> int:
    """Return how the Login API answers to what was once shown."""
    client = made["Consumer key"], made["Consumer secret"]
    gateway = api.storefront.market.gateway
    return gateway.form("/token", {"grant_type": "client_credentials"}, client=client).status
