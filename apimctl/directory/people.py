"""Who somebody is, by name and password: bind as the DN, or search for it first.

Whatever a name is, it is sent as a value (`apimctl.domain.ldap`). An empty password is never sent.
A name that is not there costs as many questions as a wrong password: one more bind, of nobody.
"""

import asyncio
import secrets
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from enum import StrEnum
from typing import TypeVar

from sansldap import LDAPFilter, LDAPResult, LDAPResultCode, SearchScope

from apimctl.directory.connection import ANONYMOUS, Entry, LdapConnection, connect, explain
from apimctl.directory.pool import ConnectionPool
from apimctl.domain.ldap import LdapSettings
from apimctl.errors import InvalidInputError, UserStoreError

MOST_WAITING = 64
MOST_GROUPS = 1000
NO_ATTRIBUTES = "1.1"
"""Asks for the DN alone (RFC 4511 section 4.5.1.8)."""

ANYTHING = "(objectClass=*)"

REFUSED = frozenset(
    {
        LDAPResultCode.INVALID_CREDENTIALS,
        LDAPResultCode.NO_SUCH_OBJECT,
        LDAPResultCode.INVALID_DN_SYNTAX,
        LDAPResultCode.INAPPROPRIATE_AUTHENTICATION,
        LDAPResultCode.INSUFFICIENT_ACCESS_RIGHTS,
        LDAPResultCode.UNWILLING_TO_PERFORM,
        LDAPResultCode.CONSTRAINT_VIOLATION,
    }
)
"""Results of a user's bind that are about the user: wrong, unknown, without password, locked."""

_Result = TypeVar("_Result")


@dataclass(frozen=True, slots=True)
class Person:
    """Someone whose password was right. `groups` is None where groups are not asked for."""

    name: str
    dn: str
    groups: tuple[str, ...] | None


class Refusal(StrEnum):
    """Why nobody was let in: for an administrator to know, and for nobody else."""

    UNKNOWN = "no entry is found"
    AMBIGUOUS = "several entries are found"
    WRONG_PASSWORD = "the password is wrong, or the account locked"  # noqa: S105 - about one


class Directory:
    """A directory, asked with a user store's settings on behalf of the running event loop."""

    def __init__(self, settings: LdapSettings, bind_password: str) -> None:
        self._settings = settings
        self._bind_password = bind_password
        self._pool = ConnectionPool(lambda: connect(settings))
        self._asked = 0

    def close(self) -> None:
        """Close the connections that nobody uses."""
        self._pool.close()

    async def log_in(self, name: str, password: str) -> Person | Refusal:
        """Return who that is, or why not. Raises UserStoreError if the directory cannot tell.

        Its name is as the directory writes it, where a search tells.
        """
        if not name:
            return Refusal.UNKNOWN
        # RFC 4513 section 5.1.2; and what reads a password up to a NUL would take part of one.
        if not password or "\0" in password:
            return Refusal.WRONG_PASSWORD
        return await self._ask(lambda connection: self._log_in(connection, name, password))

    async def check(self) -> str | None:
        """Connect, bind and see that what is searched is there; return the version of TLS.

        Raises UserStoreError.
        """

        async def look(connection: LdapConnection) -> str | None:
            await self._bind_as_searcher(connection)
            for base in (self._settings.search_base, self._settings.group_base):
                if base and self._may_search:
                    await self._search(
                        connection, base, ANYTHING, scope=SearchScope.BASE, attribute=NO_ATTRIBUTES
                    )
            return connection.tls_version

        return await self._ask(look)

    async def _ask(self, work: Callable[[LdapConnection], Awaitable[_Result]]) -> _Result:
        host, _ = self._settings.address
        if self._asked >= MOST_WAITING:
            raise UserStoreError(f"too many log-ins wait for {host}", hint="Try again later.")
        self._asked += 1
        try:
            async with asyncio.timeout(self._settings.timeout_seconds):
                return await self._pool.use(work)
        except TimeoutError:
            raise UserStoreError(
                f"{host} did not answer within {self._settings.timeout_seconds} s",
                hint="See that the directory is well; apimctl userstore update --timeout",
            ) from None
        finally:
            self._asked -= 1

    async def _log_in(
        self, connection: LdapConnection, name: str, password: str
    ) -> Person | Refusal:
        settings = self._settings
        if settings.user_dn_template:
            dn = settings.user_dn(name)
        else:
            found = await self._find(connection, name)
            if isinstance(found, Refusal):
                await connection.bind(f"cn={secrets.token_hex(8)},{settings.search_base}", password)
                return found
            dn = found.dn
            names = found.attributes.get((settings.name_attribute or "").lower(), ())
            name = name if name in names else min(names, default=name)
        result = await connection.bind(dn, password)
        if result.result_code in REFUSED:
            return Refusal.WRONG_PASSWORD
        self._require_success(result, what=f"cannot bind as {dn}")
        return Person(name, dn, await self._groups(connection, dn, name))

    async def _find(self, connection: LdapConnection, name: str) -> Entry | Refusal:
        settings = self._settings
        await self._bind_as_searcher(connection)
        entries = await self._search(
            connection,
            settings.search_base,
            settings.user_filter(name),
            attribute=settings.name_attribute or NO_ATTRIBUTES,
            enough=2,
        )
        if len(entries) == 1 and entries[0].dn:
            return entries[0]
        return Refusal.AMBIGUOUS if entries else Refusal.UNKNOWN

    async def _groups(
        self, connection: LdapConnection, dn: str, name: str
    ) -> tuple[str, ...] | None:
        settings = self._settings
        if not settings.group_base:
            return None
        if self._may_search:
            await self._bind_as_searcher(connection)
        attribute = settings.group_attribute
        entries = await self._search(
            connection, settings.group_base, settings.groups_filter(dn, name), attribute=attribute
        )
        groups = [value for one in entries for value in one.attributes.get(attribute.lower(), ())]
        return tuple(sorted(set(groups)))

    @property
    def _may_search(self) -> bool:
        """Whether searches are anybody's but the user's who logs in."""
        return bool(self._settings.bind_dn or self._settings.search_base)

    async def _bind_as_searcher(self, connection: LdapConnection) -> None:
        wanted = self._settings.bind_dn
        if connection.bound_as == wanted:
            return
        password = self._bind_password if wanted != ANONYMOUS else ""
        result = await connection.bind(wanted, password)
        self._require_success(result, what=f"cannot bind as {wanted or 'nobody'}")

    async def _search(
        self,
        connection: LdapConnection,
        base: str,
        found_by: str,
        *,
        attribute: str,
        scope: SearchScope = SearchScope.SUBTREE,
        enough: int | None = None,
    ) -> list[Entry]:
        """Return what is found; that there is more than `enough` is no fault."""
        entries, result = await connection.search(
            base, scope, found_by, attributes=[attribute], most=enough or MOST_GROUPS
        )
        if not (enough and result.result_code == LDAPResultCode.SIZE_LIMIT_EXCEEDED):
            self._require_success(result, what=f"cannot search {base}")
        return entries

    def _require_success(self, result: LDAPResult, *, what: str) -> None:
        if result.result_code == LDAPResultCode.SUCCESS:
            return
        host, _ = self._settings.address
        raise UserStoreError(
            f"{what} at {host}: {explain(result)}", hint="apimctl userstore update --help"
        )


def check_filter(text: str, *, what: str) -> None:
    """Raise InvalidInputError unless the text is a search filter (RFC 4515)."""
    try:
        LDAPFilter.from_string(text)
    except ValueError as error:
        raise InvalidInputError(
            f"the {what} cannot be read: {error}",
            hint='Write it as "(&(objectClass=person)(uid={}))".',
        ) from None
