"""User stores: PRIMARY, further built-in ones, LDAP directories. SPEC section 7."""

from dataclasses import dataclass, fields, replace
from pathlib import Path
from sqlite3 import Connection
from typing import Any

from apimctl import sealing
from apimctl.domain.ldap import LdapSettings, check_settings
from apimctl.domain.models import PRIMARY
from apimctl.domain.names import printable
from apimctl.domain.userstores import PRIMARY_STORE, UserStore, UserStoreType, check_domain
from apimctl.errors import (
    ConflictError,
    DeniedError,
    InvalidInputError,
    NotFoundError,
    UserStoreError,
)
from apimctl.tables import users, userstores


@dataclass(frozen=True, slots=True)
class LdapForm:
    """What an administrator says of a directory. None: the default, or as it is; "" takes away."""

    url: str | None = None
    user_dn_template: str | None = None
    search_base: str | None = None
    search_filter: str | None = None
    bind_dn: str | None = None
    start_tls: bool | None = None
    without_tls: bool | None = None
    ca_file: str | None = None
    timeout_seconds: int | None = None
    group_base: str | None = None
    group_filter: str | None = None
    group_attribute: str | None = None

    @property
    def said(self) -> dict[str, Any]:
        """What was said, by name."""
        named = {field.name: getattr(self, field.name) for field in fields(self)}
        return {name: value for name, value in named.items() if value is not None}


def require(db: Connection, domain: str) -> UserStore:
    """Return the user store of that domain, in capitals or not. Raises NotFoundError."""
    wanted = domain.strip().upper()
    found = PRIMARY_STORE if wanted == PRIMARY else userstores.find(db, wanted)
    if found is None:
        raise NotFoundError(
            f"there is no user store {printable(domain)!r}",
            hint="apimctl userstore list shows them; create adds one.",
        )
    return found


def list_all(db: Connection) -> list[UserStore]:
    """Return all user stores, PRIMARY first."""
    return [PRIMARY_STORE, *userstores.list_all(db)]


def count_users(db: Connection, store: UserStore) -> int:
    """Return how many users of a store are known here: of a directory, those who logged in."""
    return users.count_of(db, store.domain)


def check_is_free(db: Connection, domain: str) -> str:
    """Return the domain in capitals if a user store may be called so.

    Raises ConflictError, InvalidInputError.
    """
    domain = check_domain(domain)
    if domain == PRIMARY:
        raise ConflictError(f"{PRIMARY} is always there", hint="Choose another domain.")
    if userstores.find(db, domain):
        raise ConflictError(
            f"there is a user store {domain} already",
            hint=f"Change it: apimctl userstore update {domain}",
        )
    return domain


def create(
    db: Connection,
    domain: str,
    *,
    form: LdapForm,
    store_type: UserStoreType,
    sealed_bind_password: str | None,
    now: int,
) -> UserStore:
    """Add a user store. Raises as `check_is_free`."""
    made = UserStore(check_is_free(db, domain), store_type, now)
    if store_type is UserStoreType.LDAP:
        settings = LdapSettings(**{"url": "", **form.said})
        made = _checked(made, settings, sealed_bind_password)
    elif form.said or sealed_bind_password:
        raise InvalidInputError(
            "a built-in user store has no settings", hint="Say --type ldap for a directory."
        )
    userstores.insert(db, made)
    return made


def update(
    db: Connection, domain: str, form: LdapForm, *, sealed_bind_password: str | None
) -> UserStore:
    """Change how a directory is asked, from the next log-in on.

    Raises NotFoundError, InvalidInputError, DeniedError for a built-in one.
    """
    store = require(db, domain)
    if store.ldap is None:
        raise DeniedError(
            f"{store.domain} is built in and has no settings",
            hint="Another user store: apimctl userstore create DOMAIN --type ldap",
        )
    changed = replace(store.ldap, **form.said)
    # Without the name it belongs to, a password is of no use.
    kept = store.sealed_bind_password if changed.bind_dn else None
    store = _checked(store, changed, sealed_bind_password or kept)
    userstores.update(db, store)
    return store


def seal_bind_password(store_path: Path, domain: str, password: str) -> str:
    """Return the bind password as the store may hold it. Raises OSError, StoreUnreadableError."""
    return sealing.seal(store_path, password, purpose=_purpose(check_domain(domain)))


def unseal_bind_password(store_path: Path, store: UserStore) -> str:
    """Return the bind password, empty where there is none. Raises StoreUnreadableError."""
    if store.sealed_bind_password is None:
        return ""
    return sealing.unseal(store_path, store.sealed_bind_password, purpose=_purpose(store.domain))


def _purpose(domain: str) -> str:
    return f"bind password of the user store {domain}"


def _checked(
    store: UserStore, settings: LdapSettings, sealed_bind_password: str | None
) -> UserStore:
    from apimctl.directory.people import check_filter  # noqa: PLC0415 - only directories need it

    check_settings(settings)
    check_filter(settings.user_filter("x"), what="search filter")
    check_filter(settings.groups_filter("x", "x"), what="group filter")
    if settings.ca_file:
        _check_ca_file(settings.ca_file)
    if bool(settings.bind_dn) != bool(sealed_bind_password):
        raise InvalidInputError(
            "bind DN and bind password belong together",
            hint="Give --bind-dn DN and pipe the password in, with --bind-password-stdin.",
        )
    return replace(store, ldap=settings, sealed_bind_password=sealed_bind_password)


def _check_ca_file(path: str) -> None:
    from apimctl.directory.connection import trusted  # noqa: PLC0415 - only directories need it

    try:
        trusted(path)
    except UserStoreError as error:
        raise InvalidInputError(error.message, hint=error.hint) from None
