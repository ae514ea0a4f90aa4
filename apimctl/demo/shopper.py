"""A browser without script, which logs in at the API Store as a person would: by its form."""

import http.client
from collections.abc import Mapping
from dataclasses import dataclass, field
from html.parser import HTMLParser
from urllib.parse import urlencode, urljoin, urlsplit

from apimctl.demo.calls import TIMEOUT_SECONDS
from apimctl.demo.interruption import Interruption
from apimctl.errors import ApimctlError

LOG_IN_PATH = "/store/login"
WANTED_PATH = "/store/subscriptions"
MOST_REDIRECTS = 5


class _Page(HTMLParser):
    """What is read of a page: its title, and what the form that leads to the log-in holds."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.title = ""
        self.fields: dict[str, str] = {}
        self._is_title = False
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        given = {name: value or "" for name, value in attrs}
        self._is_title = tag == "title"
        if tag == "input" and given.get("type") == "hidden":
            self.fields[given.get("name", "")] = given.get("value", "")

    def handle_endtag(self, tag: str) -> None:
        self._is_title = self._is_title and tag != "title"

    def handle_data(self, data: str) -> None:
        if self._is_title:
            self.title += data


@dataclass(slots=True)
class Shopper:
    """One browser at one API Store; `url` is that of its server."""

    url: str
    interruption: Interruption
    _cookie: str = field(default="", repr=False)

    def log_in(self, user: str, password: str) -> str:
        """Return what is shown in the end, in words: status and page. Raises ApimctlError."""
        _, page = self._ask("GET", f"{LOG_IN_PATH}?{urlencode({'next': WANTED_PATH})}")
        filled_in = {**page.fields, "username": user, "password": password}
        status, page = self._ask("POST", LOG_IN_PATH, filled_in)
        # "DefaultApplication · My Subscriptions · apimctl": what it is of, what it is, whose it is.
        return " ".join((str(status), *page.title.split(" · ")[-2:-1]))

    def _ask(
        self, method: str, path: str, form: Mapping[str, str] | None = None
    ) -> tuple[int, _Page]:
        """Return status and page, behind all redirects."""
        for _ in range(MOST_REDIRECTS):
            status, location, page = self._ask_once(method, path, form)
            if not location:
                return status, page
            method, path, form = "GET", urljoin(path, location), None
        raise ApimctlError(f"{path} leads to ever other pages")

    def _ask_once(
        self, method: str, path: str, form: Mapping[str, str] | None
    ) -> tuple[int, str, _Page]:
        address = urlsplit(self.url)
        headers = {"Cookie": self._cookie} if self._cookie else {}
        if form is not None:
            headers["Content-Type"] = "application/x-www-form-urlencoded"
        body = None if form is None else urlencode(form).encode()
        connection = http.client.HTTPConnection(
            address.hostname or "", address.port, timeout=TIMEOUT_SECONDS
        )
        try:
            with self.interruption.waiting():
                connection.request(method, path, body=body, headers=headers)
                with connection.getresponse() as response:
                    text = response.read().decode(errors="replace")
        except (OSError, http.client.HTTPException) as error:
            raise ApimctlError(f"no answer to {method} {path}: {error}") from None
        finally:
            connection.close()
        if cookie := response.getheader("Set-Cookie"):
            self._cookie = cookie.partition(";")[0]
        return response.status, response.getheader("Location", ""), _Page(text)
