"""Every address of the API Store: who may go there, what it shows, what it does.

An address that is not in this table does not exist, and none is open that does not say so.
"""

from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass
from enum import Enum, auto
from sqlite3 import Connection
from typing import Any
from urllib.parse import unquote

from apimctl.errors import NotFoundError
from apimctl.portal.replies import Reply
from apimctl.portal.tools import Tools
from apimctl.portal.visits import Visit

Show = Callable[[Visit, Connection], Reply]
Act = Callable[[Visit, Connection], Reply]
Prepare = Callable[[Tools, Visit], Awaitable[Any]]


def no_such_page() -> NotFoundError:
    """Return the error for an address that leads nowhere."""
    return NotFoundError("There is no such page", hint="The address may be mistyped.")


class Access(Enum):
    """Who may go somewhere."""

    ANYBODY = auto()
    SUBSCRIBER = auto()
    """Whoever is logged in; of the rest, what is theirs."""
    ADMIN = auto()


@dataclass(frozen=True, slots=True)
class Post:
    """A form that is sent: `act` does it in one transaction, all or nothing.

    `again` is the page that shows it again where it is refused. `prepare` is for what takes long
    and needs no transaction: its result is the visit's `prepared`. One that does not `write` reads.
    """

    act: Act
    again: Show
    prepare: Prepare | None = None
    writes: bool = True


@dataclass(frozen=True, slots=True)
class Route:
    """An address: ``/store/applications/{id}``."""

    path: str
    access: Access
    show: Show | None = None
    post: Post | None = None

    @property
    def methods(self) -> str:
        """The methods it takes, as ``Allow`` has them."""
        named = {"GET, HEAD": self.show, "POST": self.post}
        return ", ".join(name for name, handler in named.items() if handler is not None)


class Router:
    """Finds the route of a path."""

    def __init__(self, routes: Sequence[Route]) -> None:
        self.routes = tuple(routes)
        self._literal = {route.path: route for route in routes if "{" not in route.path}
        self._patterns = [(route.path.split("/"), route) for route in routes if "{" in route.path]

    def find(self, path: str) -> tuple[Route, Mapping[str, str]] | None:
        """Return the route of a path as it came, with the named parts; a literal one goes first."""
        literal = self._literal.get(path)
        if literal is not None:
            return literal, {}
        segments = path.split("/")
        for parts, route in self._patterns:
            if len(parts) != len(segments):
                continue
            pairs = list(zip(parts, segments, strict=True))
            if all(part == segment or (part[0:1] == "{" and segment) for part, segment in pairs):
                return route, {part[1:-1]: unquote(it) for part, it in pairs if part[0:1] == "{"}
        return None
