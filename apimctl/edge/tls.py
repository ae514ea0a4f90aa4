"""TLS towards the clients: 1.2 and later, HTTP/1.1, and certificates that can be exchanged.

The listening socket keeps one context for as long as it listens. Each handshake is handed on to the
context of the certificate as it is then, which SIGHUP reads anew.
"""

import logging
import ssl
import time
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import serialization

from apimctl.config import GatewaySettings, Settings
from apimctl.edge import self_signed
from apimctl.errors import ApimctlError, InvalidInputError

SHUTDOWN_SECONDS = 2.0
"""How long a client may take to say goodbye in its turn (RFC 8446 section 6.1)."""

log = logging.getLogger("apimctl.gateway")


class Certificate:
    """What the gateway shows to its clients: from files of the operator's, or of its own."""

    def __init__(self, settings: Settings) -> None:
        """Read the files; make them if none are named. Raises as `read`, StoreUnreadableError."""
        self._store_path = settings.store_path
        self._take(settings.gateway)
        self.context = _context()
        """What to listen with."""
        self.context.sni_callback = self._hand_on

    def renew(self, settings: GatewaySettings) -> bool:
        """Read the files anew, for the connections from now on; return whether that is done.

        What cannot be used leaves the old certificate, and is logged.
        """
        try:
            self._take(settings)
        except ApimctlError as error:
            log.warning("the certificate stays as it is: %s", error.message)
            return False
        return True

    @property
    def own_path(self) -> Path | None:
        """Where the certificate is if it is the gateway's own, for clients to trust."""
        own = self_signed.own_files(self._store_path)
        return own[0] if self._files == own else None

    def _take(self, settings: GatewaySettings) -> None:
        files = named_files(settings)
        if files is None:
            self_signed.ensure(self._store_path, now=int(time.time()))
            files = self_signed.own_files(self._store_path)
        self._current, self.pem = read(*files)
        self._files = files

    def _hand_on(self, connection: ssl.SSLObject, _name: str | None, _: ssl.SSLContext) -> None:
        connection.context = self._current


def named_files(settings: GatewaySettings) -> tuple[Path, Path] | None:
    """Return the files of certificate and private key; None where the gateway makes its own.

    Raises InvalidInputError for one without the other.
    """
    certificate, private_key = settings.certificate, settings.private_key
    if certificate is not None and private_key is not None:
        return certificate, private_key
    if certificate is None and private_key is None:
        return None
    missing = "gateway.private_key" if private_key is None else "gateway.certificate"
    raise InvalidInputError(
        f"{missing} is missing: certificate and private key go together",
        hint="Set both, or neither for a self-signed certificate.",
    )


def read(certificate: Path, private_key: Path) -> tuple[ssl.SSLContext, str]:
    """Return a context that shows this certificate, and the certificate itself, as PEM.

    Raises InvalidInputError for files that cannot be read, are not PEM, or do not go together.
    """
    for path in (certificate, private_key):
        try:
            with path.open("rb"):
                pass
        except OSError as error:
            reason = (error.strerror or str(error)).lower()
            raise InvalidInputError(
                f"the file {path} cannot be read: {reason}",
                hint="Name PEM files that the gateway's user may read, with --cert and --key.",
            ) from None
    context = _context()
    try:
        context.load_cert_chain(certificate, private_key, password=_refuse_to_ask)
    except _EncryptedError:
        raise InvalidInputError(
            f"the private key {private_key} is encrypted",
            hint="The gateway cannot ask for a password: openssl pkey -in FILE -out PLAIN",
        ) from None
    except OSError as error:
        raise _explain(error, certificate, private_key) from None
    try:
        return context, _leaf(certificate)
    except (OSError, ValueError) as error:
        raise _explain(OSError(str(error)), certificate, private_key) from None


def _context() -> ssl.SSLContext:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    context.set_alpn_protocols(["http/1.1"])
    return context


def _leaf(path: Path) -> str:
    """Return the first certificate of a file, as PEM."""
    first = x509.load_pem_x509_certificates(path.read_bytes())[0]
    return first.public_bytes(serialization.Encoding.PEM).decode()


class _EncryptedError(Exception):
    """OpenSSL asks for the password of a private key."""


def _refuse_to_ask() -> str:
    raise _EncryptedError


def _explain(error: OSError, certificate: Path, private_key: Path) -> InvalidInputError:
    reason = error.reason if isinstance(error, ssl.SSLError) else ""
    if reason == "KEY_VALUES_MISMATCH":
        return InvalidInputError(
            f"the private key {private_key} does not belong to the certificate {certificate}",
            hint="The first certificate of the file has to be the gateway's own.",
        )
    known = f": {reason.lower().replace('_', ' ')}" if reason else ""
    return InvalidInputError(
        f"{certificate} and {private_key} are no certificate and private key in PEM{known}",
        hint="A PEM file begins with -----BEGIN; the certificate is named first.",
    )
