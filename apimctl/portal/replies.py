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
    "app-unchanged": "It was like that already: nothing was changed.",
    "app-made-public": "The application was changed. It is public now: its consumer secrets are"
    " over.",
    "app-made-confidential": "The application was changed. It is confidential now: its keys get a"
    " consumer secret by Rotate, on My Subscriptions.",
    "app-deleted": "The application was deleted.",
    "logged-out": "You are logged out.",
    "subscribed": "Subscribed. The keys of this application open the API from now on.",
    "tier-changed": "The tier was changed. It holds from the next request on.",
    "unsubscribed": "The application is unsubscribed.",
    "key-updated": (
        "Saved. Allowed domains hold from the next request on, the validity for later tokens."
    ),
    "tokens-revoked": "All tokens of the key are revoked.",
    "key-deleted": "The key is deleted, and its tokens have stopped.",
    "session-over": "You were logged out, as nothing happened for a while. Log in again.",
}
"""What a page says of what was done just before, by a name that stands in its address."""
