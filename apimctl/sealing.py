"""Secrets that have to be read again: the store holds them sealed, the key lies beside it.

What apimctl only compares is kept as a digest and never comes here. A bind password and a private
key must be used, so they are encrypted (AES-256-GCM, NIST SP 800-38D): whoever has a copy of the
store alone, a backup say, has none of them. The key file is ``STORE.key``, 32 random bytes, for
the owner alone to read, and made when it is first needed.
"""

import base64
import binascii
import contextlib
import os
import secrets
from pathlib import Path

from apimctl.errors import StoreUnreadableError

KEY_BYTES = 32
NONCE_BYTES = 12

_LOST = (
    "Put the right key file back from a backup. Without one, set bind passwords anew (apimctl"
    " userstore update --bind-password-stdin) and apimctl signing-key rotate."
)


def key_path(store_path: Path) -> Path:
    """Return where the key of a store is."""
    return Path(f"{store_path}.key")


def seal(store_path: Path, secret: str, *, purpose: str) -> str:
    """Return the secret sealed, as text. Only the same `purpose` opens it again.

    Makes the key file if there is none. Raises OSError, StoreUnreadableError.
    """
    from cryptography.hazmat.primitives.ciphers.aead import AESGCM  # noqa: PLC0415 - rarely needed

    key = _read_key(_made_key(store_path))
    nonce = secrets.token_bytes(NONCE_BYTES)
    sealed = AESGCM(key).encrypt(nonce, secret.encode(), purpose.encode())
    return base64.b64encode(nonce + sealed).decode()


def unseal(store_path: Path, sealed: str, *, purpose: str) -> str:
    """Return what was sealed for this purpose. Raises StoreUnreadableError."""
    from cryptography.exceptions import InvalidTag  # noqa: PLC0415 - as in `seal`
    from cryptography.hazmat.primitives.ciphers.aead import AESGCM  # noqa: PLC0415 - as above

    path = key_path(store_path)
    key = _read_key(path)
    try:
        raw = base64.b64decode(sealed, validate=True)
        opened = AESGCM(key).decrypt(raw[:NONCE_BYTES], raw[NONCE_BYTES:], purpose.encode())
        return opened.decode()
    except (InvalidTag, ValueError, binascii.Error):
        raise StoreUnreadableError(
            f"{path} is not the key that this store's secrets were sealed with",
            hint=_LOST,
        ) from None


def _made_key(store_path: Path) -> Path:
    """Return the path of the key file, made if there was none: whole or not at all."""
    path = key_path(store_path)
    if not path.exists():
        draft = path.with_name(f"{path.name}.{secrets.token_hex(8)}")
        descriptor = os.open(draft, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o600)
        try:
            with open(descriptor, "wb") as file:  # noqa: PTH123 - of a descriptor
                file.write(secrets.token_bytes(KEY_BYTES))
                file.flush()
                os.fsync(file.fileno())
            # A link, unlike a rename, never replaces the key that another process has just made.
            with contextlib.suppress(FileExistsError):
                os.link(draft, path)
        finally:
            draft.unlink()
    return path


def _read_key(path: Path) -> bytes:
    try:
        key = path.read_bytes()
    except OSError as error:
        raise StoreUnreadableError(
            f"the key file {path} cannot be read: {error.strerror}",
            hint=f"It belongs beside the store, readable by its owner. {_LOST}",
        ) from None
    if len(key) != KEY_BYTES:
        raise StoreUnreadableError(f"the key file {path} is damaged", hint=_LOST)
    return key
