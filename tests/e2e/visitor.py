"""A browser without script, over real sockets: cookies, forms, and where it is sent."""

import base64
import hashlib
import re
from dataclasses import dataclass, field
from html.parser import HTMLParser
from urllib.parse import parse_qsl, urldefrag, urlencode, urljoin, urlsplit

from tests.e2e.conftest import Answer, Gateway
from tests.e2e.market import Stall

CALLBACK = "https://client.example/back"
VERIFIER = "v" * 43
CHALLENGE = base64.urlsafe_b64encode(hashlib.sha256(VERIFIER.encode()).digest()).decode()[:43]
PKCE = {"code_challenge": CHALLENGE, "code_challenge_method": "S256"}
FORM = "application/x-www-form-urlencoded"


class _Forms(HTMLParser):
    """The forms of a page: where they lead, and what they hold as they are shown."""

    def __init__(self, page: str) -> None:
        super().__init__()
        self.found: dict[str, dict[str, str]] = {}
        self._fields: dict[str, str] = {}
        self._name = self._area = ""
        self.feed(page)

    def handle_starttag(self, tag, attributes):
        values = dict(attributes)
        name = values.get("name", "")
        if tag == "form":
            self._fields = self.found.setdefault(values["action"], {})
        elif tag == "input" and values.get("type") in {"checkbox", "radio"}:
            if "checked" in values:
                self._fields[name] = values.get("value", "on")
        elif tag == "input":
            self._fields[name] = values.get("value", "")
        elif tag == "textarea":
            self._fields[name], self._area = "", name
        elif tag == "select":
            self._name = name
        elif tag == "option" and ("selected" in values or self._name not in self._fields):
            self._fields[self._name] = values.get("value", "")

    def handle_data(self, data):
        if self._area:
            self._fields[self._area] += data

    def handle_endtag(self, tag):
        if tag == "textarea":
            self._area = ""


@dataclass
class Visitor:
    """A person's browser, at one gateway."""

    gateway: Gateway
    cookies: dict[str, str] = field(default_factory=dict)
    address: str = "/"
    answer: Answer | None = None

    @property
    def forms(self) -> dict[str, dict[str, str]]:
        """The forms of the page that is shown, by the address they lead to."""
        found = _Forms(self.answer.body.decode()).found
        return {
            urldefrag(urljoin(self.address, action)).url: fields for action, fields in found.items()
        }

    @property
    def location(self) -> str:
        assert self.answer.status == 303, (self.answer.status, self.answer.body)
        return urljoin(self.address, self.answer.headers["Location"])

    @property
    def told(self) -> dict[str, str]:
        """What the application is told in the address that the browser is sent to."""
        pairs = parse_qsl(urlsplit(self.location).query, keep_blank_values=True)
        assert len(dict(pairs)) == len(pairs)
        return dict(pairs)

    def visit(self, address: str, *, method="GET", body=None, headers=()) -> Answer:
        """Ask for an address of the gateway, and follow it while it sends us to others of its."""
        sent = list(headers)
        if self.cookies:
            sent.append(("Cookie", "; ".join(f"{k}={v}" for k, v in self.cookies.items())))
        if body is not None and not any(name == "Content-Type" for name, _ in sent):
            sent.append(("Content-Type", FORM))
        self.address = urlsplit(address).path
        self.answer = self.gateway.send(method, address, headers=sent, body=body)
        for cookie in self.answer.headers.get_all("Set-Cookie", []):
            name, value = re.match(r"([^=]+)=([^;]*)", cookie).groups()
            self.cookies[name] = value
        if self.answer.status == 303 and self.location.startswith("/"):
            return self.visit(self.location)
        return self.answer

    def send(self, path: str, *, headers=(), **fields) -> Answer:
        """Send the form of this page that leads there, with these fields filled in."""
        form = self.forms[path] | fields
        present = {name: value for name, value in form.items() if value is not None}
        return self.visit(path, method="POST", body=urlencode(present).encode(), headers=headers)

    def log_in(self, user: str, password: str | None = None) -> Answer:
        """Log in as a user whose password is the name backwards."""
        return self.send("/authorize/login", username=user, password=password or user[::-1])

    def decide(self, decision: str, **fields) -> Answer:
        return self.send("/authorize/decision", decision=decision, **fields)


@dataclass
class Client:
    """An application that sends its users to `/authorize`."""

    stall: Stall
    is_public: bool = False
    browsers: dict[str, dict[str, str]] = field(default_factory=dict)
    """The cookies of users who are logged in: checking a password is slow."""

    @property
    def id(self) -> str:
        return self.stall.client[0]

    def parameters(self, **changes) -> dict[str, str]:
        """The parameters of an authorization request; None leaves one out."""
        parameters = {
            "response_type": "code",
            "client_id": self.id,
            "redirect_uri": CALLBACK,
            "state": "s t\u00e4te/+&=%",
            **(PKCE if self.is_public else {}),
        }
        return {name: value for name, value in (parameters | changes).items() if value is not None}

    def address(self, **changes) -> str:
        return f"/authorize?{urlencode(self.parameters(**changes))}"

    def visitor(self, **changes) -> Visitor:
        """A browser at the page to which the application sent it."""
        visitor = Visitor(self.stall.market.gateway)
        visitor.visit(self.address(**changes))
        return visitor

    def logged_in(self, user: str, **changes) -> Visitor:
        """The browser of a user who has logged in before, at the page that asks for consent."""
        if user not in self.browsers:
            visitor = self.visitor(**changes)
            visitor.log_in(user)
            self.browsers[user] = visitor.cookies
        visitor = Visitor(self.stall.market.gateway, dict(self.browsers[user]))
        visitor.visit(self.address(**changes))
        return visitor

    def code(self, user: str, **changes) -> str:
        """The code for a user who is logged in and allows it."""
        visitor = self.logged_in(user, **changes)
        visitor.decide("allow")
        return visitor.told["code"]

    def redeem(self, code: str, **fields) -> Answer:
        """Ask for the tokens of a code; None leaves a field out."""
        form = {"grant_type": "authorization_code", "code": code, "redirect_uri": CALLBACK}
        if self.is_public:
            form |= {"client_id": self.id, "code_verifier": VERIFIER}
        form = {name: value for name, value in (form | fields).items() if value is not None}
        return self.stall.market.gateway.form(
            "/token", form, client=None if self.is_public else self.stall.client
        )


def client_of(market, *, is_public=False, callback_urls=(CALLBACK,)) -> Client:
    """Return a new application with these redirect URIs."""
    stall = market.stall()
    stall.change(
        "update_app", name=stall.name, callback_urls=list(callback_urls), is_public=is_public
    )
    return Client(stall, is_public)
