"""The API Store in a real browser, as people use it: what they see there opens the gateway."""

import json
import subprocess
from dataclasses import dataclass

import pytest

from tests.binary import TIMEOUT_SECONDS
from tests.e2e.browsing import DESKTOP, PHONE, Person, Typist, opened
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

        log_in = {"grant_type": "password", "username": user, "password": user[::-1]}
        old = ask(api, made, **log_in).json
        access_token, refresh_token = renew(person, old["refresh_token"])
        assert api.lets_in(access_token)
        assert api.refusal(old["access_token"]) == 900904
        assert refresh_token != old["refresh_token"]

        person.follow("My Subscriptions")
        person.fill("Allowed domains", "", within=panel)
        person.push("Save production settings")
        assert person.reads("Saved.")
        assert api.call(renewed, domain="").status == 200

        person.unfold("Rotate the consumer secret", within=panel)
        person.push("Rotate production consumer secret")
        rotated = person.made("The production consumer secret was rotated")
        assert ask(api, made, grant_type="client_credentials").status == 401
        assert api.lets_in(run(rotated["Ask for another access token"])["access_token"])

        person.follow("Revoke all tokens of the production key")
        person.push("Revoke all tokens")
        assert person.reads("All tokens of the key are revoked.")
        assert [api.refusal(token) for token in (renewed, access_token)] == [900904, 900904]
        assert api.lets_in(sandbox["Access token"])

        person.unfold(f"Account of {user}")
        person.push("Log out")
        assert person.reads("You are logged out.")
        page.goto(f"{storefront.portal.url}/store/subscriptions")
        page.get_by_role("heading", name="Log in").wait_for()


def renew(person, refresh_token) -> list[str]:
    """Renew a user token; return the new access and refresh token that the page shows."""
    person.follow("Applications")
    person.follow("Check a token")
    form = person.unfold("Renew with a refresh token")
    person.fill("Refresh token", refresh_token, within=form)
    person.push("Renew")
    person.reads("The token was renewed")
    return person.page.get_by_role("status").get_by_role("textbox").all_text_contents()


def ask(api, made, **fields):
    """Ask the Login API for a token, with what was once shown."""
    client = made["Consumer key"], made["Consumer secret"]
    return api.storefront.market.gateway.form("/token", fields, client=client)


@pytest.fixture(scope="module")
def shop(storefront, api):
    """Return what makes a user's application that has subscribed, and opens its page."""
    market = storefront.market
    user = storefront.market.user()
    cookies = storefront.visitor(user).cookies.items()

    def shop(browser, **options):
        name = market.name()
        application = market.changer("create_app", name=name, owner=user)
        market.changer("subscribe", app=name, api=api.name)
        address = f"{storefront.portal.url}/store/subscriptions/{application}"
        return opened(browser, address, cookies=cookies, **options)

    return shop


@WAYS
def test_a_double_click_makes_one_key_and_its_secret_is_seen(browser, shop, api, has_script):
    with shop(browser, java_script_enabled=has_script) as page:
        page.get_by_role("button", name="Generate production key").dblclick()
        made = Person(page).made(GENERATED.format("production"))
        assert api.lets_in(made["Access token"])
        assert ask(api, made, grant_type="client_credentials").status == 200


def test_a_form_is_not_sent_again_while_it_is_on_its_way(browser, shop):
    with shop(browser, java_script_enabled=True) as page:
        held = []
        page.route("**/generate", lambda route, _: held.append(route))
        button = page.get_by_role("button", name="Generate production key")
        button.scroll_into_view_if_needed()
        box = button.bounding_box()
        middle = box["x"] + box["width"] / 2, box["y"] + box["height"] / 2
        with page.expect_request("**/generate"):
            page.mouse.click(*middle)
        page.mouse.click(*middle)  # would drop the first request, and its answer
        held[0].continue_()
        Person(page).made(GENERATED.format("production"))


@WAYS
def test_back_and_reload_after_generate_do_no_harm(browser, shop, api, has_script):
    with shop(browser, java_script_enabled=has_script) as page:
        person = Person(page)
        made = generate(person, "production")
        page.reload()
        assert person.made(GENERATED.format("production")) == made
        page.go_back()
        panel = person.region("Production")
        panel.get_by_text(f"\u2022\u2022\u2022\u2022{made['Access token'][-4:]}").wait_for()
        assert ask(api, made, grant_type="client_credentials").status == 200
        generate(person, "sandbox")


def test_a_form_can_be_sent_again_after_back(browser, shop):
    with shop(browser, java_script_enabled=True) as page:
        person = Person(page)
        person.fill("Token validity", "soon", within=person.region("Sandbox"))
        person.push("Generate sandbox key")
        page.locator("#sandbox-validity-problem").wait_for()
        page.go_back()
        person.fill("Token validity", "2h", within=person.region("Sandbox"))
        person.push("Generate sandbox key")
        person.made(GENERATED.format("sandbox"))


IS_IN_SIGHT = """link => link.getBoundingClientRect().bottom
    <= link.closest("nav").getBoundingClientRect().bottom"""
FOCUSED = "document.activeElement.id"


def test_who_was_refused_goes_on_at_the_first_field_that_is_wrong(browser, shop):
    with shop(browser, java_script_enabled=True) as page:
        person = Person(page)
        person.fill("Allowed domains", "example.com", within=person.region("Sandbox"))
        person.fill("Token validity", "soon", within=person.region("Sandbox"))
        person.push("Generate sandbox key")
        assert page.evaluate(FOCUSED) == "sandbox-validity"


def test_what_was_made_comes_first(browser, shop):
    with shop(browser, java_script_enabled=True, **PHONE) as page:
        person = Person(page, has_touch=True)
        person.push("Generate sandbox key")
        assert page.evaluate(FOCUSED) == "made"
        assert person.region(GENERATED.format("sandbox")).get_by_role("heading").is_visible()


def test_the_navigation_can_be_skipped(browser, shop):
    with shop(browser, java_script_enabled=True) as page:
        typist = Typist(page)
        typist.press(page.get_by_role("link", name="Skip to the content"))
        assert page.evaluate(FOCUSED) == "main"
        page.keyboard.press("Tab")
        assert page.get_by_role("main").locator(":focus").count() == 1


def test_what_is_made_can_be_copied(browser, shop):
    with shop(browser, java_script_enabled=True) as page:
        page.context.grant_permissions(["clipboard-read", "clipboard-write"])
        made = generate(Person(page), "production")
        region = page.get_by_role("region", name=GENERATED.format("production"))
        for label, text in made.items():
            region.get_by_role("button", name=f"Copy {label}").click()
            page.get_by_role("status").get_by_text(f"Copied: {label}").wait_for()
            assert page.evaluate("navigator.clipboard.readText()") == text


def test_what_cannot_be_copied_is_selected(browser, shop):
    with shop(browser, java_script_enabled=True) as page:
        page.context.grant_permissions(["notifications"])  # and no others
        made = generate(Person(page), "production")
        page.get_by_role("button", name="Copy Consumer secret").click()
        page.get_by_role("status").get_by_text("Not copied").wait_for()
        assert page.evaluate("getSelection().toString()") == made["Consumer secret"]


def test_nothing_that_needs_a_script_is_shown_without_one(browser, shop):
    with shop(browser) as page:
        generate(Person(page), "production")
        assert page.get_by_role("button", name="Copy").count() == 0


def test_the_account_menu_closes_by_itself(browser, shop):
    with shop(browser, java_script_enabled=True) as page:
        log_out = page.get_by_role("button", name="Log out")
        summary = page.locator("summary").filter(has_text="Account of")
        for close in (
            lambda: page.keyboard.press("Escape"),
            lambda: page.get_by_role("heading", level=1).click(),
        ):
            summary.click()
            log_out.wait_for()
            close()
            log_out.wait_for(state="hidden")


def test_many_applications_can_be_searched_as_one_types(browser, storefront):
    market = storefront.market
    user = market.user()
    *_, last = [market.changer("create_app", name=f"App {n}", owner=user) for n in range(9)]
    cookies = storefront.visitor(user).cookies.items()
    address = f"{storefront.portal.url}/store/subscriptions/{last}"
    low = {"viewport": {"width": 1280, "height": 400}}
    with opened(browser, address, cookies=cookies, java_script_enabled=True, **low) as page:
        shown = page.get_by_role("navigation", name="Applications").get_by_role("link")
        assert shown.count() == 9
        assert shown.last.evaluate(IS_IN_SIGHT)
        page.get_by_role("searchbox", name="Find an application").fill("app 7")
        assert [text.split("\n")[0] for text in shown.all_inner_texts()] == ["App 7"]
        assert Person(page).reads("1 found")


def test_the_main_path_needs_a_keyboard_only(browser, storefront, api):
    user = storefront.market.user()
    address = f"{storefront.portal.url}/store"
    with opened(browser, address, java_script_enabled=True) as page:
        person = Person(page)
        typist = Typist(page)
        typist.fill("User name", user)
        typist.fill("Password", user[::-1])
        typist.send()
        typist.press(page.get_by_role("link", name="Applications"))
        typist.press(page.get_by_role("link", name="New application"))
        typist.fill("Name", "By keyboard")
        typist.send()
        typist.press(page.get_by_role("link", name="Choose an API"))
        typist.fill("Search APIs", api.name)
        typist.send()
        typist.press(page.get_by_role("link", name=api.name))
        typist.press(page.get_by_role("button", name="Subscribe"), "Space")
        typist.press(page.get_by_role("button", name="Generate production key"))
        made = person.made(GENERATED.format("production"))
        assert api.lets_in(made["Access token"])
        typist.reach(person.region("Production").locator("summary").first)
        page.keyboard.press("Space")
        typist.press(page.get_by_role("button", name="Re-generate production access token"))
        person.made("The production access token was re-generated")
        assert api.refusal(made["Access token"]) == 900904
        typist.reach(page.locator("summary").filter(has_text="Account of"))
        page.keyboard.press("Enter")
        typist.press(page.get_by_role("button", name="Log out"))
        assert person.reads("You are logged out.")
