"""The two panels of an application, Production and Sandbox: its keys as they are.

Every form of a key carries the fingerprint of what it is about to change, and of no more: who
changes the domains on one page may still re-generate on another.
"""

from dataclasses import dataclass
from sqlite3 import Connection

from apimctl.domain.models import Application, Key, KeyType
from apimctl.errors import NotFoundError
from apimctl.portal.visits import Visit, fingerprint
from apimctl.services import storefront
from apimctl.services.storefront import KeyState

APPLICATION_PATH = "/store/subscriptions/{application}"
PATH = f"{APPLICATION_PATH}/{{key_type}}"


@dataclass(frozen=True, slots=True)
class Panel:
    """A key type of an application. `state` is None where it has no such key."""

    application: Application
    key_type: KeyType
    state: KeyState | None

    @property
    def path(self) -> str:
        """The address below which its forms are sent."""
        return PATH.format(application=self.application.id, key_type=self.key_type.lower())

    @property
    def seen_settings(self) -> str:
        """What the form has seen that changes domains and validity."""
        key = self.key
        return fingerprint(key.consumer_key, key.allowed_domains, key.validity_seconds)

    @property
    def seen_token(self) -> str:
        """What a form has seen that ends the current token."""
        return fingerprint(self.key.consumer_key, self.key.current_token_id)

    @property
    def seen_secret(self) -> str:
        """What the form has seen that ends the secret."""
        secrets = self.state.secrets if self.state else ()
        return fingerprint(self.key.consumer_key, *(each.digest for each in secrets[:1]))

    @property
    def seen_key(self) -> str:
        """What the form has seen that deletes the key."""
        return fingerprint(self.key.consumer_key)

    @property
    def key(self) -> Key:
        """The key. Raises NotFoundError."""
        if self.state is None:
            raise NotFoundError(
                f"There is no {self.key_type.lower()} key",
                hint="It may have been deleted since the page was shown. Nothing was done.",
            )
        return self.state.key


def list_of(db: Connection, application: Application, *, now: int) -> list[Panel]:
    """Return the panels of an application, production first."""
    states = storefront.key_states(db, application, now=now)
    return [Panel(application, key_type, states.get(key_type)) for key_type in KeyType]


def find(visit: Visit, db: Connection) -> Panel:
    """Return the panel that an address names. Raises NotFoundError."""
    application = require_application(visit, db)
    for panel in list_of(db, application, now=visit.now):
        if panel.key_type.lower() == visit.places["key_type"]:
            return panel
    raise NotFoundError("There is no such kind of key")


def require_application(visit: Visit, db: Connection) -> Application:
    """Return the application that an address names. Raises NotFoundError."""
    return storefront.require_application(db, visit.places["application"], owner=visit.reach)
