"""Takes the pictures of docs/portal.md: ``python scripts/screenshots.py [NAME]...``.

The real command serves a store that is thrown away; Debian's Chromium logs in and looks at it.
"""

import contextlib
import os
import re
import select
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from example_store import ADMINISTRATOR, SUBSCRIBER, ExampleStore
from palette import reduced
from playwright.sync_api import Browser, Page, sync_playwright

from apimctl import config

FOLDER = Path(__file__).parents[1] / "docs" / "screenshots"
DESKTOP = {"width": 1280, "height": 800}
PHONE = {"width": 390, "height": 844}
LARGEST_BYTES = 150_000
START_TRIES = 400

Steps = Callable[[Page], None]
Options = Mapping[str, Any]

DARK: Options = {"color_scheme": "dark"}
ON_PHONE: Options = {"viewport": PHONE, "is_mobile": True, "has_touch": True}


def choose(name: str) -> Steps:
    """Return the steps that lead to one of the user's applications."""
    return lambda page: page.get_by_role("link", name=name).first.click()


def generate(page: Page) -> None:
    """Generate a key, whose secrets the page then shows this once."""
    choose("Garden App")(page)
    panel = page.get_by_role("region", name="Sandbox")
    panel.get_by_label("Token validity").fill("30d")
    panel.get_by_role("button", name="Generate").click()


def mistype(page: Page) -> None:
    """Send a form that is refused."""
    choose("Garden App")(page)
    panel = page.get_by_role("region", name="Production")
    panel.get_by_label("Allowed domains").fill("https://garden.example/")
    panel.get_by_label("Token validity").fill("3 weeks")
    panel.get_by_role("button", name="Generate").click()


def re_generate(page: Page) -> None:
    """Open what re-generates a token."""
    choose("Harbour Dashboard")(page)
    panel = page.get_by_role("region", name="Production")
    panel.get_by_text("Re-generate the access token").click()
    panel.get_by_label("Grace").first.fill("10m")


def follow(*names: str) -> Steps:
    """Return the steps that click links, one after the other."""

    def steps(page: Page) -> None:
        for name in names:
            page.get_by_role("link", name=name, exact=True).first.click()

    return steps


def stay(_page: Page) -> None:
    """Take the page as it opens."""


@dataclass(frozen=True)
class Shot:
    """One picture: who looks, where they begin, what they do then."""

    name: str
    path: str
    user: str | None = SUBSCRIBER
    steps: Steps = stay
    options: Options = field(default_factory=dict)


STORE = "/store"
SHOTS = (
    Shot("log-in", f"{STORE}/login", None),
    Shot("sign-up", f"{STORE}/sign-up", None),
    Shot("apis", f"{STORE}/apis"),
    Shot("apis-dark", f"{STORE}/apis", options=DARK),
    Shot("api", f"{STORE}/apis/Weather/2.1.0"),
    Shot("applications", f"{STORE}/applications"),
    Shot("application", f"{STORE}/applications", steps=choose("Harbour Dashboard")),
    Shot("my-subscriptions", f"{STORE}/subscriptions", steps=choose("Harbour Dashboard")),
    Shot("my-subscriptions-dark", f"{STORE}/subscriptions", SUBSCRIBER, re_generate, DARK),
    Shot("my-subscriptions-phone", f"{STORE}/subscriptions", SUBSCRIBER, re_generate, ON_PHONE),
    Shot("bad-input", f"{STORE}/subscriptions", steps=mistype),
    Shot("key-made", f"{STORE}/subscriptions", steps=generate),
    Shot("profile", f"{STORE}/profile"),
    Shot("admin", f"{STORE}/admin", ADMINISTRATOR),
    Shot("admin-users", f"{STORE}/admin/users", ADMINISTRATOR),
    Shot("admin-user", f"{STORE}/admin/users", ADMINISTRATOR, follow("aiko")),
    Shot("admin-applications", f"{STORE}/admin/applications", ADMINISTRATOR),
    Shot(
        "admin-application",
        f"{STORE}/admin/applications",
        ADMINISTRATOR,
        follow("Harbour Dashboard"),
    ),
    Shot("admin-apis", f"{STORE}/admin/apis", ADMINISTRATOR),
    Shot("admin-tiers", f"{STORE}/admin/tiers", ADMINISTRATOR),
    Shot("admin-audit", f"{STORE}/admin/audit", ADMINISTRATOR),
)


def main() -> None:
    """Take the pictures that are named, or all."""
    wanted = set(sys.argv[1:])
    if unknown := wanted - {shot.name for shot in SHOTS}:
        raise SystemExit(f"there are no pictures {', '.join(sorted(unknown))}")
    FOLDER.mkdir(exist_ok=True)
    with (
        tempfile.TemporaryDirectory(prefix="apimctl-screenshots-") as name,
        serving(Path(name)) as (url, passwords),
        sync_playwright() as playwright,
    ):
        browser = playwright.chromium.launch(
            executable_path=shutil.which("chromium"), args=["--no-sandbox"]
        )
        cookies = {user: log_in(browser, url, user, text) for user, text in passwords.items()}
        for shot in SHOTS:
            if not wanted or shot.name in wanted:
                take(browser, url, shot, cookies.get(shot.user or "", []))
        browser.close()


def take(browser: Browser, url: str, shot: Shot, cookies: list[Any]) -> None:
    """Take one picture, of the whole page."""
    context = browser.new_context(**{"viewport": DESKTOP, "color_scheme": "light", **shot.options})
    context.set_default_timeout(10_000)
    context.add_cookies(cookies)
    page = context.new_page()
    page.goto(url + shot.path)
    shot.steps(page)
    page.wait_for_load_state()
    page.mouse.move(0, 0)
    picture = page.screenshot(full_page=True, animations="disabled", caret="hide")
    context.close()
    with browser.new_page() as blank:
        picture = reduced(blank, picture)
    print(f"{shot.name}: {len(picture) // 1000} kB")
    if len(picture) > LARGEST_BYTES:
        raise SystemExit(f"{shot.name} is larger than {LARGEST_BYTES // 1000} kB")
    (FOLDER / f"{shot.name}.png").write_bytes(picture)


def log_in(browser: Browser, url: str, user: str, password: str) -> list[Any]:
    """Return the cookies of a browser in which that user is logged in."""
    context = browser.new_context()
    page = context.new_page()
    page.goto(f"{url}{STORE}/login")
    page.get_by_label("User name").fill(user)
    page.get_by_label("Password").fill(password)
    page.get_by_role("button", name="Log in").click()
    page.wait_for_url(f"{url}{STORE}/apis")
    cookies = context.cookies()
    context.close()
    return cookies


@contextlib.contextmanager
def serving(folder: Path) -> Iterator[tuple[str, dict[str, str]]]:
    """Serve an example store, with a backend and a gateway; give the URL and the passwords."""
    environ = {name: value for name, value in os.environ.items() if not name.startswith("APIMCTL_")}
    environ |= {"APIMCTL_DB": str(folder / "town.db"), "APIMCTL_CONFIG": str(folder / "none.toml")}
    environ |= {
        "APIMCTL_PORTAL_SIGN_UP": "on",
        "APIMCTL_PORTAL_GATEWAY_URL": "https://gateway.town.example",
    }
    with contextlib.ExitStack() as up:
        backend = [sys.executable, "-m", "apimctl.demo.backend"]
        backend_url = up.enter_context(running(backend, environ, r"^(http\S+)$"))
        settings = config.load({}, environ=environ)
        store = ExampleStore(settings.store_path, backend_url, settings.tokens)
        store.fill()
        gateway = [sys.executable, "-m", "apimctl", "gateway", "serve"]
        listens = r"^listening on +(\S+)"
        ports = ("--port", "0", "--admin-port", "off")
        up.enter_context(running([*gateway, *ports], environ, listens))
        portal = [sys.executable, "-m", "apimctl", "portal", "serve", "--http", "--port", "0"]
        yield up.enter_context(running(portal, environ, listens)), store.passwords


@contextlib.contextmanager
def running(command: list[str], environ: Mapping[str, str], pattern: str) -> Iterator[str]:
    """Run a server until the block ends; give what it says of where it is."""
    with tempfile.TemporaryFile("w+") as said:
        process = subprocess.Popen(command, env=dict(environ), stdout=said, stderr=said)
        try:
            yield await_line(process, said, pattern)
        finally:
            process.terminate()
            process.wait()


def await_line(process: subprocess.Popen[bytes], said: Any, pattern: str) -> str:
    """Return the part of a line that a server says when it is ready."""
    for _ in range(START_TRIES):
        said.seek(0)
        text = said.read()
        if found := re.search(pattern, text, re.MULTILINE):
            return found[1]
        if process.poll() is not None:
            break
        select.select([], [], [], 0.05)
    raise SystemExit(f"a server did not start: {text}")


if __name__ == "__main__":
    main()
