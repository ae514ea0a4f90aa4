"""A certificate of the gateway's own, for those who have none: made on first use, kept, renewed.

It lies beside the store and is its owner's alone. Clients have to be told to trust it, so it stays
the same until it expires. Elliptic curve P-256; 825 days, which is the most that Apple's clients
accept of a certificate that somebody was told to trust.
"""

import contextlib
import fcntl
import ipaddress
import os
import socket
import tempfile
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

from apimctl.edge.mapped_file import explained

VALIDITY_DAYS = 825
_EARLIER = timedelta(hours=1)
"""Clocks of clients that are slow by so much still find the certificate valid."""

_NAMES: tuple[x509.GeneralName, ...] = (
    x509.DNSName("localhost"),
    x509.IPAddress(ipaddress.ip_address("127.0.0.1")),
    x509.IPAddress(ipaddress.ip_address("::1")),
)


def own_files(store_path: Path) -> tuple[Path, Path]:
    """Return where the certificate and the private key of a store's gateways are."""
    folder = store_path.with_name(f"{store_path.name}.tls")
    return folder / "cert.pem", folder / "key.pem"


def ensure(store_path: Path, *, now: int) -> bool:
    """Make certificate and key unless there are some that go together and have not expired.

    Returns whether they were made. `now` is in UTC epoch seconds. Raises StoreUnreadableError.
    """
    certificate_path, key_path = own_files(store_path)
    folder = certificate_path.parent
    with explained(folder):
        folder.mkdir(mode=0o700, exist_ok=True)
        with _locked(folder):
            if _is_usable(certificate_path, key_path, now=now):
                return False
            certificate, key = make(socket.gethostname(), now=now)
            # A crash in between leaves a pair that does not go together, and is made anew.
            _write(key_path, key)
            _write(certificate_path, certificate)
    return True


def make(host_name: str, *, now: int) -> tuple[bytes, bytes]:
    """Return a certificate and its private key, both PEM, for this machine and `host_name`."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "apimctl gateway")])
    begins_at = datetime.fromtimestamp(now, UTC) - _EARLIER
    identifier = x509.SubjectKeyIdentifier.from_public_key(key.public_key())
    certificate = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(begins_at)
        .not_valid_after(begins_at + timedelta(days=VALIDITY_DAYS))
        .add_extension(x509.SubjectAlternativeName(_names(host_name)), critical=False)
        .add_extension(x509.BasicConstraints(ca=False, path_length=None), critical=True)
        .add_extension(x509.ExtendedKeyUsage([ExtendedKeyUsageOID.SERVER_AUTH]), critical=False)
        .add_extension(identifier, critical=False)
        .add_extension(
            x509.AuthorityKeyIdentifier.from_issuer_subject_key_identifier(identifier),
            critical=False,
        )
        .sign(key, hashes.SHA256())
    )
    return certificate.public_bytes(serialization.Encoding.PEM), key.private_bytes(
        serialization.Encoding.PEM,
        serialization.PrivateFormat.PKCS8,
        serialization.NoEncryption(),
    )


def _names(host_name: str) -> list[x509.GeneralName]:
    """Return what the certificate names; a host name that no certificate can hold is left out."""
    is_name = host_name.isascii() and all(
        0 < len(label) <= 63 and label.replace("-", "").isalnum()  # noqa: PLR2004 - RFC 1035
        for label in host_name.split(".")
    )
    if not is_name or host_name == "localhost":
        return list(_NAMES)
    return [*_NAMES, x509.DNSName(host_name)]


def _is_usable(certificate_path: Path, key_path: Path, *, now: int) -> bool:
    try:
        certificate = x509.load_pem_x509_certificate(certificate_path.read_bytes())
        key = serialization.load_pem_private_key(key_path.read_bytes(), password=None)
    except (FileNotFoundError, ValueError, TypeError):
        return False
    is_valid = datetime.fromtimestamp(now, UTC) < certificate.not_valid_after_utc
    return is_valid and certificate.public_key() == key.public_key()


def _write(path: Path, content: bytes) -> None:
    """Replace a file as a whole, readable by its owner alone."""
    descriptor, temporary = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.")
    try:
        with os.fdopen(descriptor, "wb") as file:
            file.write(content)
        Path(temporary).replace(path)
    except BaseException:
        Path(temporary).unlink(missing_ok=True)
        raise


@contextlib.contextmanager
def _locked(folder: Path) -> Iterator[None]:
    """Let one gateway at a time look and make."""
    descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX)
        yield
    finally:
        os.close(descriptor)
