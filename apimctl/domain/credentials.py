"""The format of consumer keys, consumer secrets and tokens. SPEC section 2.

::

    apim_atp0_3vQm…30 characters…Zk1x0aB9
    │    ││││ │                    └ checksum: CRC-32 of all before it, 6 base-62 digits
    │    ││││ └ 176 random bits, 30 base-62 digits
    │    │││└ partition: the table the token lives in, 0 for the base table (SPEC section 7)
    │    ││└ environment: p production, s sandbox
    │    └┴ kind: ck consumer key, cs consumer secret, at access token, rt refresh token,
    │       ac authorization code
    └ whose it is, so that secret scanners find it

A CRC finds every error of up to 32 bits in a row, so any one mistyped character is refused
without a look-up. It is no protection: the random bits are.
"""

import hashlib
import re
import zlib
from dataclasses import dataclass
from enum import StrEnum

from apimctl.domain import signed_tokens
from apimctl.domain.models import BASE_PARTITION, KeyType

PATTERN = r"apim_(?:ck|cs|at|rt|ac)[ps][0A-Z]_[0-9A-Za-z]{36}"
"""For secret scanners: every credential, and nothing else, matches as a whole word."""

PREFIX = "apim_"
RANDOM_BYTES = 22

_ALPHABET = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"
_PAIRS = [first + second for first in _ALPHABET for second in _ALPHABET]
"""The digits of a number in base 62², which is half the work."""

_RANDOM_DIGITS = 30
_CHECKSUM_DIGITS = 6
_ENVIRONMENTS = {KeyType.PRODUCTION: "p", KeyType.SANDBOX: "s"}
_KEY_TYPES = {letter: key_type for key_type, letter in _ENVIRONMENTS.items()}
_FORMAT = re.compile(PATTERN, re.ASCII)


class Kind(StrEnum):
    """What a credential is, as its prefix says."""

    CONSUMER_KEY = "ck"
    CONSUMER_SECRET = "cs"  # noqa: S105 - a prefix
    ACCESS_TOKEN = "at"  # noqa: S105 - a prefix
    REFRESH_TOKEN = "rt"  # noqa: S105 - a prefix
    AUTHORIZATION_CODE = "ac"


@dataclass(frozen=True, slots=True)
class Credential:
    """What can be read off a well-formed credential without asking the store."""

    kind: Kind
    key_type: KeyType
    partition: str
    digest: str


def encode(
    kind: Kind, key_type: KeyType, random_bytes: bytes, *, partition: str = BASE_PARTITION
) -> str:
    """Return the credential made of these `RANDOM_BYTES` random bytes."""
    if len(random_bytes) != RANDOM_BYTES:
        raise ValueError(f"{RANDOM_BYTES} random bytes make a credential, not {len(random_bytes)}")
    number = int.from_bytes(random_bytes, "big")
    unsigned = f"apim_{kind}{_ENVIRONMENTS[key_type]}{partition}_{_digits(number, _RANDOM_DIGITS)}"
    return unsigned + _checksum(unsigned)


def parse(text: str) -> Credential | None:
    """Return what the credential says of itself, None if it is malformed or mistyped.

    An access token may also be a JWT, as `apimctl.domain.signed_tokens` has it.
    """
    if not _FORMAT.fullmatch(text):
        return _parse_signed(text)
    if text[-_CHECKSUM_DIGITS:] != _checksum(text[:-_CHECKSUM_DIGITS]):
        return None
    return Credential(
        kind=Kind(text[5:7]), key_type=_KEY_TYPES[text[7]], partition=text[8], digest=digest(text)
    )


def _parse_signed(text: str) -> Credential | None:
    signed = signed_tokens.parse(text)
    return signed and Credential(Kind.ACCESS_TOKEN, signed.key_type, signed.partition, digest(text))


def digest(text: str) -> str:
    """Return the SHA-256 of a credential, in hexadecimal: all that the store keeps of it.

    Any text has one, also what a client sent that is no UTF-8.
    """
    return hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest()


def hint(text: str) -> str:
    """Return the last four characters, enough for a person to tell two credentials apart."""
    return text[-4:]


def _checksum(text: str) -> str:
    return _digits(zlib.crc32(text.encode()), _CHECKSUM_DIGITS)


def _digits(number: int, count: int) -> str:
    """Return an even count of digits, the last ones of the number."""
    pairs = []
    for _ in range(count // 2):
        number, pair = divmod(number, len(_PAIRS))
        pairs.append(_PAIRS[pair])
    return "".join(reversed(pairs))
