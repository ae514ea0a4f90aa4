"""A resource of an API as the pages speak of it."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from apimctl.domain.models import AuthType, Resource
from apimctl.domain.patterns import EVERY_METHOD, METHODS

MOST_USED_FIRST = ("GET", "POST", "PUT", "PATCH", "DELETE", "HEAD", "OPTIONS")
assert set(MOST_USED_FIRST) == set(METHODS)  # noqa: S101 - the same ones, in another order

_ASKED: Mapping[AuthType, str] = {
    AuthType.NONE: "no token",
    AuthType.APPLICATION: "an application token",
    AuthType.APPLICATION_USER: "a user token",
    AuthType.ANY: "any access token",
}


@dataclass(frozen=True, slots=True)
class ResourceRow:
    """A resource in a list."""

    resource: Resource

    @property
    def methods(self) -> str:
        """Its methods, as people read them."""
        is_all = EVERY_METHOD in self.resource.methods
        return "all" if is_all else ", ".join(methods_of([self.resource]))

    @property
    def asked(self) -> str:
        """What it asks for."""
        return _ASKED[self.resource.auth_type]

    @property
    def example(self) -> str:
        """A request to it, ``GET /users/{id}``: the console reads it with `read_example`."""
        return f"{methods_of([self.resource])[0]} {self.resource.pattern.replace('*', '')}"


def methods_of(resources: Iterable[Resource]) -> list[str]:
    """Return the methods that some of the resources have, those first that are used most."""
    named = {method for each in resources for method in each.methods}
    return [each for each in MOST_USED_FIRST if each in named or EVERY_METHOD in named]


def read_example(text: str) -> dict[str, str]:
    """Return what the console's form is to hold for a request to a resource; nothing for none."""
    method, space, path = text.partition(" ")
    return {"method": method, "path": path} if space else {}
