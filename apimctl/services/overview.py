"""What an administrator sees of everybody's: page by page, a few queries, however much there is."""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from sqlite3 import Connection
from typing import Generic, TypeVar

from apimctl.domain.models import Api, Application, User
from apimctl.services import apis
from apimctl.tables import applications, subscriptions, user_roles, users

PAGE_ROWS = 50

_Row = TypeVar("_Row")


@dataclass(frozen=True, slots=True)
class Slice(Generic[_Row]):
    """The rows of one page of a list; pages are counted from 1, `total` is of all of them."""

    rows: Sequence[_Row]
    page: int
    total: int

    @property
    def pages(self) -> int:
        """How many pages there are: an empty list has one."""
        return _pages_of(self.total)


@dataclass(frozen=True, slots=True)
class KnownUser:
    """A user in a list, with roles, and how many applications are the user's."""

    user: User
    roles: tuple[str, ...]
    applications: int


@dataclass(frozen=True, slots=True)
class KnownApplication:
    """An application in a list, with how many subscriptions and keys it has."""

    application: Application
    subscriptions: int
    keys: int


@dataclass(frozen=True, slots=True)
class KnownApi:
    """An API in a list, with how many subscriptions there are to it."""

    api: Api
    subscriptions: int


def list_users(
    db: Connection, *, search: str, userstore: str | None, page: int
) -> Slice[KnownUser]:
    """Return a page of the users whose name holds a text, by user store and name.

    None stands for all user stores. What is no page is the nearest one.
    """
    total = users.count_found(db, search=search, userstore=userstore)
    page = _nearest(page, total)
    found = users.list_found(
        db, search=search, userstore=userstore, limit=PAGE_ROWS, offset=_offset(page)
    )
    roles = user_roles.list_of_users(db, [user.id for user, _ in found])
    rows = [KnownUser(user, roles.get(user.id, ()), owned) for user, owned in found]
    return Slice(rows, page, total)


def list_applications(db: Connection, *, search: str, page: int) -> Slice[KnownApplication]:
    """Return a page of the applications in whose name or owner's a text is found, by name.

    What is no page is the nearest one.
    """
    total = applications.count_found(db, search=search)
    page = _nearest(page, total)
    found = applications.list_found(db, search=search, limit=PAGE_ROWS, offset=_offset(page))
    return Slice([KnownApplication(*row) for row in found], page, total)


def list_apis(db: Connection, *, search: str, page: int) -> Slice[KnownApi]:
    """Return a page of the APIs, of every state, in whose name or context a text is found.

    What is no page is the nearest one.
    """
    wanted = search.casefold()
    found = [api for api in apis.list_all(db) if wanted in f"{api.name} {api.context}".casefold()]
    page = _nearest(page, len(found))
    counts = subscriptions.count_by_api(db)
    shown = found[_offset(page) :][:PAGE_ROWS]
    return Slice([KnownApi(api, counts.get(api.id, 0)) for api in shown], page, len(found))


def _pages_of(total: int) -> int:
    return max(1, math.ceil(total / PAGE_ROWS))


def _nearest(page: int, total: int) -> int:
    return min(max(1, page), _pages_of(total))


def _offset(page: int) -> int:
    return (page - 1) * PAGE_ROWS
