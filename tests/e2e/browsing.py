"""Debian's Chromium at our pages: what every test in a real browser shares."""

import contextlib
import shutil
from collections.abc import Iterator
from dataclasses import dataclass
from urllib.parse import urlsplit

DESKTOP = {"viewport": {"width": 1280, "height": 800}}
PHONE = {"viewport": {"width": 360, "height": 740}, "has_touch": True, "is_mobile": True}


@contextlib.contextmanager
def running_browser():
    """Run one Chromium; each test has a window of its own in it."""
    from playwright.sync_api import sync_playwright  # noqa: PLC0415 - where there is a browser

    with sync_playwright() as playwright:
        options = {"executable_path": shutil.which("chromium"), "args": ["--no-sandbox"]}
        browser = playwright.chromium.launch(**options)
        yield browser
        browser.close()


@contextlib.contextmanager
def opened(browser, address, *, cookies=(), leads_to=(), **options) -> Iterator:
    """Give a page of a new browser at that address; it runs scripts only where that is asked for.

    In the end, nothing may have been wrong with a page, and nobody else may have been asked for
    anything but those it `leads_to`.
    """
    context = browser.new_context(**({"java_script_enabled": False} | options))
    context.set_default_timeout(20_000)
    context.add_cookies([{"name": name, "value": text, "url": address} for name, text in cookies])
    complaints: list[str] = []
    context.on("console", lambda message: complaints.extend(_complaint(message)))
    context.on("weberror", lambda error: complaints.append(str(error.error)))
    context.on("request", lambda request: complaints.extend(_stray(request, address, leads_to)))
    context.on("response", lambda response: complaints.extend(_missing(response)))
    page = context.new_page()
    page.goto(address)
    yield page
    context.close()
    assert not complaints, complaints


def fits(page) -> bool:
    """Return whether nothing has to be scrolled to the side."""
    return page.evaluate("document.documentElement.scrollWidth") <= page.viewport_size["width"]


def _complaint(message) -> list[str]:
    # A browser notes every answer that is an error, as a refused form is: `_missing` looks at them.
    is_status = message.text.startswith("Failed to load resource")
    return [] if is_status else [f"{message.type}: {message.text}"]


def _stray(request, address, leads_to) -> list[str]:
    is_own = _origin(request.url) in {_origin(address), *leads_to}
    return [] if is_own else [f"asked for {request.url}"]


def _missing(response) -> list[str]:
    is_answer = response.status < 400 or response.request.is_navigation_request()
    return [] if is_answer else [f"{response.status} for {response.url}"]


def _origin(url: str) -> str:
    parts = urlsplit(url)
    return f"{parts.scheme}://{parts.netloc}"


@dataclass
class Person:
    """Somebody at the API Store, with a mouse or a finger; who looks for something waits for it."""

    page: object
    has_touch: bool = False

    def press(self, what) -> None:
        """Press something on the page."""
        (what.tap if self.has_touch else what.click)()

    def follow(self, name, *, within=None) -> None:
        """Follow the link of that name."""
        self._go_on((within or self.page).get_by_role("link", name=name))

    def push(self, name, *, within=None) -> None:
        """Send a form by its button of that name."""
        self._go_on((within or self.page).get_by_role("button", name=name, exact=True))

    def _go_on(self, what) -> None:
        with self.page.expect_navigation():
            self.press(what)
        assert fits(self.page), self.page.url

    def fill(self, label, text, *, within=None) -> None:
        """Fill the field of that label in."""
        (within or self.page).get_by_label(label).fill(text)

    def unfold(self, title, *, within=None):
        """Open a part of the page that is folded away, and return it."""
        part = (within or self.page).get_by_role("group").filter(has_text=title)
        self.press(part.locator("summary"))
        return part

    def region(self, name):
        """Return the part of the page of that name."""
        return self.page.get_by_role("region", name=name, exact=True)

    def reads(self, text) -> str:
        """Return what the page says of what was done just now, once it does say this."""
        status = self.page.get_by_role("status").filter(has_text=text)
        status.wait_for()
        return status.inner_text()

    def log_in(self, user) -> None:
        """Log in as a user whose password is the name backwards."""
        self.fill("User name", user)
        self.fill("Password", user[::-1])
        self.push("Log in")

    def made(self, title) -> dict[str, str]:
        """Return what the page shows this once, by its labels, once it does."""
        region = self.region(title)
        region.wait_for()
        shown = region.get_by_role("textbox")
        labels = "all => all.map(each => each.ariaLabelledByElements[0].textContent)"
        return dict(zip(shown.evaluate_all(labels), shown.all_text_contents(), strict=True))


MOST_TABS = 100
REACHED = """wanted => {
    const reached = document.activeElement, style = getComputedStyle(reached);
    const isSeen = reached === document.body
        || style.outlineStyle !== "none" && parseFloat(style.outlineWidth) > 0;
    return [reached === wanted, isSeen, reached.outerHTML];
}"""


@dataclass
class Typist:
    """Somebody with a keyboard alone, who has to see where they are."""

    page: object

    def reach(self, what) -> None:
        """Tab to something."""
        wanted = what.element_handle()
        for _ in range(MOST_TABS):
            self.page.keyboard.press("Tab")
            is_there, is_seen, where = self.page.evaluate(REACHED, wanted)
            assert is_seen, where
            if is_there:
                return
        raise AssertionError(what)

    def fill(self, label, text) -> None:
        """Fill the field of that label in."""
        self.reach(self.page.get_by_label(label))
        self.page.keyboard.press("ControlOrMeta+A")
        self.page.keyboard.type(text)

    def press(self, what, key="Enter") -> None:
        """Press something that leads to another page."""
        self.reach(what)
        self.send(key)

    def send(self, key="Enter") -> None:
        """Press a key that leads to another page."""
        with self.page.expect_navigation():
            self.page.keyboard.press(key)
