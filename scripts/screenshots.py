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
from urllib.parse import quote

from example_store import ADMINISTRATOR, CALLBACK, SUBSCRIBER, ExampleStore
from palette import reduced
from playwright.sync_api import Browser, Page, sync_playwright

from apimctl import config

FOLDER = Path(__file__).parents[1] / "docs" / "screenshots"
DESKTOP = {"width": 1280, "height": 860}
PHONE = {"width": 390, "height": 844}
LARGEST_BYTES = 150_000
START_TRIES = 400

Steps = Callable[[Page], None]
Options = Mapping[str, Any]

DARK: Options = {"color_scheme": "dark"}
ON_PHONE: Options = {"viewport": PHONE, "is_mobile": True, "has_touch": True}


def follow(*names: str) -> Steps:
    """Return the steps that click links, one after the other."""

    def steps(page: Page) -> None:
        for name in names:
            page.get_by_role("link", name=name).first.click()

    return steps


def generate(page: Page) -> None:
    """Generate a key, whose secrets the page then shows this once."""
    follow("Garden App")(page)
    panel = page.get_by_role("region", name="Sandbox")
    panel.get_by_label("Token validity").fill("30d")
    panel.get_by_role("button", name="Generate").click()
    page.get_by_label("Access token").first.wait_for()


def try_out(page: Page) -> None:
    """Call an API with a token that was made just now."""
    follow("Garden App")(page)
    page.get_by_role("region", name="Production").get_by_role("button", name="Generate").click()
    page.get_by_role("button", name="Try it").click()
    page.get_by_label("Path").fill("/search.json")
    page.get_by_label("Query").fill("q=otter+orchard")
    page.get_by_role("button", name="Send").click()
    page.get_by_text("200 OK").wait_for()


def mistype(page: Page) -> None:
    """Send a form that is refused."""
    follow("Garden App")(page)
    panel = page.get_by_role("region", name="Production")
    panel.get_by_label("Allowed domains").fill("https://garden.example/")
    panel.get_by_label("Token validity").fill("3 weeks")
    panel.get_by_role("button", name="Generate").click()


def re_generate(page: Page) -> None:
    """Open what re-generates a token."""
    follow("Harbour Dashboard")(page)
    panel = page.get_by_role("region", name="Production")
    panel.get_by_text("Re-generate the access token").click()
    panel.get_by_label("Grace").first.fill("10m")


def re_generate_on_top(page: Page) -> None:
    """Do the same, with the panel at the top of the window."""
    re_generate(page)
    page.get_by_role("region", name="Production").evaluate("panel => panel.scrollIntoView()")


def stay(_page: Page) -> None:
    """Take the page as it opens."""


@dataclass(frozen=True)
class Shot:
    """One picture: who looks, where they begin, what they do then.

    It is of the whole page, or of what the window shows of it.
    """

    name: str
    address: str
    user: str | None = SUBSCRIBER
    steps: Steps = stay
    is_whole: bool = True
    options: Options = field(default_factory=dict)


STORE = "{portal}/store"
MINE = f"{STORE}/subscriptions"
ADMIN = f"{STORE}/admin"
CONSENT = (
    "{gateway}/authorize?response_type=code&client_id={client}&scope=weather:read+weather:report"
    f"&redirect_uri={quote(CALLBACK, safe='')}"
)
SHOTS = (
    Shot("log-in", f"{STORE}/login", None),
    Shot("sign-up", f"{STORE}/sign-up", None),
    Shot("apis", f"{STORE}/apis"),
    Shot("apis-dark", f"{STORE}/apis", options=DARK),
    Shot("api", f"{STORE}/apis/Weather/2.1.0"),
    Shot("my-subscriptions", MINE, steps=follow("Harbour Dashboard")),
    Shot("my-subscriptions-dark", MINE, steps=re_generate, options=DARK),
    Shot(
        "my-subscriptions-phone", MINE, steps=re_generate_on_top, is_whole=False, options=ON_PHONE
    ),
    Shot("apis-phone", f"{STORE}/apis", is_whole=False, options=ON_PHONE),
    Shot("bad-input", MINE, steps=mistype),
    Shot("key-made", MINE, steps=generate, is_whole=False),
    Shot("revoke", MINE, steps=follow("Harbour Dashboard", "Revoke all tokens")),
    Shot("unsubscribe", MINE, steps=follow("Harbour Dashboard", "Unsubscribe")),
    Shot("try-it", MINE, steps=try_out),
    Shot("applications", f"{STORE}/applications"),
    Shot("application", f"{STORE}/applications", steps=follow("Edit Harbour Dashboard")),
    Shot("new-application", f"{STORE}/applications/new"),
    Shot(
        "application-tokens",
        f"{STORE}/applications",
        steps=follow("Edit Harbour Dashboard", "Access tokens"),
    ),
    Shot("check-a-token", f"{STORE}/tokens"),
    Shot("profile", f"{STORE}/profile"),
    Shot("consent", CONSENT),
    Shot("admin-users", f"{ADMIN}/users", ADMINISTRATOR),
    Shot("admin-user", f"{ADMIN}/users", ADMINISTRATOR, follow("aiko")),
    Shot("admin-new-user", f"{ADMIN}/users/new", ADMINISTRATOR),
    Shot("admin-applications", f"{ADMIN}/applications", ADMINISTRATOR),
    Shot("admin-application", f"{ADMIN}/applications", ADMINISTRATOR, follow("Harbour Dashboard")),
    Shot("admin-apis", f"{ADMIN}/apis", ADMINISTRATOR),
    Shot("admin-tiers", f"{ADMIN}/tiers", ADMINISTRATOR),
    Shot("admin-new-tier", f"{ADMIN}/tiers/new", ADMINISTRATOR),
    Shot("admin-audit", f"{ADMIN}/audit", ADMINISTRATOR, is_whole=False),
    Shot("admin-audit-entry", f"{ADMIN}/audit/31", ADMINISTRATOR),
)


@dataclass(frozen=True)
class Town:
    """What is served: where it is, and the passwords of those who log in."""

    places: Mapping[str, str]
    passwords: Mapping[str, str] = field(repr=False)


def main() -> None:
    """Take the pictures that are named, or all."""
    wanted = set(sys.argv[1:])
    if unknown := wanted - {shot.name for shot in SHOTS}:
        raise SystemExit(f"there are no pictures {', '.join(sorted(unknown))}")
    FOLDER.mkdir(exist_ok=True)
    with (
        tempfile.TemporaryDirectory(prefix="apimctl-screenshots-") as name,
        serving(Path(name)) as town,
        sync_playwright() as playwright,
    ):
        browser = playwright.chromium.launch(
            executable_path=shutil.which("chromium"), args=["--no-sandbox"]
        )
        cookies = {user: log_in(browser, town, user) for user in town.passwords}
        for shot in SHOTS:
            if not wanted or shot.name in wanted:
                take(browser, town, shot, cookies.get(shot.user or "", []))
        browser.close()


def take(browser: Browser, town: Town, shot: Shot, cookies: list[Any]) -> None:
    """Take one picture."""
    context = browser.new_context(**{"viewport": DESKTOP, "color_scheme": "light", **shot.options})
    context.set_default_timeout(10_000)
    context.add_cookies(cookies)
    page = context.new_page()
    page.goto(shot.address.format(**town.places))
    shot.steps(page)
    page.wait_for_load_state()
    page.mouse.move(0, 0)
    if shot.is_whole:
        page.evaluate("scrollTo(0, 0)")  # what sticks to the window belongs to the top
    picture = page.screenshot(full_page=shot.is_whole, animations="disabled", caret="hide")
    context.close()
    with browser.new_page() as blank:
        picture = reduced(blank, picture)
    print(f"{shot.name}: {len(picture) // 1000} kB")
    if len(picture) > LARGEST_BYTES:
        raise SystemExit(f"{shot.name} is larger than {LARGEST_BYTES // 1000} kB")
    (FOLDER / f"{shot.name}.png").write_bytes(picture)


def log_in(browser: Browser, town: Town, user: str) -> list[Any]:
    """Return the cookies of a browser in which that user is logged in."""
    context = browser.new_context()
    page = context.new_page()
    page.goto(f"{STORE}/login".format(**town.places))
    page.get_by_label("User name").fill(user)
    page.get_by_label("Password").fill(town.passwords[user])
    page.get_by_role("button", name="Log in").click()
    page.wait_for_url("**/store/apis")
    cookies = context.cookies()
    context.close()
    return cookies


@contextlib.contextmanager
def serving(folder: Path) -> Iterator[Town]:
    """Serve an example store: its API Store, its gateway, and a backend."""
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
        gateway_url = up.enter_context(running([*gateway, *ports], environ, listens))
        portal = [sys.executable, "-m", "apimctl", "portal", "serve", "--http", "--port", "0"]
        url = up.enter_context(running(portal, environ, listens))
        places = {"portal": url, "gateway": gateway_url, "client": store.consumer_key}
        yield Town(places, store.passwords)


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
