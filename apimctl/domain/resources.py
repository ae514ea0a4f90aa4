"""Which resource of an API a path and a method ask for: the most specific pattern answers.

Segment by segment from the left, a literal one wins before ``{name}`` and that before ``*``. The
pattern alone decides; the method is looked at afterwards, so whoever declares ``GET /admin`` has
not left ``POST /admin`` to a wider pattern.
"""

from collections.abc import Iterable
from dataclasses import dataclass, field

from apimctl.domain.models import Resource
from apimctl.domain.patterns import EVERY_METHOD, METHODS, PARAMETER, REST, plain, shape


@dataclass(slots=True)
class Answering:
    """The resources of one pattern, by method.

    `methods` are those that `pick` answers, in order; those of `METHODS` for ``*``.
    """

    by_method: dict[str, Resource] = field(default_factory=dict)
    methods: tuple[str, ...] = ()

    def add(self, resource: Resource) -> None:
        """Take another resource of the pattern, with methods of its own."""
        self.by_method.update(dict.fromkeys(resource.methods, resource))
        follows = {"HEAD"} if "GET" in self.by_method else set()
        named = tuple(sorted(self.by_method.keys() | follows))
        self.methods = METHODS if EVERY_METHOD in self.by_method else named

    def pick(self, method: str) -> Resource | None:
        """Return the resource for the method: a named one before ``*``, and HEAD follows GET."""
        found = self.by_method.get(method)
        if found is None and method == "HEAD":
            found = self.by_method.get("GET")
        return found or self.by_method.get(EVERY_METHOD)


@dataclass(slots=True)
class _Node:
    """What can follow the segments that led here."""

    literals: dict[str, "_Node"] = field(default_factory=dict)
    parameter: "_Node | None" = None
    end: Answering | None = None
    rest: Answering | None = None


class ResourceTree:
    """The resources of one API as a tree of segments."""

    def __init__(self, resources: Iterable[Resource]) -> None:
        self._root = _Node()
        for resource in resources:
            self._answering(resource.pattern).add(resource)

    def find(self, path: str) -> Answering | None:
        """Return the resources of the most specific pattern that matches, None for none.

        `path` is raw: what follows the API's base path, as sent. An empty one is as ``/`` (RFC
        9110 section 4.2.3). The steps are at most the path's segments and the patterns' together:
        no node of the tree is visited twice, whatever the patterns.
        """
        segments = plain(path or "/").split("/")[1:]
        count = len(segments)
        pending: list[tuple[_Node | Answering, int]] = [(self._root, 0)]
        while pending:
            found, depth = pending.pop()
            if isinstance(found, Answering):
                return found
            if depth == count:
                if found.end is not None:
                    return found.end
                if found.rest is not None:
                    return found.rest
                continue
            # What is put down last is taken up first.
            if found.rest is not None:
                pending.append((found.rest, depth))
            segment = segments[depth]
            if found.parameter is not None and segment:
                pending.append((found.parameter, depth + 1))
            literal = found.literals.get(segment)
            if literal is not None:
                pending.append((literal, depth + 1))
        return None

    def _answering(self, pattern: str) -> Answering:
        node = self._root
        for segment in shape(pattern):
            if segment == REST:
                node.rest = node.rest or Answering()
                return node.rest
            if segment == PARAMETER:
                node.parameter = node.parameter or _Node()
                node = node.parameter
            else:
                node = node.literals.setdefault(segment, _Node())
        node.end = node.end or Answering()
        return node.end
