"""The story: the calls of WSO2's page "Working with Access Tokens", and what each should answer.

The answers are written out, not taken from the gateway's own tables: they are what is checked.
"""

import time
from dataclasses import dataclass, field
from typing import Any

from apimctl.demo.calls import API_PATH, Answer, Call, Row
from apimctl.demo.shopper import LOG_IN_PATH
from apimctl.demo.stage import Stage, new_password
from apimctl.domain.models import ADMIN

SEARCH = f"{API_PATH}search.atom?q=cat"
DOMAIN = "example.com"
ALLOWED_DOMAINS = "example.com,*.example.org"

FROM_SANDBOX = "200 from sandbox"
FROM_PRODUCTION = "200 from production"
INVALID = "401 900901 Invalid Credentials"
MISSING = "401 900902 Missing Credentials"
EXPIRED = "401 900903 Access Token Expired"
INACTIVE = "401 900904 Access Token Inactive"
FORBIDDEN = "403 900908 Resource forbidden"
BLOCKED = "503 700700 API blocked"
MY_SUBSCRIPTIONS = "200 My Subscriptions"

EXPIRY_SECONDS = 20.0
POLL_SECONDS = 0.1

TOKEN = "access_token"  # noqa: S105 - the name of a field

Fields = dict[str, Any]


@dataclass(slots=True)
class Story:
    """What was told so far; a reader can go on with `token` and `password` once all is told."""

    stage: Stage
    rows: list[Row] = field(default_factory=list)
    token: str = field(default="", repr=False)
    password: str = field(default="", repr=False)
    """Of the administrator, at the API Store."""

    def call(self, step: str, expected: str, call: Call) -> Answer:
        """Make a call and write down what came of it."""
        answer = self.stage.call(call)
        self.rows.append(Row(step, call, answer.text, expected))
        return answer


def tell(stage: Stage) -> Story:
    """Play the whole story. Raises ApimctlError where it cannot go on."""
    story = Story(stage)
    sandbox, production = _prepare(stage)
    _use_tokens(story, sandbox, production)
    _let_a_token_expire(story)
    new_production_token = _renew(story, production[TOKEN])
    _log_in(story, production)
    _block(story)
    _revoke(story, new_production_token)
    _visit_portal(story)
    return story


def _prepare(stage: Stage) -> tuple[Fields, Fields]:
    """Publish, subscribe, make both keys and a user, start both servers; return the keys."""
    stage.start_backends()
    stage.apimctl(
        *("api", "create", "twitter", "--context", "/twitter", "--version", "1.0.0"),
        *("--production-url", stage.backend_urls["production"]),
        *("--sandbox-url", stage.backend_urls["sandbox"]),
        "--publish",
    )
    stage.apimctl("subscription", "create", "--api", "twitter")
    sandbox = stage.apimctl("key", "generate", "--sandbox")
    production = stage.apimctl("key", "generate", "--production", "--domains", ALLOWED_DOMAINS)
    stage.start_gateway()
    stage.start_portal()
    return sandbox, production


def _use_tokens(story: Story, sandbox: Fields, production: Fields) -> None:
    token = production[TOKEN]
    story.call("sandbox token", FROM_SANDBOX, Call(SEARCH, sandbox[TOKEN]))
    for step, expected, domain in (
        ("production token", FROM_PRODUCTION, DOMAIN),
        ("its subdomain", FROM_PRODUCTION, "m.example.org"),
        ("another domain", FORBIDDEN, "example.net"),
        ("look-alike domain", FORBIDDEN, "myexample.com"),
        ("no domain header", FORBIDDEN, None),
    ):
        story.call(step, expected, Call(SEARCH, token, domain=domain))
    story.call("no token", MISSING, Call(SEARCH))
    story.call("mistyped token", INVALID, Call(SEARCH, _mistyped(sandbox[TOKEN])))


def _let_a_token_expire(story: Story) -> None:
    stage = story.stage
    call = Call(SEARCH, stage.apimctl("token", "renew", "--sandbox", "--validity", "1")[TOKEN])
    deadline = time.monotonic() + EXPIRY_SECONDS
    while stage.call(call).text == FROM_SANDBOX and time.monotonic() < deadline:
        stage.children.pause(POLL_SECONDS)
    story.call("expired token", EXPIRED, call)
    story.token = stage.apimctl("token", "renew", "--sandbox", "--validity", "1h")[TOKEN]
    story.call("renewed token", FROM_SANDBOX, Call(SEARCH, story.token))


def _renew(story: Story, old_token: str) -> str:
    new_token: str = story.stage.apimctl("token", "renew", "--production")[TOKEN]
    story.call("re-generated: old", INACTIVE, Call(SEARCH, old_token, domain=DOMAIN))
    story.call("re-generated: new", FROM_PRODUCTION, Call(SEARCH, new_token, domain=DOMAIN))
    story.call("domains stay", FORBIDDEN, Call(SEARCH, new_token, domain="example.net"))
    return new_token


def _log_in(story: Story, key: Fields) -> None:
    """Get a user token at the Login API, renew it, and replay what was spent."""
    password = new_password()
    story.stage.apimctl("user", "create", "alice", "--password-stdin", secret=password)
    client = (key["consumer_key"], key["consumer_secret"])

    def log_in(step: str, expected: str, **form: str) -> Fields:
        return dict(story.call(step, expected, Call("/token", form=form, client=client)).fields)

    def search(step: str, expected: str, tokens: Fields) -> None:
        story.call(step, expected, Call(SEARCH, tokens.get(TOKEN, ""), domain=DOMAIN))

    def renew(step: str, expected: str) -> Fields:
        spent = first.get("refresh_token", "")
        return log_in(step, expected, grant_type="refresh_token", refresh_token=spent)

    first = log_in(
        "alice logs in", "200", grant_type="password", username="alice", password=password
    )
    search("user token", FROM_PRODUCTION, first)
    second = renew("user token renewed", "200")
    search("renewed: old token", INACTIVE, first)
    search("renewed: new token", FROM_PRODUCTION, second)
    renew("replayed renewal", "400 invalid_grant")
    search("its family ends", INACTIVE, second)


def _block(story: Story) -> None:
    story.stage.apimctl("api", "block", "twitter")
    story.call("API blocked", BLOCKED, Call(SEARCH, story.token))
    story.stage.apimctl("api", "unblock", "twitter")
    story.call("API unblocked", FROM_SANDBOX, Call(SEARCH, story.token))


def _revoke(story: Story, token: str) -> None:
    story.call("before revocation", FROM_PRODUCTION, Call(SEARCH, token, domain=DOMAIN))
    story.stage.apimctl("token", "revoke", "--token-stdin", secret=token)
    story.call("revoked token", INACTIVE, Call(SEARCH, token, domain=DOMAIN))


def _visit_portal(story: Story) -> None:
    """Log in at the API Store as its administrator, who owns the keys of this story."""
    story.password = new_password()
    story.stage.apimctl("user", "password", ADMIN, "--password-stdin", secret=story.password)
    shown = story.stage.visit_portal(ADMIN, story.password)
    call = Call(LOG_IN_PATH, form={"username": ADMIN})
    story.rows.append(Row("API Store: log in", call, shown, MY_SUBSCRIPTIONS))


def _mistyped(token: str) -> str:
    return token[:-1] + ("A" if token[-1] != "A" else "B")
