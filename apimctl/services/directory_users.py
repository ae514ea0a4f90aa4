"""Users of directories: known here from their first log-in on, so that tokens can refer to them.

Passwords never come here. Where groups are asked for, those of the last log-in are roles, written
as WSO2 does (``FOO.COM/editors``): no group of a directory can be the role of that name here.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from sqlite3 import Connection

from apimctl.domain.models import Actor, User, Via
from apimctl.domain.names import check_role
from apimctl.domain.userstores import UserStore, check_user_name, split_name
from apimctl.errors import (
    ApimctlError,
    ConflictError,
    DeniedError,
    InvalidInputError,
    NotFoundError,
)
from apimctl.services import audit, users, userstores
from apimctl.services.identifiers import RandomBytes, new_id
from apimctl.tables import user_roles
from apimctl.tables import users as user_table
from apimctl.tables import userstores as user_store_table


@dataclass(frozen=True, slots=True)
class Typed:
    """A name that was typed, and the directory that is asked about it."""

    store: UserStore
    name: str


@dataclass(frozen=True, slots=True)
class Checked:
    """What a directory said when it was tried out. Roles are None where nobody logged in."""

    tls_version: str | None
    user_name: str | None = None
    user_dn: str | None = None
    roles: tuple[str, ...] | None = None


def directory_of(db: Connection, username: str) -> Typed | None:
    """Return whom to ask about a user, None if the password is kept here, or nobody knows."""
    domain, name = split_name(username)
    store = user_store_table.find(db, domain)
    if store is None or store.ldap is None:
        return None
    return Typed(store, " ".join(name.split()))


def admit(
    db: Connection,
    store: UserStore,
    *,
    name: str,
    groups: Iterable[str] | None,
    now: int,
    random: RandomBytes,
) -> User | None:
    """Return the user whose password the directory has found right, made at the first log-in.

    None if the user store is no directory by now, or the name is none a user may have.
    """
    try:
        name = check_user_name(store.name_of(name))
    except InvalidInputError:
        return None
    found = user_store_table.find(db, store.domain)
    if found is None or found.ldap is None:
        return None
    user = user_table.find(db, name, userstore=store.domain)
    if user is None:
        user = User(new_id(random), name, store.domain, None, now)
        user_table.insert(db, user)
        actor = Actor(user.qualified_name, Via.LOGIN_API)
        audit.record(db, actor=actor, action="user.create", target=user.qualified_name, now=now)
    if groups is not None:
        before = users.roles_of(db, user)
        given_here = [role for role in before if not role.startswith(_prefix(store))]
        roles = tuple(sorted({*given_here, *roles_from(store, groups)}))
        if roles != before:
            user_roles.replace(db, user.id, roles)
    return user


def roles_from(store: UserStore, groups: Iterable[str]) -> tuple[str, ...]:
    """Return the roles that groups of this store are, by name.

    A group whose name has a space or a comma is none.
    """
    return tuple(sorted({_prefix(store) + group for group in groups if _is_role(store, group)}))


def _prefix(store: UserStore) -> str:
    return f"{store.domain}/"


def _is_role(store: UserStore, group: str) -> bool:
    role = _prefix(store) + group
    try:
        return bool(group) and check_role(role) == role
    except InvalidInputError:
        return False


def try_out(
    store_path: Path, store: UserStore, *, user: str | None = None, password: str | None = None
) -> Checked:
    """Ask a directory as a log-in would, and return what it said.

    Raises UserStoreError, NotFoundError for an unknown user, DeniedError for a wrong password,
    ConflictError if several have the name, and for a store that is no directory.
    """
    import asyncio  # noqa: PLC0415 - only directories need it

    from apimctl.directory.people import Directory, Person, Refusal  # noqa: PLC0415 - as above

    if store.ldap is None:
        raise ConflictError(
            f"{store.domain} is built in: there is nothing to connect to",
            hint="apimctl userstore list shows which ones are directories.",
        )
    settings = store.ldap
    bind_password = userstores.unseal_bind_password(store_path, store)

    async def ask() -> tuple[str | None, Person | Refusal | None]:
        directory = Directory(settings, bind_password)
        try:
            tls_version = await directory.check()
            if user is None or password is None:
                return tls_version, None
            return tls_version, await directory.log_in(user, password)
        finally:
            directory.close()

    tls_version, person = asyncio.run(ask())
    if person is None:
        return Checked(tls_version)
    if isinstance(person, Refusal):
        errors: dict[Refusal, type[ApimctlError]] = {
            Refusal.UNKNOWN: NotFoundError,
            Refusal.AMBIGUOUS: ConflictError,
            Refusal.WRONG_PASSWORD: DeniedError,
        }
        raise errors[person](f"{user} of {store.domain}: {person}", hint=_HINTS[person.name])
    return Checked(
        tls_version, store.name_of(person.name), person.dn, roles_from(store, person.groups or ())
    )


_HINTS = {
    "UNKNOWN": "Look at --search-base and --search-filter.",
    "AMBIGUOUS": "Let --search-filter find one: nobody logs in where several could be meant.",
    "WRONG_PASSWORD": "With --user-dn-template, look at the template, too.",
}
