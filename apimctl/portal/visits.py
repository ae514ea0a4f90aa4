"""A request of a browser to the API Store, read, and who is behind it."""

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from sqlite3 import Connection
from typing import Any, Self

from apimctl.config import Settings
from apimctl.domain.limits import client_network
from apimctl.domain.models import ADMIN, AccessToken, Actor, RefreshToken, User, Via
from apimctl.errors import ConflictError
from apimctl.pages.browser import Browser
from apimctl.portal.forms import Form
from apimctl.services import audit
from apimctl.services.identifiers import RandomBytes
from apimctl.services.sessions import LoggedIn

TO_STALE = "Nothing was done. Look at it as it is now, and try again."


def fingerprint(*values: object) -> str:
    """Return what tells whether something is still as a page has shown it: its values, digested."""
    return hashlib.sha256(repr(values).encode()).hexdigest()[:16]


@dataclass(frozen=True, slots=True)
class Person:
    """Who is logged in, with the roles as they are now."""

    user: User
    roles: frozenset[str]

    @property
    def is_admin(self) -> bool:
        """Whether the user may see and change what belongs to others."""
        return ADMIN in self.roles


@dataclass(frozen=True, slots=True)
class Visit:
    """One request. `places` are the named parts of its path, `fields` those of its form.

    `person` is there on every page that asks for a log-in; `refused` where a form is shown again;
    `prepared` is what a form needed before the store was asked.
    """

    path: str
    root: str
    browser: Browser
    settings: Settings
    now: int
    random: RandomBytes
    address: str = ""
    agent: str = ""
    host: str = ""
    places: Mapping[str, str] = field(default_factory=dict)
    query: Mapping[str, str] = field(default_factory=dict)
    fields: Mapping[str, str] = field(default_factory=dict, repr=False)
    is_new_browser: bool = False
    logged_in: LoggedIn | None = None
    person: Person | None = None
    refused: Form | None = None
    prepared: Any = field(default=None, repr=False)

    @property
    def network(self) -> str:
        """What tells those who ask from others: an address, or a network of IPv6."""
        return client_network(self.address)

    @property
    def user(self) -> User:
        """The user who is logged in."""
        return self.whoever.user

    @property
    def whoever(self) -> Person:
        """Who is logged in."""
        if self.person is None:
            raise AssertionError(self.path)  # a route that asks for no log-in
        return self.person

    @property
    def reach(self) -> User | None:
        """The user whose applications alone are within reach; None for an admin: everybody's."""
        return None if self.whoever.is_admin else self.user

    def made_by(self, user: User) -> Self:
        """Return the visit as one of that user's, who was not logged in before."""
        return replace(self, person=Person(user, frozenset()))

    @property
    def moment(self) -> dict[str, Any]:
        """The time and the randomness of this request, as services take them."""
        return {"now": self.now, "random": self.random}

    def form(self, action: str, **initial: str) -> Form:
        """Return the form that is sent to `action`, as it is to be shown: anew, or as refused."""
        if self.refused is not None and self.refused.action == action:
            return self.refused
        return Form(action, initial)

    def submitted(self) -> Form:
        """Return the form that this request sends."""
        return Form(self.path, self.fields)

    def require_seen(self, seen: str) -> None:
        """Raise ConflictError unless the page showed what this is the fingerprint of."""
        if self.fields.get("seen") != seen:
            raise ConflictError("This was changed since the page was shown", hint=TO_STALE)

    def audit(self, db: Connection, action: str, target: str, **details: Any) -> None:
        """Write into the audit log what this request does, in the transaction that does it."""
        audit.record(db, actor=self.actor, action=action, target=target, now=self.now, **details)

    def audit_token(
        self, db: Connection, action: str, token: AccessToken | RefreshToken, **details: Any
    ) -> None:
        """Write into the audit log what this request does to a token."""
        audit.record_token(db, action, token, actor=self.actor, now=self.now, **details)

    @property
    def actor(self) -> Actor:
        """Who does what this request does, as the audit log has it."""
        return Actor(self.user.qualified_name, Via.PORTAL)
