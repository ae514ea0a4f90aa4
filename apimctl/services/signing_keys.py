"""The keys that sign JWT access tokens: made at first need, rotated, published (RFC 7517).

The store holds the private half sealed. A key that signs no more stays published until the last
token that it signed is over, and goes then.
"""

import functools
import json
from dataclasses import dataclass, field
from pathlib import Path
from sqlite3 import Connection
from typing import TYPE_CHECKING, Any

from apimctl import sealing
from apimctl.domain.models import SigningAlgorithm, SigningKey
from apimctl.domain.signed_tokens import KEY_ID_PREFIX
from apimctl.errors import NotFoundError
from apimctl.services.identifiers import RandomBytes, new_id
from apimctl.tables import signing_keys

if TYPE_CHECKING:
    from joserfc.jwk import ECKey, RSAKey

PURPOSE = "signing key"
RSA_BITS = 2048
MOST_PARSED = 16


@dataclass(frozen=True, slots=True)
class KeyPair:
    """A new key that is in no store yet."""

    algorithm: SigningAlgorithm
    public: dict[str, str]
    private: str = field(repr=False)
    """The private JWK, as JSON."""


@dataclass(frozen=True, slots=True)
class SigningSecret:
    """The key that signs, ready to."""

    key: SigningKey
    private: "ECKey | RSAKey" = field(repr=False)


def make_pair(algorithm: SigningAlgorithm = SigningAlgorithm.ES256) -> KeyPair:
    """Return a new key pair: P-256, or RSA of 2048 bits, which takes a moment."""
    from joserfc.jwk import ECKey, RSAKey  # noqa: PLC0415 - only who signs needs it

    if algorithm is SigningAlgorithm.RS256:
        made: ECKey | RSAKey = RSAKey.generate_key(RSA_BITS)
    else:
        made = ECKey.generate_key("P-256")
    return KeyPair(
        algorithm,
        public={name: str(value) for name, value in made.as_dict(private=False).items()},
        private=json.dumps(made.as_dict(private=True)),
    )


def require_current(
    db: Connection, *, store_path: Path | None, now: int, random: RandomBytes
) -> SigningSecret:
    """Return the key that signs, made if there is none.

    Without a `store_path` it is one that is kept nowhere. Raises OSError, StoreUnreadableError.
    """
    if store_path is None:
        pair = make_pair()
        return SigningSecret(
            _record(pair, sealed="", now=now, random=random), _parsed(pair.private)
        )
    key = signing_keys.find_current(db)
    if key is None:
        key = _insert(db, make_pair(), store_path=store_path, now=now, random=random)
    return SigningSecret(key, _unsealed(store_path, key.sealed_private_jwk))


def rotate(
    db: Connection, pair: KeyPair, *, store_path: Path | None, now: int, random: RandomBytes
) -> SigningKey:
    """Let this new key sign from now on, and return it. What is spent goes.

    Without a `store_path` it cannot be used. Raises OSError, StoreUnreadableError.
    """
    signing_keys.retire(db, at=now)
    signing_keys.delete_spent(db, now=now)
    return _insert(db, pair, store_path=store_path, now=now, random=random)


def note_use(db: Connection, key: SigningKey, *, until: int) -> None:
    """Keep the key published as long as a token lives that it has just signed."""
    if until > key.newest_expiry_at:
        signing_keys.extend(db, key.id, until=until)


def list_all(db: Connection) -> list[SigningKey]:
    """Return all keys, the newest first."""
    return signing_keys.list_all(db)


def require(db: Connection, key_id: str) -> SigningKey:
    """Return the key with that id. Raises NotFoundError."""
    key = signing_keys.get(db, key_id)
    if key is None:
        raise NotFoundError(
            f"there is no signing key {key_id!r}", hint="apimctl signing-key list shows them all."
        )
    return key


def delete(db: Connection, key_id: str) -> SigningKey:
    """Remove a key, which is published no more: resource servers refuse what it signed.

    If it was the one that signs, the next token gets a new one. Raises NotFoundError.
    """
    key = require(db, key_id)
    signing_keys.delete(db, key_id)
    return key


def key_set(db: Connection, *, now: float) -> dict[str, Any]:
    """Return the public keys of the tokens that may be alive, the newest first (RFC 7517)."""
    return {
        "keys": [
            {**key.public_jwk, "kid": key.id, "alg": str(key.algorithm), "use": "sig"}
            for key in signing_keys.list_all(db)
            if key.is_published(now)
        ]
    }


def _insert(
    db: Connection, pair: KeyPair, *, store_path: Path | None, now: int, random: RandomBytes
) -> SigningKey:
    sealed = ""
    if store_path is not None:
        sealed = sealing.seal(store_path, pair.private, purpose=PURPOSE)
    key = _record(pair, sealed=sealed, now=now, random=random)
    signing_keys.insert(db, key)
    return key


def _record(pair: KeyPair, *, sealed: str, now: int, random: RandomBytes) -> SigningKey:
    return SigningKey(
        id=f"{KEY_ID_PREFIX}{new_id(random)}",
        algorithm=pair.algorithm,
        public_jwk=pair.public,
        sealed_private_jwk=sealed,
        created_at=now,
    )


@functools.lru_cache(MOST_PARSED)
def _unsealed(store_path: Path, sealed: str) -> "ECKey | RSAKey":
    """Return a private key, parsed once a process: what is sealed names it."""
    return _parsed(sealing.unseal(store_path, sealed, purpose=PURPOSE))


def _parsed(private: str) -> "ECKey | RSAKey":
    from joserfc.jwk import ECKey, RSAKey  # noqa: PLC0415 - only who signs needs it

    jwk = json.loads(private)
    return RSAKey.import_key(jwk) if jwk["kty"] == "RSA" else ECKey.import_key(jwk)
