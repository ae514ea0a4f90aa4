"""Debian's Chromium at our pages: what every test in a real browser shares."""

import contextlib
import shutil
from collections.abc import Iterator
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
