import pytest

from apimctl.domain.browsers import LONGEST_KEPT, LONGEST_SHOWN, kept, name_browser

MOZILLA = "Mozilla/5.0"
WEBKIT = "AppleWebKit/537.36 (KHTML, like Gecko)"


@pytest.mark.parametrize(
    ("user_agent", "name"),
    [
        (f"{MOZILLA} (X11; Linux x86_64) {WEBKIT} Chrome/126.0 Safari/537.36", "Chrome on Linux"),
        (
            f"{MOZILLA} (X11; Linux x86_64; rv:127.0) Gecko/20100101 Firefox/127.0",
            "Firefox on Linux",
        ),
        (
            f"{MOZILLA} (Windows NT 10.0; Win64; x64) {WEBKIT} Chrome/126 Safari/537 Edg/126",
            "Edge on Windows",
        ),
        (
            f"{MOZILLA} (Linux; Android 14; K) {WEBKIT} Chrome/126 Mobile Safari/537",
            "Chrome on Android",
        ),
        (
            f"{MOZILLA} (iPhone; CPU iPhone OS 17_5 like Mac OS X) {WEBKIT} Version/17 Safari/604",
            "Safari on iPhone",
        ),
        (
            f"{MOZILLA} (Macintosh; Intel Mac OS X 10_15_7) {WEBKIT} Version/17 Safari/605",
            "Safari on macOS",
        ),
        (f"{MOZILLA} {WEBKIT} Chrome/126", "Chrome"),
        ("curl/8.7.1", "curl/8.7.1"),
        ("", "Unknown browser"),
        ("a\r\nb\udcff", "a\ufffd\ufffdb\ufffd"),
    ],
)
def test_a_browser_has_a_name(user_agent, name):
    assert name_browser(user_agent) == name


def test_what_a_browser_says_of_itself_is_cut_short():
    assert len(name_browser("x" * 10_000)) == LONGEST_SHOWN
    assert len(kept("x" * 10_000)) == LONGEST_KEPT
    kept("\udcff\ud800").encode()
