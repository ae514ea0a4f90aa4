"""One connection to a directory, with TLS where the settings ask for it: one operation at a time.

The certificate and the host name in it are always checked. Where StartTLS fails there is no
connection: passwords never go in clear instead.
"""

import asyncio
import os
import ssl
from collections import deque
from collections.abc import Mapping
from dataclasses import dataclass
from typing import cast

from sansldap import (
    BindResponse,
    ExtendedOperations,
    ExtendedResponse,
    LDAPClient,
    LDAPError,
    LDAPFilter,
    LDAPMessage,
    LDAPResult,
    LDAPResultCode,
    SearchResultDone,
    SearchResultEntry,
    SearchResultReference,
    SearchScope,
)

from apimctl.domain.ldap import LdapSettings
from apimctl.domain.names import printable
from apimctl.errors import UserStoreError

LONGEST_ANSWER_BYTES = 1 << 20
MOST_MESSAGES = 4096
"""Of one answer: more than the entries and references of any search that is made here."""

READ_BYTES = 8 * 1024
"""What is read at once: some hundred messages, and nobody else is served while they are parsed."""

LONGEST_QUOTE = 200
"""Of what a directory says, in our messages."""

ANONYMOUS = ""
"""Whom a new connection, or one after a failed bind, speaks for (RFC 4513 section 4)."""


class ConnectionLostError(UserStoreError):
    """The directory ended the connection, or what came was no LDAP."""


@dataclass(frozen=True, slots=True)
class Entry:
    """What a search found: its DN and the values of the attributes, by name in lower case."""

    dn: str
    attributes: Mapping[str, tuple[str, ...]]


class LdapConnection(asyncio.BufferedProtocol):
    """A connection. Who is cancelled in the middle of an operation aborts it."""

    def __init__(self, host: str) -> None:
        self.bound_as = ANONYMOUS
        self.tls_version: str | None = None
        self._host = host
        self._session = LDAPClient()
        self._transport: asyncio.Transport | None = None
        self._messages: deque[LDAPMessage] = deque()
        self._arrival: asyncio.Future[None] | None = None
        self._fault: str | None = None
        self._answer_bytes = self._answer_messages = 0
        self._read_buffer = memoryview(bytearray(READ_BYTES))

    @property
    def is_usable(self) -> bool:
        """Whether nothing speaks against another operation."""
        return self._fault is None

    async def bind(self, dn: str, password: str) -> LDAPResult:
        """Authenticate and return the result. Raises ConnectionLostError.

        The password is not empty unless the DN is, too: a directory takes the one without the other
        for an anonymous bind, and says success (RFC 4513 section 5.1.2).
        """
        if dn and not password:
            raise ValueError(dn)
        self.bound_as = ANONYMOUS
        answer = (await self._ask(self._session.bind_simple(dn, password)))[-1]
        if not isinstance(answer, BindResponse):
            raise self._lost("the answer to a bind is none")
        if answer.result.result_code == LDAPResultCode.SUCCESS:
            self.bound_as = dn
        return answer.result

    async def search(
        self, base: str, scope: SearchScope, found_by: str, *, attributes: list[str], most: int
    ) -> tuple[list[Entry], LDAPResult]:
        """Return at most that many entries, and the result. Referrals are not followed.

        Raises ConnectionLostError.
        """
        answers = await self._ask(
            self._session.search_request(
                base,
                scope,
                size_limit=most,
                filter=LDAPFilter.from_string(found_by),
                attributes=attributes,
            )
        )
        done = answers[-1]
        if not isinstance(done, SearchResultDone):
            raise self._lost("the answer to a search is none")
        entries = [_entry(answer) for answer in answers if isinstance(answer, SearchResultEntry)]
        return entries, done.result

    def close(self) -> None:
        """Take leave, and wait for nothing: unbinding has no answer (RFC 4511 section 4.3)."""
        if self._transport and self._fault is None:
            self._session.unbind()
            self._transport.write(self._session.data_to_send())
        self._fail("it is closed")

    def abort(self) -> None:
        """End the connection without a word."""
        self._fail("it is closed")

    async def begin_tls(self, context: ssl.SSLContext) -> None:
        """Begin TLS on a plain connection (RFC 4511 section 4.14). Raises UserStoreError, OSError.

        What came in clear until then is forgotten: it may be anybody's.
        """
        answer = (
            await self._ask(self._session.extended_request(ExtendedOperations.LDAP_START_TLS.value))
        )[-1]
        if not isinstance(answer, ExtendedResponse):
            raise self._lost("the answer to StartTLS is none")
        if answer.result.result_code != LDAPResultCode.SUCCESS:
            raise UserStoreError(
                f"{self._host} refuses StartTLS: {explain(answer.result)}",
                hint="Use an ldaps URL, or let the directory have a certificate.",
            )
        loop = asyncio.get_running_loop()
        transport = await loop.start_tls(self._wire, self, context, server_hostname=self._host)
        if transport is None:
            raise self._lost("it left while TLS began")
        self._session = LDAPClient()
        self._messages.clear()
        self.connection_made(transport)

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Remember where to write. asyncio calls it."""
        self._transport = cast("asyncio.Transport", transport)
        tls = transport.get_extra_info("ssl_object")
        self.tls_version = tls.version() if tls else None

    def get_buffer(self, sizehint: int) -> memoryview:  # noqa: ARG002
        """Return where to put what comes. asyncio calls it."""
        return self._read_buffer

    def buffer_updated(self, nbytes: int) -> None:
        """Read messages. asyncio calls it."""
        try:
            messages = self._session.receive(bytes(self._read_buffer[:nbytes]))
        except (LDAPError, RecursionError, IndexError) as error:
            self._fail(f"it does not speak LDAP: {printable(str(error), longest=LONGEST_QUOTE)}")
            return
        self._messages.extend(messages)
        self._answer_bytes += nbytes
        self._answer_messages += len(messages)
        if self._answer_bytes > LONGEST_ANSWER_BYTES or self._answer_messages > MOST_MESSAGES:
            self._fail("the answer is endless")
        self._announce()

    def connection_lost(self, error: Exception | None) -> None:
        """Tell whoever waits. asyncio calls it."""
        self._fail(str(error) if error else "it closed the connection")

    @property
    def _wire(self) -> asyncio.Transport:
        if self._transport is None or self._fault is not None:
            raise self._lost(self._fault or "it is not connected")
        return self._transport

    async def _ask(self, message_id: int) -> list[LDAPMessage]:
        """Send the request that was made last, and return all that answers it."""
        self._answer_bytes = self._answer_messages = 0
        self._wire.write(self._session.data_to_send())
        answers: list[LDAPMessage] = []
        while True:
            while self._messages:
                answer = self._messages.popleft()
                if answer.message_id == message_id:
                    answers.append(answer)
                    if not isinstance(answer, SearchResultEntry | SearchResultReference):
                        return answers
            if self._fault is not None:
                raise self._lost(self._fault)
            self._arrival = asyncio.get_running_loop().create_future()
            await self._arrival

    def _announce(self) -> None:
        if self._arrival and not self._arrival.done():
            self._arrival.set_result(None)

    def _fail(self, fault: str) -> None:
        if self._fault is None:
            self._fault = fault
            if self._transport:
                self._transport.abort()
        self._announce()

    def _lost(self, fault: str) -> ConnectionLostError:
        self._fail(fault)
        return ConnectionLostError(
            f"{self._host} was lost: {fault}", hint="See the log of the directory."
        )


async def connect(settings: LdapSettings) -> LdapConnection:
    """Return a new connection, with TLS begun where it is asked for.

    Raises UserStoreError, which says what failed and what to try.
    """
    host, port = settings.address
    loop = asyncio.get_running_loop()
    connection = LdapConnection(host)
    context: ssl.SSLContext | None = None
    try:
        if settings.is_ldaps or settings.start_tls:
            # Off the loop: the system's certificates take a while to read.
            context = await asyncio.to_thread(trusted, settings.ca_file)
        await loop.create_connection(
            lambda: connection, host, port, ssl=context if settings.is_ldaps else None
        )
        if context is not None and settings.start_tls:
            await connection.begin_tls(context)
    except ssl.SSLCertVerificationError as error:
        connection.abort()
        raise UserStoreError(
            f"the certificate of {host} is not to be trusted: {error.verify_message}",
            hint="Check the host name in the URL; name who signed it with --ca-file.",
        ) from None
    except OSError as error:
        connection.abort()
        raise UserStoreError(
            f"cannot connect to {host} port {port}: {_reason(error)}",
            hint="See that the directory runs, and that the URL is right.",
        ) from None
    except BaseException:
        connection.abort()
        raise
    return connection


def _reason(error: OSError) -> str:
    """Return the system's words: asyncio has its own for a refused connection, with a tuple."""
    if error.errno and error.errno > 0 and not isinstance(error, ssl.SSLError):
        return os.strerror(error.errno)
    return error.strerror or str(error)


def trusted(ca_file: str) -> ssl.SSLContext:
    """Return what checks certificates: signed by the CA file, or by whom the system trusts.

    Raises UserStoreError.
    """
    try:
        return ssl.create_default_context(cafile=ca_file or None)
    except OSError as error:
        reason = "no certificate is in it" if isinstance(error, ssl.SSLError) else error.strerror
        raise UserStoreError(
            f"the CA file {ca_file} cannot be used: {reason}",
            hint="Name a PEM file with the certificates that may sign the directory's.",
        ) from None


def explain(result: LDAPResult) -> str:
    """Write a result for a person: its name, and what the directory says of it."""
    name = result.result_code.name.lower().replace("_", " ")
    said = printable(result.diagnostics_message or "", longest=LONGEST_QUOTE)
    return f"{name} ({said})" if said else name


def _entry(answer: SearchResultEntry) -> Entry:
    return Entry(
        answer.object_name,
        {
            attribute.name.lower(): tuple(
                value.decode("utf-8", "replace") for value in attribute.values
            )
            for attribute in answer.attributes
        },
    )
