"""Every page as axe-core sees it (WCAG 2.2 AA and its best practices), light and dark, and whether
each fits every window."""

import itertools
from dataclasses import dataclass

import pytest

from apimctl.portal.pages import ROUTES
from apimctl.portal.routes import Access
from tests.e2e.browsing import fits, opened
from tests.e2e.clients.node import installed_packages
from tests.e2e.storefront import Storefront

pytestmark = pytest.mark.needs("chromium", "chromium")

PAGES = [route for route in ROUTES if route.show is not None]
ALL_RULES = """() => axe.run({
    runOnly: ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"],
    resultTypes: ["violations"],
}).then(found => found.violations.flatMap(
    rule => rule.nodes.map(node => `${node.impact} ${rule.id}: ${node.html} ${node.failureSummary}`)
))"""


@dataclass
class Town:
    """A storefront with something on every page: who sees what, and what it is called."""

    storefront: Storefront
    subscriber: str
    admin: str
    places: dict[str, str]

    def address(self, path: str) -> str:
        """Return the address of a page; KeyError if there is no sample of a part of it."""
        return self.storefront.portal.url + path.format_map(self.places)

    def cookies(self, user: str | None):
        return self.storefront.visitor(user).cookies.items()


@pytest.fixture(scope="module")
def town(storefront):
    market = storefront.market
    subscriber = market.user()
    stall = market.stall()
    application = market.changer("create_app", name=market.name(), owner=subscriber)
    places = {"application": application, "name": stall.name, "version": "1.0.0"}
    admin = storefront.admin_name()
    return Town(storefront, subscriber, admin, places)


@pytest.fixture(scope="module")
def axe():
    return (installed_packages() / "node_modules/axe-core/axe.min.js").read_text()


@pytest.fixture
def at(browser, town):
    """Open a page as somebody who may see it."""

    def at(path, user=None):
        return opened(
            browser, town.address(path), cookies=town.cookies(user), java_script_enabled=True
        )

    return at


def flaws(page, axe) -> list[str]:
    """Return what is wrong with a page in any window, light or dark."""
    found = [f"scrolls at {width} px" for width in (320, 1920) if not fits_at(page, width)]
    page.evaluate(axe)
    for scheme, width in itertools.product(("light", "dark"), (360, 1280)):
        page.emulate_media(color_scheme=scheme, reduced_motion="reduce")
        if not fits_at(page, width):
            found.append(f"scrolls at {width} px")
        found += [f"{scheme}, {width} px: {flaw}" for flaw in page.evaluate(ALL_RULES)]
    return found


def fits_at(page, width: int) -> bool:
    page.set_viewport_size({"width": width, "height": 800})
    return fits(page)


@pytest.mark.parametrize("route", PAGES, ids=lambda route: route.path)
def test_a_page(at, town, axe, route):
    users = {Access.ANYBODY: None, Access.SUBSCRIBER: town.subscriber, Access.ADMIN: town.admin}
    with at(route.path, users[route.access]) as page:
        assert page.url.partition("?")[0] == town.address(route.path)
        assert page.locator("h1").inner_text()
        assert flaws(page, axe) == []
