"""Users of the built-in user store, and their passwords (argon2id)."""

import shlex
from collections.abc import Iterable
from sqlite3 import Connection

from apimctl.domain.models import ADMIN, PRIMARY, User
from apimctl.domain.names import check_name, check_role
from apimctl.errors import ConflictError, DeniedError, InvalidInputError, NotFoundError
from apimctl.services import attempts
from apimctl.services.identifiers import RandomBytes, new_id
from apimctl.tables import applications, user_roles, users, web_sessions
from apimctl.tables.changes import ChangeKind, announce

LONGEST_PASSWORD = 1024

_HASH_OF_NOBODY = (
    "$argon2id$v=19$m=65536,t=3,p=4$SpcUfRXABjUfUycoWpRO/A$"
    "sUupBcRfeLyUGDltMdGqlW88l6qLGMueZqCALRpIzLc"
)
"""Of 256 random bits that nobody kept: an unknown user takes as long as a wrong password."""


def require(db: Connection, name: str) -> User:
    """Return the user of that name. Raises NotFoundError."""
    user = find(db, name)
    if user is None:
        raise NotFoundError(
            f"there is no user {name!r}", hint="apimctl user list shows them; create adds one."
        )
    return user


def find(db: Connection, name: str) -> User | None:
    """Return the user of that name, which may carry the built-in user store (``PRIMARY/alice``)."""
    return users.find(db, name.removeprefix(f"{PRIMARY}/"), userstore=PRIMARY)


def list_all(db: Connection) -> list[User]:
    """Return all users by user store and name."""
    return users.list_all(db)


def create(
    db: Connection,
    name: str,
    *,
    password_hash: str | None,
    roles: Iterable[str] = (),
    now: int,
    random: RandomBytes,
) -> User:
    """Add a user. Raises as `check_is_free` and `set_roles`."""
    user = User(new_id(random), check_is_free(db, name), PRIMARY, password_hash, now)
    users.insert(db, user)
    set_roles(db, user, roles)
    return user


def check_is_free(db: Connection, name: str) -> str:
    """Return the name if a user may have it.

    Raises ConflictError if it is taken, InvalidInputError.
    """
    name = check_name(name, what="user", without="/:")
    if find(db, name):
        raise ConflictError(
            f"there is a user {name!r} already",
            hint=f"Set a new password: apimctl user password {shlex.quote(name)}",
        )
    return name


def rename(db: Connection, name: str, new_name: str) -> User:
    """Give a user another name; tokens and applications stay. Raises as `create`."""
    user = require(db, name)
    new_name = check_name(new_name, what="user", without="/:")
    if user.name == ADMIN:
        raise DeniedError("admin keeps its name", hint="Create another user instead.")
    taken = find(db, new_name)
    if taken and taken.id != user.id:
        raise ConflictError(f"there is a user {new_name!r} already", hint="Choose another name.")
    users.rename(db, user.id, new_name)
    return require(db, new_name)


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

    Raises NotFoundError.
    """
    user = require(db, name)
    users.set_password_hash(db, user.id, password_hash)
    web_sessions.delete_of_user(db, user.id)
    attempts.forgive_user(db, user.qualified_name)
    return user


def delete(db: Connection, name: str) -> User:
    """Remove a user, whose tokens stop with the next request.

    Raises NotFoundError, DeniedError for admin, ConflictError if the user owns applications.
    """
    user = require(db, name)
    if user.name == ADMIN:
        raise DeniedError("admin cannot be deleted", hint="Take away its password instead.")
    if owned := applications.count_owned(db, user.id):
        raise ConflictError(
            f"{name!r} owns {owned} application{'s' if owned > 1 else ''}",
            hint=f"Delete them first: apimctl app list --owner {shlex.quote(name)}",
        )
    announce(db, ChangeKind.TOKENS_OF_USER, user.id)
    users.delete(db, user.id)
    return user


def hash_password(password: str) -> str:
    """Return the argon2id hash of a password: some 50 ms and 64 MiB (RFC 9106 section 4).

    Raises InvalidInputError for an empty or a very long one.
    """
    from argon2 import PasswordHasher  # noqa: PLC0415 - only passwords need it

    if not password:
        raise InvalidInputError("the password is empty", hint="Give one of 8 characters or more.")
    if len(password) > LONGEST_PASSWORD:
        raise InvalidInputError(
            f"the password is {len(password)} characters long",
            hint=f"Use at most {LONGEST_PASSWORD}.",
        )
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
