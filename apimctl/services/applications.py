"""Applications: what subscribes and holds keys."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass, replace
from sqlite3 import Connection
from typing import Any

from apimctl.domain.models import (
    ADMIN,
    DEFAULT_APPLICATION,
    UNLIMITED,
    Application,
    GrantType,
    TokenFormat,
    User,
)
from apimctl.domain.names import check_name, check_text
from apimctl.domain.redirects import check_redirect_uri
from apimctl.errors import ConflictError, DeniedError, NotFoundError
from apimctl.services import tiers, users
from apimctl.services.identifiers import RandomBytes, new_id
from apimctl.tables import applications, keys
from apimctl.tables.changes import ChangeKind, announce

MOST_OF_ONE_SUBSCRIBER = 100
"""That users make for themselves: their pages list them all, and others wait while they do."""


def resolve(db: Connection, name: str, *, owner: str | None = None) -> Application:
    """Return the application of that name, of that owner if one is named.

    Raises NotFoundError, ConflictError where several owners have one of that name.
    """
    found = applications.list_named(db, name)
    if owner is not None:
        owner_id = users.require(db, owner).id
        found = [application for application in found if application.owner_id == owner_id]
    elif name == DEFAULT_APPLICATION:
        # Other users may have one of that name, too; the one every command falls back on is ours.
        found = [application for application in found if is_default(application)] or found
    if len(found) == 1:
        return found[0]
    if not found:
        whose = f" of {owner}" if owner else ""
        raise NotFoundError(
            f"there is no application {name!r}{whose}",
            hint="apimctl app list shows them all; apimctl app create adds one.",
        )
    raise ConflictError(
        f"{len(found)} users have an application {name!r}",
        hint=f"Say whose: --owner {' or --owner '.join(one.owner for one in found)}.",
    )


def is_default(application: Application) -> bool:
    """Return whether it is the one that every command falls back on."""
    return (application.name, application.owner) == (DEFAULT_APPLICATION, ADMIN)


def list_all(db: Connection) -> list[Application]:
    """Return all applications by name and owner."""
    return applications.list_all(db)


def count_owned(db: Connection, owner: User) -> int:
    """Return how many applications a user owns."""
    return applications.count_owned(db, owner.id)


def check_may_have_more(db: Connection, owner: User) -> None:
    """Raise ConflictError if a user has as many as users may make for themselves.

    Administrators are not held to it, and may make more for others.
    """
    if applications.count_owned(db, owner.id) >= MOST_OF_ONE_SUBSCRIBER:
        raise ConflictError(
            f"You have {MOST_OF_ONE_SUBSCRIBER} applications or more already",
            hint="Delete one that you do not need, or ask an administrator for another.",
        )


def choose(db: Connection, name: str | None, *, owner: str | None) -> list[Application]:
    """Return the applications a list is narrowed to: the named one, the owner's, or all.

    Raises as `resolve`.
    """
    if name is not None:
        return [resolve(db, name, owner=owner)]
    found = applications.list_all(db)
    if owner is None:
        return found
    owner_id = users.require(db, owner).id
    return [application for application in found if application.owner_id == owner_id]


def may_use(application: Application, grant: GrantType, *, allowed: Collection[GrantType]) -> bool:
    """Return whether its keys may ask for the grant; `allowed` are those of the Login API."""
    return grant in allowed and (application.grants is None or grant in application.grants)


@dataclass(frozen=True, slots=True)
class ApplicationForm:
    """What a user says of an application. None: the default, or as it is.

    An empty list of `callback_urls` takes them away, an empty one of `grants` allows all again.
    """

    tier: str | None = None
    description: str | None = None
    callback_urls: Sequence[str] | None = None
    grants: Collection[GrantType] | None = None
    token_format: TokenFormat | None = None
    is_public: bool | None = None


def create(
    db: Connection,
    name: str,
    *,
    owner: str,
    form: ApplicationForm,
    now: int,
    random: RandomBytes,
) -> Application:
    """Add an application. Raises ConflictError if its owner has one of that name already."""
    user = users.require(db, owner)
    application = Application(
        id=new_id(random),
        name=check_name(name, what="application"),
        owner_id=user.id,
        owner=user.qualified_name,
        tier=UNLIMITED,
        description="",
        created_at=now,
    )
    application = _filled_in(db, application, form)
    _check_name_is_free(db, application)
    applications.insert(db, application)
    return application


def update(
    db: Connection, application: Application, form: ApplicationForm, *, name: str | None = None
) -> Application:
    """Change an application. One that becomes public loses its consumer secrets at once.

    Raises as `create`, and DeniedError for another name of the one every command falls back on.
    """
    if name is not None:
        name = check_name(name, what="application")
        if is_default(application) and name != application.name:
            raise DeniedError(
                f"{DEFAULT_APPLICATION} keeps its name", hint="Create another application."
            )
        application = replace(application, name=name)
        _check_name_is_free(db, application)
    application = _filled_in(db, application, form)
    applications.update(db, application)
    if application.is_public:
        keys.delete_secrets_of_application(db, application.id)
    announce(db, ChangeKind.APPLICATION, application.id)
    return application


def delete(db: Connection, application: Application) -> None:
    """Remove an application with its keys and subscriptions; its tokens stop at once.

    Raises DeniedError for the one that every command falls back on.
    """
    if is_default(application):
        raise DeniedError(
            f"{DEFAULT_APPLICATION} cannot be deleted",
            hint="Delete its keys and subscriptions instead.",
        )
    for key in keys.list_of_application(db, application.id):
        announce(db, ChangeKind.KEY, key.consumer_key)
    announce(db, ChangeKind.SUBSCRIPTIONS, application.id)
    applications.delete(db, application.id)


def _filled_in(db: Connection, application: Application, form: ApplicationForm) -> Application:
    changed: dict[str, Any] = {}
    if form.tier is not None:
        changed["tier"] = tiers.require(db, form.tier).name
    if form.description is not None:
        changed["description"] = check_text(form.description, what="description")
    if form.callback_urls is not None:
        urls = [check_redirect_uri(url, what="callback URL") for url in form.callback_urls if url]
        changed["callback_urls"] = tuple(dict.fromkeys(urls))
    if form.grants is not None:
        changed["grants"] = frozenset(form.grants) or None
    if form.token_format is not None:
        changed["token_format"] = form.token_format
    if form.is_public is not None:
        changed["is_public"] = form.is_public
    return replace(application, **changed)


def _check_name_is_free(db: Connection, application: Application) -> None:
    for other in applications.list_named(db, application.name):
        if other.owner_id == application.owner_id and other.id != application.id:
            raise ConflictError(
                f"{application.owner} has an application {application.name!r} already",
                hint="Choose another name, or another --owner.",
            )
