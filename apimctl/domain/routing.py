"""From a request's method and path to the API and resource it asks for. SPEC section 5.

Paths are compared as they were sent, segment by segment, without decoding: the path that is
routed and authorised is the path that is forwarded.
"""

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import NamedTuple

from apimctl.domain.models import WHOLE_API, Api, Resource
from apimctl.domain.patterns import METHODS
from apimctl.domain.resources import ResourceTree

_DOT_SEGMENT = re.compile(
    r"(?:^|[/\\]|%2f|%5c)(?:\.|%2e){1,2}(?:$|[/\\;]|%2f|%5c|%3b)", re.IGNORECASE
)


class Match(NamedTuple):
    """The API that answers a path, and what follows its base path there (``/search.atom``).

    Without a `resource`, no pattern of the API matches, or none of its resources has the method:
    then `methods` are those that the most specific pattern has, in order. Made for every request: a
    named tuple costs a third of a frozen dataclass.
    """

    api: Api
    resource: Resource | None
    rest: str
    methods: tuple[str, ...] = METHODS


@dataclass(slots=True)
class _Node:
    children: dict[str, "_Node"] = field(default_factory=dict)
    api: Api | None = None
    resources: ResourceTree | None = None
    """None where the API declares none: it has `WHOLE_API`."""


class Routes:
    """All APIs by base path: ``/context/version``, and ``/context`` for a default version."""

    def __init__(
        self, apis: Iterable[Api], resources: Mapping[str, Sequence[Resource]] | None = None
    ) -> None:
        """Take the APIs, and by the id of each the resources it declares."""
        self._root = _Node()
        declared = resources or {}
        for api in apis:
            tree = ResourceTree(declared[api.id]) if declared.get(api.id) else None
            for base_path in base_paths(api):
                node = self._root
                for segment in base_path.split("/")[1:]:
                    node = node.children.setdefault(segment, _Node())
                node.api = api
                node.resources = tree

    def match(self, path: str, method: str) -> Match | None:
        """Return the API with the longest base path that `path` starts with, None for no API.

        `path` is raw: as sent, without the query.
        """
        node, found = self._root, None
        end = length = 0
        while node.children and path.startswith("/", end):
            start = end + 1
            end = path.find("/", start)
            if end < 0:
                end = len(path)
            child = node.children.get(path[start:end])
            if child is None:
                break
            node = child
            if node.api is not None:
                found, length = node, end
        if found is None or found.api is None:
            return None
        api, rest = found.api, path[length:]
        if found.resources is None:
            return Match(api, WHOLE_API, rest)
        answering = found.resources.find(rest)
        if answering is None:
            return Match(api, None, rest, ())
        return Match(api, answering.pick(method), rest, answering.methods)


def base_paths(api: Api) -> tuple[str, ...]:
    """Return the paths under which an API answers, the one with its version first."""
    versioned = f"{api.context}/{api.version}"
    return (versioned, api.context) if api.is_default_version else (versioned,)


def shared_path(api: Api, other: Api) -> str | None:
    """Return a path that both APIs would answer, None if there is none.

    That is a base path of one that is, or lies below, a base path of the other.
    """
    for mine in base_paths(api):
        for theirs in base_paths(other):
            longer, shorter = (mine, theirs) if len(mine) > len(theirs) else (theirs, mine)
            if f"{longer}/".startswith(f"{shorter}/"):
                return longer
    return None


def has_dot_segments(path: str) -> bool:
    """Return whether a raw path has ``.`` or ``..`` segments, plain, encoded or hidden.

    Backends differ in what they resolve, so the gateway refuses them all (RFC 3986 section 6.2).
    """
    return _DOT_SEGMENT.search(path) is not None
