"""What a page or a form of the API Store ends in."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from apimctl.pages.browser import Browser


@dataclass(frozen=True, slots=True)
class Page:
    """A template and what it shows."""

    template: str
    values: Mapping[str, Any] = field(repr=False)
    status: int = 200


@dataclass(frozen=True, slots=True)
class Redirect:
    """Another page, by its path; `done` names what that is to say, from `DONE`.

    `browser` is there if its cookie is another one from now on.
    """

    to: str
    done: str = ""
    browser: Browser | None = None


Reply = Page | Redirect

DONE: dict[str, str] = {
    "app-created": "The application was created. Subscribe it to APIs and generate its keys.",
    "app-updated": "The application was changed.",
    "unchanged": "It was like that already: nothing was changed.",
    "app-made-public": "The application was changed. It is public now: its consumer secrets are"
    " over.",
    "app-made-confidential": "The application was changed. It is confidential now: its keys get a"
    " consumer secret by Rotate, on My Subscriptions.",
    "app-deleted": "The application was deleted.",
    "token-revoked": "The token was revoked. The gateway refuses it from now on.",
    "token-over": "That token was over already: nothing was changed.",
    "logged-out": "You are logged out.",
    "session-over": (
        "You were logged out before this was sent, so nothing was done. Log in, and send it again."
    ),
    "signed-up": "Welcome! Create an application, subscribe it to an API, and get your keys.",
    "password-changed": "Your password was changed. All other browsers were logged out.",
    "session-ended": "That browser was logged out.",
    "sessions-ended": "All other browsers were logged out.",
    "subscribed": "Subscribed. The API takes tokens of this application from now on.",
    "tier-changed": "The tier was changed. It holds from the next request on.",
    "unsubscribed": "The application is unsubscribed.",
    "key-updated": (
        "Saved. Allowed domains hold from the next request on, the validity for later tokens."
    ),
    "tokens-revoked": "All tokens of the key are revoked.",
    "key-deleted": "The key is deleted, and its tokens have stopped.",
    "user-created": "The user was created.",
    "user-updated": "The user was changed.",
    "password-set": "The password was set, and the user logged out everywhere.",
    "user-logged-out": "The user was logged out everywhere.",
    "user-deleted": "The user was deleted.",
    "subscription-blocked": "The subscription is blocked.",
    "subscription-prod_only_blocked": "The subscription is blocked for production keys.",
    "subscription-unblocked": "The subscription is unblocked.",
    "subscription-on_hold": "The subscription is on hold.",
    "subscription-rejected": "The subscription is rejected.",
    "api-published": "The API is published.",
    "api-prototyped": "The API is served as a prototype.",
    "api-blocked": "The API is blocked.",
    "api-deprecated": "The API is deprecated.",
    "api-retired": "The API is retired.",
    "tier-created": "The tier was created.",
    "tier-updated": "The tier was changed.",
    "tier-deleted": "The tier was deleted.",
}
"""What a page says of what was done just before, by a name that stands in its address."""
