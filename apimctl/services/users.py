"""Users, and the passwords that are kept here (argon2id).

A name may carry its user store (``FOO.COM/alice``); one that carries none is PRIMARY's.
"""

import shlex
from collections.abc import Iterable
from dataclasses import replace
from sqlite3 import Connection

from apimctl.domain.attempts import folded
from apimctl.domain.models import ADMIN, PRIMARY, User
from apimctl.domain.names import check_role
from apimctl.domain.userstores import (
    UserStore,
    UserStoreType,
    check_is_of_one_script,
    check_user_name,
    split_name,
)
from apimctl.errors import ConflictError, DeniedError, InvalidInputError, NotFoundError
from apimctl.services import attempts, userstores
from apimctl.services.identifiers import RandomBytes, new_id
from apimctl.tables import applications, user_roles, users, web_sessions
from apimctl.tables import userstores as user_store_table
from apimctl.tables.changes import ChangeKind, announce

LONGEST_PASSWORD = 1024

_HASH_OF_NOBODY = (
    "$argon2id$v=19$m=65536,t=3,p=4$SpcUfRXABjUfUycoWpRO/A$"
    "sUupBcRfeLyUGDltMdGqlW88l6qLGMueZqCALRpIzLc"
)
"""Of 256 random bits that nobody kept: an unknown user takes as long as a wrong password."""


def require(db: Connection, name: str) -> User:
    """Return the user of that name. Raises NotFoundError."""
    store, bare = _split(db, name)
    user = users.find(db, bare, userstore=store.domain)
    if user is None:
        raise NotFoundError(
            f"there is no user {name!r}", hint="apimctl user list shows them; create adds one."
        )
    return user


def require_by_id(db: Connection, user_id: str) -> User:
    """Return the user with that id. Raises NotFoundError."""
    user = users.get(db, user_id)
    if user is None:
        raise NotFoundError("there is no such user", hint="The user may have been deleted.")
    return user


def find(db: Connection, name: str) -> User | None:
    """Return the user of that name, which may carry the user store (``FOO.COM/alice``)."""
    try:
        return require(db, name)
    except NotFoundError:
        return None


def list_all(db: Connection, *, userstore: str | None = None) -> list[User]:
    """Return all users by user store and name, or those of one store. Raises NotFoundError."""
    if userstore is None:
        return users.list_all(db)
    return users.list_of(db, userstores.require(db, userstore).domain)


def create(
    db: Connection,
    name: str,
    *,
    password_hash: str | None,
    roles: Iterable[str] = (),
    now: int,
    random: RandomBytes,
) -> User:
    """Add a user to the store that the name carries, or to PRIMARY.

    Raises as `check_is_free` and `set_roles`.
    """
    domain, name = check_is_free(db, name)
    user = User(new_id(random), name, domain, password_hash, now)
    users.insert(db, user)
    set_roles(db, user, roles)
    return user


def check_is_free(db: Connection, name: str) -> tuple[str, str]:
    """Return user store and name if a user may have them.

    Raises ConflictError if the name is taken or the directory's to give, NotFoundError for an
    unknown user store, InvalidInputError.
    """
    store, bare = _split(db, name)
    _refuse_directory(store, "users are added")
    bare = check_user_name(bare)
    if taken := users.find(db, bare, userstore=store.domain):
        raise ConflictError(
            f"there is a user {taken.qualified_name!r} already",
            hint=f"Set a new password: apimctl user password {shlex.quote(taken.qualified_name)}",
        )
    return store.domain, bare


def sign_up(
    db: Connection, name: str, *, password_hash: str, now: int, random: RandomBytes
) -> User:
    """Add a user of PRIMARY without roles, for whom nobody vouches.

    Raises as `check_may_sign_up`.
    """
    name = check_may_sign_up(db, name)
    return create(db, name, password_hash=password_hash, now=now, random=random)


def check_may_sign_up(db: Connection, name: str) -> str:
    """Return the name if a stranger may have it in PRIMARY.

    Wrong passwords are counted for all spellings of a name together, and right ones forgive them:
    a stranger with another spelling of it could guess the password of its user for ever. Nor may a
    name look like another's by letters of another script. Raises ConflictError if the name is
    taken, InvalidInputError for one that has other spellings or letters of several scripts.
    """
    name = check_user_name(name)
    plain = folded(name)
    if plain != name:
        raise InvalidInputError(
            "the user name has capital letters, or others with a plainer form",
            hint=f"Take {plain!r}." if plain else "Use small letters and digits.",
        )
    check_is_of_one_script(name)
    others = users.list_unusual_names(db, PRIMARY)
    if users.find(db, name, userstore=PRIMARY) or name in map(folded, others):
        raise ConflictError("there is a user of that name already", hint="Choose another one.")
    return name


def rename(db: Connection, name: str, new_name: str) -> User:
    """Give a user another name in the same user store; tokens and applications stay.

    Raises as `create`.
    """
    user = require(db, name)
    store = userstores.require(db, user.userstore)
    _refuse_directory(store, "users are renamed")
    new_name = check_user_name(new_name)
    if user.qualified_name == ADMIN:
        raise DeniedError("admin keeps its name", hint="Create another user instead.")
    taken = users.find(db, new_name, userstore=store.domain)
    if taken and taken.id != user.id:
        raise ConflictError(
            f"there is a user {taken.qualified_name!r} already", hint="Choose another name."
        )
    users.rename(db, user.id, new_name)
    return replace(user, name=new_name)


def require_password_here(db: Connection, name: str) -> User:
    """Return the user if the password is kept here. Raises NotFoundError, ConflictError."""
    user = require(db, name)
    _refuse_directory(userstores.require(db, user.userstore), "passwords are set")
    return user


def roles_of(db: Connection, user: User) -> tuple[str, ...]:
    """Return a user's roles, by name."""
    return user_roles.list_of(db, user.id)


def list_roles(db: Connection) -> dict[str, tuple[str, ...]]:
    """Return the roles of all users who have any, by the user's id."""
    return user_roles.list_by_user(db)


def set_roles(db: Connection, user: User, roles: Iterable[str]) -> None:
    """Give a user these roles and no others; an empty one counts as none.

    They count when a token is issued or renewed. Raises InvalidInputError.
    """
    user_roles.replace(db, user.id, [check_role(role) for role in roles if role])


def set_password_hash(db: Connection, name: str, password_hash: str) -> User:
    """Replace a user's password, and log the user out of every browser; wrong ones are forgotten.

    Raises as `require_password_here`.
    """
    user = require_password_here(db, name)
    users.set_password_hash(db, user.id, password_hash)
    web_sessions.delete_of_user(db, user.id)
    attempts.forgive_user(db, user.qualified_name)
    return replace(user, password_hash=password_hash)


def check_is_another(user: User, *, by: User, what: str) -> None:
    """Raise ConflictError if an administrator is about to do this to themselves.

    So there is always an administrator left, whatever administrators do in the API Store.
    """
    if user.id == by.id:
        raise ConflictError(f"you cannot {what} yourself", hint="Another administrator can.")


def delete(db: Connection, name: str) -> User:
    """Remove a user, whose tokens stop with the next request.

    Raises NotFoundError, DeniedError for admin, ConflictError if the user owns applications.
    """
    user = require(db, name)
    if user.qualified_name == ADMIN:
        raise DeniedError("admin cannot be deleted", hint="Take away its password instead.")
    if owned := applications.count_owned(db, user.id):
        raise ConflictError(
            f"{user.qualified_name!r} owns {owned} application{'s' if owned > 1 else ''}",
            hint=f"Delete them first: apimctl app list --owner {shlex.quote(user.qualified_name)}",
        )
    announce(db, ChangeKind.TOKENS_OF_USER, user.id)
    users.delete(db, user.id)
    return user


def check_store_may_go(db: Connection, domain: str, *, with_users: bool) -> UserStore:
    """Return the user store.

    Raises NotFoundError, DeniedError for PRIMARY, ConflictError if it has users who may not go.
    """
    store = userstores.require(db, domain)
    if store.domain == PRIMARY:
        raise DeniedError(f"{PRIMARY} is always there", hint="Delete its users instead.")
    count = users.count_of(db, store.domain)
    if count and not with_users:
        raise ConflictError(
            f"{store.domain} has {count} user{'s' if count > 1 else ''}",
            hint=f"apimctl user list --userstore {store.domain} shows them;"
            " --with-users deletes them and ends their tokens.",
        )
    return store


def delete_store(db: Connection, domain: str, *, with_users: bool) -> UserStore:
    """Remove a user store with its users, whose tokens stop with the next request.

    Raises as `check_store_may_go`, and ConflictError if one of them owns applications.
    """
    store = check_store_may_go(db, domain, with_users=with_users)
    for user in users.list_of(db, store.domain):
        delete(db, user.qualified_name)
    user_store_table.delete(db, store.domain)
    return store


def is_anybody_able_to_log_in(db: Connection) -> bool:
    """Return whether a user has a password here, or may have one in a directory."""
    stores = userstores.list_all(db)
    return users.has_password(db) or any(s.type is not UserStoreType.BUILT_IN for s in stores)


def check_password(password: str) -> None:
    """Raise InvalidInputError for a password that nobody may have: an empty or a very long one."""
    if not password:
        raise InvalidInputError("the password is empty", hint="Give one of 8 characters or more.")
    if len(password) > LONGEST_PASSWORD:
        raise InvalidInputError(
            f"the password is {len(password)} characters long",
            hint=f"Use at most {LONGEST_PASSWORD}.",
        )


def hash_password(password: str) -> str:
    """Return the argon2id hash of a password: some 50 ms and 64 MiB (RFC 9106 section 4).

    Raises as `check_password`.
    """
    from argon2 import PasswordHasher  # noqa: PLC0415 - only passwords need it

    check_password(password)
    return PasswordHasher().hash(password)


def is_password(user: User | None, password: str) -> bool:
    """Return whether this is the user's password.

    No user, one without a password and a password that is too long take as long as a wrong one.
    """
    from argon2 import PasswordHasher  # noqa: PLC0415 - only passwords need it
    from argon2.exceptions import VerificationError  # noqa: PLC0415 - as above

    known = user.password_hash if user and len(password) <= LONGEST_PASSWORD else None
    try:
        matches = PasswordHasher().verify(known or _HASH_OF_NOBODY, password[:LONGEST_PASSWORD])
    except VerificationError:
        return False
    return matches and known is not None


def _split(db: Connection, name: str) -> tuple[UserStore, str]:
    """Return the user store that the name carries, and the rest. Raises NotFoundError."""
    domain, bare = split_name(name)
    store = userstores.require(db, domain)
    return store, store.name_of(bare)


def _refuse_directory(store: UserStore, what: str) -> None:
    if store.type is not UserStoreType.BUILT_IN:
        raise ConflictError(
            f"the users of {store.domain} live in its directory",
            hint=f"There {what}, not here.",
        )
