"""User stores: where users live. SPEC section 7.

Domains are compared in capitals, whatever was typed. `PRIMARY` is always there; others are built-in
as well, or an LDAP directory.
"""

import re
import unicodedata
from dataclasses import dataclass, field
from enum import StrEnum

from apimctl.domain.ldap import LdapSettings
from apimctl.domain.models import PRIMARY
from apimctl.domain.names import check_name, printable
from apimctl.errors import InvalidInputError

NOT_IN_USER_NAMES = "/:"
"""The slash parts the user store from the name; WSO2 keeps the colon out as well."""

_LIKE_NO_OTHERS = {"CJK", "HANGUL", "HIRAGANA", "KATAKANA", "KATAKANA-HIRAGANA"}
_DOMAIN = re.compile(r"[A-Z0-9](?:[A-Z0-9._-]{0,62}[A-Z0-9])?", re.ASCII)


class UserStoreType(StrEnum):
    """What keeps the users of a user store, and their passwords."""

    BUILT_IN = "built-in"
    LDAP = "ldap"


@dataclass(frozen=True, slots=True)
class UserStore:
    """A user store. `ldap` is None for a built-in one; PRIMARY is as old as the store itself."""

    domain: str
    type: UserStoreType
    created_at: int | None
    ldap: LdapSettings | None = None
    sealed_bind_password: str | None = field(default=None, repr=False)

    def name_of(self, typed: str) -> str:
        """Return the name that a user of this store has, whichever way it was typed.

        A directory takes ``Alice`` and ``alice `` for one (RFC 4518), so they are one here, too.
        Not folded further: to some directories, "ss" and its German ligature are two people's.
        """
        if self.type is UserStoreType.BUILT_IN:
            return typed
        return " ".join(unicodedata.normalize("NFKC", typed).lower().split())


PRIMARY_STORE = UserStore(PRIMARY, UserStoreType.BUILT_IN, created_at=None)


def check_domain(text: str) -> str:
    """Return the domain in capitals if a user store may be called so. Raises InvalidInputError."""
    domain = text.strip().upper()
    if not _DOMAIN.fullmatch(domain):
        raise InvalidInputError(
            f"{printable(text)!r} cannot be the domain of a user store",
            hint="Use letters, digits and . _ -, as in FOO.COM.",
        )
    return domain


def check_user_name(name: str) -> str:
    """Return the name, stripped, if a user may have it. Raises InvalidInputError."""
    return check_name(name, what="user", without=NOT_IN_USER_NAMES)


def check_is_of_one_script(name: str) -> None:
    """Raise InvalidInputError for a name with letters of several scripts.

    A Cyrillic "a" among Latin letters makes a name that nobody tells from another one. Chinese,
    Japanese and Korean letters look like no others (UTS 39 section 5.2).
    """
    scripts = {unicodedata.name(each, "").partition(" ")[0] for each in name if each.isalpha()}
    if len(scripts - _LIKE_NO_OTHERS) > 1:
        raise InvalidInputError(
            f"the user name {name!r} has letters of several scripts", hint="Use those of one."
        )


def split_name(text: str) -> tuple[str, str]:
    """Return domain and name of ``FOO.COM/alice``; the domain is PRIMARY where none is named."""
    domain, slash, name = text.partition("/")
    return (domain.strip().upper(), name) if slash else (PRIMARY, text)


def is_primary(text: str) -> bool:
    """Return whether that is the name of a user of PRIMARY."""
    return split_name(text)[0] == PRIMARY


def qualify(name: str, domain: str | None) -> str:
    """Return the name with the user store that was named apart from it, None for none.

    Raises InvalidInputError for two different ones.
    """
    if domain is None:
        return name
    carried, bare = split_name(name)
    if "/" in name and carried != domain.strip().upper():
        raise InvalidInputError(
            f"the user {printable(name)!r} is not of the user store {printable(domain)!r}",
            hint="Name the user store once.",
        )
    return f"{domain}/{bare}"
