"""What people call a browser, from what it says of itself (RFC 9110 section 10.1.5)."""

from apimctl.domain.names import printable

LONGEST_KEPT = 256
LONGEST_SHOWN = 60

_BROWSERS = {
    "Edg": "Edge",
    "OPR/": "Opera",
    "Vivaldi/": "Vivaldi",
    "SamsungBrowser/": "Samsung Internet",
    "Firefox/": "Firefox",
    "FxiOS/": "Firefox",
    "CriOS/": "Chrome",
    "Chrome/": "Chrome",
    "Chromium/": "Chromium",
    "Safari/": "Safari",
}
"""By what tells them; the first that is found counts, as most claim to be some of the others."""

_SYSTEMS = {
    "Android": "Android",
    "iPhone": "iPhone",
    "iPad": "iPad",
    "Windows": "Windows",
    "Mac OS X": "macOS",
    "CrOS": "ChromeOS",
    "Linux": "Linux",
}


def kept(user_agent: str) -> str:
    """Return what is kept of a ``User-Agent``: one line of text, not too long."""
    return printable(user_agent, longest=LONGEST_KEPT)


def name_browser(user_agent: str) -> str:
    """Return a name such as ``Firefox on Linux``; what is no browser, in its own words."""
    browser = _first(_BROWSERS, user_agent)
    if not browser:
        return printable(user_agent, longest=LONGEST_SHOWN) or "Unknown browser"
    system = _first(_SYSTEMS, user_agent)
    return f"{browser} on {system}" if system else browser


def _first(names: dict[str, str], text: str) -> str:
    return next((name for mark, name in names.items() if mark in text), "")
