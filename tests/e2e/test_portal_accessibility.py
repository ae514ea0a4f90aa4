"""Every page as axe-core sees it, light and dark, and whether it fits every window.

The rules are those of WCAG 2.2, A and AA, and axe's best practices.
"""

import itertools
import re
from dataclasses import dataclass

import pytest

from apimctl.portal.log_in import LOG_IN_PATH
from apimctl.portal.pages import ROUTES
from apimctl.portal.routes import Access
from tests.e2e.browsing import Person, fits, opened
from tests.e2e.clients.node import installed_packages
from tests.e2e.storefront import Storefront
from tests.e2e.visitor import client_of

pytestmark = pytest.mark.needs("chromium", "chromium")

PAGES = [route for route in ROUTES if route.show is not None]
ALL_RULES = """() => axe.run({
    runOnly: ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"],
    resultTypes: ["violations"],
}).then(found => found.violations.flatMap(
    rule => rule.nodes.map(node => `${node.impact} ${rule.id}: ${node.html} ${node.failureSummary}`)
))"""
APPLICATION = "/store/applications/{application}"
PANELS = "/store/subscriptions/{application}"
MANY = 9
"""So many applications that their list can be searched."""


@dataclass
class Town:
    """An API Store with something on every page. `places` are the named parts of addresses."""

    storefront: Storefront
    users: dict[str, str]
    places: dict[str, str]

    def path(self, path: str) -> str:
        """Return where a page is. Raises KeyError where no sample of a part of its path is here."""
        return path.format_map(self.places)

    def browser_of(self, who: str | None):
        return self.storefront.visitor(who and self.users[who])

    def find(self, who: str, path: str, pattern: str) -> str:
        """Return what stands in the addresses on a page."""
        return re.search(pattern, self.browser_of(who).visit(path).body.decode())[1]


@pytest.fixture(scope="module")
def town(storefront):
    market = storefront.market
    market.changer("configure", file=str(market.cli.config), key="portal.sign_up", value="on")
    user, api = market.user(), market.stall().name
    users = {"subscriber": user, "newcomer": market.user(), "admin": storefront.admin().user}
    market.changer("create_api", name=api, version="2.0.0", production_url=market.production_url)
    market.changer("declare_scope", api=api, name="news:read", description="Reads news")
    for pattern, scopes in {"/news/*": ["news:read"], "/weather/*": []}.items():
        market.changer("create_resource", api=f"{api}:1.0.0", pattern=pattern, scopes=scopes)
    names = [market.name() for _ in range(MANY)]
    about = {"description": "Shows what is new", "callback_urls": ["https://client.example/back"]}
    ids = [market.changer("create_app", name=name, owner=user, **about) for name in names]
    market.changer("subscribe", app=names[0], api=f"{api}:1.0.0")
    market.changer("generate", app=names[0], domains="*.example.com")
    places = {"app": names[0], "application": ids[0], "without_keys": ids[1]}
    places |= {"key_type": "production", "name": api, "api": api, "version": "1.0.0"}
    places |= {"tier": "OnePerMinute", "verb": "block"}
    town = Town(storefront, users, places)
    subscription = town.find("subscriber", town.path(PANELS), r"/apis/(\w+)/unsubscribe")
    user_id = town.find("admin", f"/store/admin/users?q={user}", r"/admin/users/(?!new)(\w+)")
    entry = town.find("admin", "/store/admin/audit", r"/admin/audit/(\w+)")
    token = town.find("subscriber", town.path(f"{APPLICATION}/tokens"), r"/tokens/(\w+)/revoke")
    town.places.update(subscription=subscription, user=user_id, entry=entry, token=token)
    return town


@pytest.fixture(scope="module")
def axe():
    return (installed_packages() / "node_modules/axe-core/axe.min.js").read_text()


@pytest.fixture
def at(browser, town):
    """Open a page as somebody who may see it."""

    def at(path, who):
        address = f"{town.storefront.portal.url}{town.path(path)}"
        cookies = town.browser_of(who).cookies.items()
        return opened(browser, address, cookies=cookies, java_script_enabled=True)

    return at


def flaws(page, axe) -> list[str]:
    """Return what is wrong with a page in any window, light or dark."""
    found = [f"it scrolls at {width} px" for width in (320, 1920) if not fits_at(page, width)]
    page.evaluate(axe)
    for scheme, width in itertools.product(("light", "dark"), (360, 1280)):
        page.emulate_media(color_scheme=scheme, reduced_motion="reduce")
        if not fits_at(page, width):
            found.append(f"it scrolls at {width} px")
        found += [f"{scheme}, {width} px: {flaw}" for flaw in page.evaluate(ALL_RULES)]
    return found


def fits_at(page, width: int) -> bool:
    page.set_viewport_size({"width": width, "height": 800})
    return fits(page)


@pytest.mark.parametrize("route", PAGES, ids=lambda route: route.path)
def test_a_page(at, town, axe, route):
    who = {Access.ANYBODY: None, Access.SUBSCRIBER: "subscriber", Access.ADMIN: "admin"}
    shopper = town.browser_of(who[route.access])
    assert shopper.visit(town.path(route.path)).status == 200
    if shopper.address != town.path(route.path):
        assert shopper.address != LOG_IN_PATH  # it leads to a page that is looked at by itself
        return
    with at(route.path, who[route.access]) as page:
        assert flaws(page, axe) == []


def state(path, who="subscriber"):
    """Note how somebody gets a page into a state that its address does not say."""

    def note(act):
        STATES.append(pytest.param(path, who, act, id=act.__name__))
        return act

    return note


STATES = []


@state(LOG_IN_PATH, None)
def a_refused_log_in(person):
    person.fill("User name", "nobody")
    person.fill("Password", "wrong")
    person.push("Log in")


@state("/store/sign-up", None)
def a_refused_sign_up(person):
    person.fill("User name", "Not a name")
    person.page.locator("#password").fill("long enough, is it?")
    person.fill("Password again", "not the same")
    person.push("Sign up")


@state("/store/subscriptions/{without_keys}")
def a_key_just_made(person):
    person.push("Generate sandbox key")
    person.region("The sandbox key was generated").wait_for()


@state(PANELS)
def a_refused_key(person):
    panel = person.region("Sandbox")
    person.fill("Allowed domains", "https://example.com", within=panel)
    person.fill("Token validity", "soon", within=panel)
    person.push("Generate sandbox key")


@state(PANELS)
def a_refused_rotation(person):
    folded = person.unfold("Rotate", within=person.region("Production"))
    person.fill("Grace", "soon", within=folded)
    person.push("Rotate production consumer secret")


@state(PANELS)
def a_refused_change(person):
    person.fill("Allowed domains", "no domain", within=person.region("Production"))
    person.push("Save production settings")


@state(PANELS)
def an_answer_of_the_gateway(person):
    person.unfold("Re-generate", within=person.region("Production"))
    person.push("Re-generate production access token")
    person.push("Try it with this token")


@state("/store/apis/{name}/{version}/try")
def a_refused_call(person):
    person.fill("Headers", "no header")
    person.push("Send")


@state(APPLICATION)
def a_refused_application(person):
    person.fill("Callback URLs", "not a URL")
    person.push("Save")


@state("/store/tokens")
def a_token_of_somebody_else(person):
    person.page.locator("#token").fill("apim_at_nothing")
    person.push("Check")


@state("/store/profile")
def a_refused_password(person):
    person.page.locator("#current-password").fill("wrong")
    person.page.locator("#new-password").fill("long enough, is it?")
    person.fill("New password again", "not the same")
    person.push("Change password")


@state("/store/admin/tiers/new", "admin")
def a_refused_tier(person):
    person.fill("Name", "Slow")
    person.fill("Requests", "none")
    person.fill("In this time", "soon")
    person.push("Create tier")


@state("/store/admin/audit?since=soon", "admin")
@state("/store/subscriptions", "newcomer")
@state("/store/applications", "newcomer")
@state("/store/apis/{name}/{version}", "newcomer")
@state("/store/apis?q=nothing+like+this")
@state("/store/nowhere")
@state("/store/admin", "subscriber")
def as_it_is(person):
    pass


@state("/store/apis")
def an_open_menu(person):
    person.unfold("Account of")


@pytest.mark.parametrize(("path", "who", "act"), STATES)
def test_a_state(at, axe, path, who, act):
    with at(path, who) as page:
        act(Person(page))
        assert flaws(page, axe) == []


def test_a_renewed_token(at, town, axe):
    given = {"app": town.places["app"], "name": town.users["newcomer"]}
    issued = town.storefront.market.changer("log_in", **given)
    with at("/store/tokens", "subscriber") as page:
        person = Person(page)
        form = person.unfold("Renew with a refresh token")
        person.fill("Refresh token", issued["refresh_token"], within=form)
        person.push("Renew")
        assert page.locator(":focus").get_by_role("textbox").count() == 2
        assert flaws(page, axe) == []


def test_the_gateway_s_log_in_and_consent(browser, town, axe):
    client = client_of(town.storefront.market)
    address = f"{client.stall.market.gateway.url}{client.address()}"
    with opened(browser, address, java_script_enabled=True) as page:
        person = Person(page)
        assert flaws(page, axe) == []
        person.log_in("nobody")
        assert flaws(page, axe) == []
        person.log_in(town.users["newcomer"])
        page.get_by_role("button", name="Allow").wait_for()
        assert flaws(page, axe) == []
