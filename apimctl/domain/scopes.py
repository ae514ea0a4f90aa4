"""Scopes of tokens: their names, who gets which, what a token's scope is worth (RFC 6749 3.3).

As a text, a scope is names with a space between them. Their order means nothing, so there is one
normal form: by name, each once, and `DEFAULT_SCOPE` where there is none.
"""

import re
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum

from apimctl.domain.models import Scope
from apimctl.domain.names import printable
from apimctl.errors import InvalidInputError

DEFAULT_SCOPE = "default"
"""The scope of a token that was asked for none, or got none."""

LEGACY_SCOPES = frozenset({"PRODUCTION", "SANDBOX", DEFAULT_SCOPE})
"""Accepted and ignored: the WSO2 1.7 docs send them (SPEC section 4)."""

LONGEST_SCOPE = 100

_SCOPE_TOKEN = re.compile(r"[\x21\x23-\x5B\x5D-\x7E]+")


class ScopeRefusal(StrEnum):
    """Why nothing is granted of a scope that was requested."""

    UNKNOWN = "The requested scope is not known."
    FORBIDDEN = "The requested scope needs a role that is missing."


@dataclass(frozen=True, slots=True)
class Granted:
    """What a token gets of the scope that was requested for it, by name."""

    scopes: tuple[Scope, ...] = ()

    @property
    def text(self) -> str:
        """The scope of the token."""
        return written(scope.name for scope in self.scopes)


def check_scope(name: str) -> str:
    """Return the name if an API may declare it: a scope-token of RFC 6749 section 3.3.

    Raises InvalidInputError.
    """
    if not _SCOPE_TOKEN.fullmatch(name):
        raise InvalidInputError(
            f"the scope name {printable(name)!r} is empty or has characters it cannot have",
            hint='Use printable ASCII without spaces, " and \\, as in orders:read.',
        )
    if len(name) > LONGEST_SCOPE:
        raise InvalidInputError(
            f"the scope name is {len(name)} characters long", hint=f"Use at most {LONGEST_SCOPE}."
        )
    if name in LEGACY_SCOPES:
        raise InvalidInputError(
            f"the scope {name!r} cannot be declared: the Login API ignores it",
            hint=f"Any name but {', '.join(sorted(LEGACY_SCOPES))} will do.",
        )
    return name


def parse(text: str | None) -> tuple[str, ...]:
    """Return the names in a scope, in order, each once, without those that are ignored.

    Only a space parts two names: what else is between them makes one that nobody declares.
    """
    return tuple(sorted({*(text or "").split(" ")} - LEGACY_SCOPES - {""}))


def written(names: Iterable[str]) -> str:
    """Return the scope of these names as a text, in its normal form."""
    return " ".join(sorted(set(names))) or DEFAULT_SCOPE


def permitted(scopes: Iterable[Scope], roles: Collection[str]) -> Granted:
    """Return those of the scopes that someone with these roles may have."""
    found = {scope for scope in scopes if not scope.roles or not set(roles).isdisjoint(scope.roles)}
    return Granted(tuple(sorted(found, key=lambda scope: scope.name)))


def living(text: str, *, issued_at: int, declared: Mapping[str, int]) -> str:
    """Return what a token's scope is still worth: the names that were declared when it was issued.

    `declared` is since when each name is. So a scope that is deleted and declared anew, by whatever
    API, does not come back to the tokens that had it.
    """
    if text == DEFAULT_SCOPE:
        return text
    return written(name for name in parse(text) if declared.get(name, issued_at + 1) <= issued_at)


def covers(text: str, wanted: Sequence[str]) -> bool:
    """Return whether a token's scope holds one of the names that are wanted."""
    held = text.split(" ")
    return any(name in held for name in wanted)
