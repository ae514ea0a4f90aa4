"""The pages in Debian's Chromium, without script: what only a real browser enforces."""

import http.server
import threading
from urllib.parse import parse_qsl, urlsplit

import pytest

from tests.e2e.browsing import fits, opened
from tests.e2e.visitor import client_of

pytestmark = pytest.mark.needs("chromium", "chromium")


class _Client(http.server.BaseHTTPRequestHandler):
    """An application on this machine: `/back` ends there, `/on` leads on to another site."""

    def do_GET(self):
        path = urlsplit(self.path).path
        if path == "/on":
            self.send_response(302)
            self.send_header("Location", f"http://localhost:{self.server.server_port}/landed")
            self.end_headers()
            return
        self.send_response(200)
        self.send_header("Content-Type", "text/html")
        self.end_headers()
        framed = self.server.framed if path == "/frame" else ""
        self.wfile.write(f"<title>{path}</title><iframe src='{framed}'></iframe>".encode())

    def log_message(self, *_):
        pass


@pytest.fixture(scope="module")
def application():
    """Give the port of an application that listens on every loopback address."""
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), _Client) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        yield server
        server.shutdown()
        thread.join()


@pytest.fixture(scope="module")
def client(market, application):
    origin = "http://127.0.0.1"
    return client_of(market, is_public=True, callback_urls=[f"{origin}/back", f"{origin}/on"])


@pytest.fixture(scope="module")
def user(market):
    return market.user()


@pytest.fixture
def address(client, application):
    def address(path="/back", **changes):
        uri = f"http://127.0.0.1:{application.server_port}{path}"
        return client.stall.market.gateway.url + client.address(redirect_uri=uri, **changes)

    return address


@pytest.fixture
def elsewhere(application):
    """Return the origins of the application."""
    return [f"http://{name}:{application.server_port}" for name in ("127.0.0.1", "localhost")]


def log_in(page, user, password=None):
    page.get_by_label("User name").fill(user)
    page.get_by_label("Password").fill(password or user[::-1])
    page.get_by_role("button", name="Log in").click()


def told(page) -> dict[str, str]:
    return dict(parse_qsl(urlsplit(page.url).query))


def test_a_user_logs_in_allows_and_is_back_at_the_application(
    browser, address, elsewhere, client, user
):
    with opened(browser, address(), leads_to=elsewhere) as page:
        assert page.title() == "Log in \u00b7 apimctl"
        log_in(page, user)
        assert page.get_by_role("heading", level=1).inner_text() == (
            f"Allow {client.stall.name} to act for you?"
        )
        page.get_by_role("button", name="Allow").click()
        assert page.title() == "/back"
        uri, answer = page.url.partition("?")[0], told(page)
    assert answer["iss"] == client.stall.market.gateway.url
    assert answer["state"] == "s t\u00e4te/+&=%"
    tokens = client.redeem(answer["code"], redirect_uri=uri)
    assert client.stall.call(tokens.json["access_token"]).status == 200


def test_a_user_denies_and_is_back_at_the_application(browser, address, elsewhere, user):
    with opened(browser, address(), leads_to=elsewhere) as page:
        log_in(page, user)
        page.get_by_role("button", name="Deny").click()
        assert told(page)["error"] == "access_denied"


def test_an_application_may_lead_on_to_another_site(browser, address, elsewhere, user):
    with opened(browser, address("/on"), leads_to=elsewhere) as page:
        log_in(page, user)
        page.get_by_role("button", name="Allow").click()
        assert urlsplit(page.url).hostname == "localhost"
        assert page.title() == "/landed"


def test_a_wrong_password_is_said_and_can_be_typed_again(browser, address, user):
    with opened(browser, address()) as page:
        log_in(page, user, "wrong")
        assert "wrong" in page.get_by_role("alert").inner_text()
        assert page.get_by_label("User name").input_value() == user
        page.get_by_label("Password").fill(user[::-1])
        page.keyboard.press("Enter")
        page.get_by_role("button", name="Allow").wait_for()


def test_somebody_else_can_log_in_instead(browser, address, market, user):
    other = market.user()
    with opened(browser, address()) as page:
        log_in(page, user)
        page.get_by_role("button", name="Not you?").click()
        log_in(page, other)
        assert page.get_by_text(f"You are logged in as {other}").is_visible()


def test_no_site_can_frame_the_pages(browser, address, application):
    application.framed = address()
    page = browser.new_context().new_page()
    with page.expect_event("console", lambda message: "frame" in message.text.lower()):
        page.goto(f"http://localhost:{application.server_port}/frame")
    (frame,) = page.frames[1:]
    assert "Log in" not in frame.content()
    page.context.close()


@pytest.mark.parametrize("width", [320, 1920])
@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_the_pages_fit_the_window_and_can_be_read(browser, address, user, width, scheme):
    options = {"viewport": {"width": width, "height": 640}, "color_scheme": scheme}
    with opened(browser, address(state="x"), java_script_enabled=True, **options) as page:
        assert fits(page)
        log_in(page, user, "wrong")
        assert fits(page)
        assert all(ratio >= 4.5 for ratio in contrasts(page).values()), contrasts(page)
        log_in(page, user)
        assert fits(page)
        assert all(ratio >= 4.5 for ratio in contrasts(page).values()), contrasts(page)


def contrasts(page) -> dict[str, float]:
    """Return the contrast of every text with what is behind it (WCAG 2.2, 1.4.3)."""
    return page.evaluate(
        """() => {
        const part = c => (c /= 255) <= 0.04045 ? c / 12.92 : ((c + 0.055) / 1.055) ** 2.4;
        const numbers = color => color.match(/[\\d.]+/g).map(Number);
        const light = ([r, g, b]) => 0.2126 * part(r) + 0.7152 * part(g) + 0.0722 * part(b);
        const behind = element => {
            for (let e = element; e; e = e.parentElement) {
                const color = numbers(getComputedStyle(e).backgroundColor);
                if (color.length < 4 || color[3] > 0) return color;
            }
            return [255, 255, 255];
        };
        const found = {};
        const texts = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
        while (texts.nextNode()) {
            const text = texts.currentNode.data.trim(), element = texts.currentNode.parentElement;
            if (!text) continue;
            const two = [light(numbers(getComputedStyle(element).color)), light(behind(element))];
            found[text] = (Math.max(...two) + 0.05) / (Math.min(...two) + 0.05);
        }
        return found;
    }"""
    )
