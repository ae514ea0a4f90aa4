"""The form of access tokens that are JWTs (RFC 9068), read without a key.

::

    eyJraWQiOiJhcGlt….eyJpc3MiOi….MEQCIB…
    │                 │           └ signature
    │                 └ claims; `jti` is partition and id, as A.4c0b7c8f5a1d2e3f
    └ header: its first member is `kid`, and every such id begins with apim-, so that each of our
      tokens begins alike and is told from another's without decoding anything

The gateway looks up the digest of the whole text, signature and all, as that of any other token: a
text that was tampered with is unknown. Who verifies the signature is a resource server.
"""

import base64
import json
import re
from collections.abc import Mapping
from typing import Any, NamedTuple

from apimctl.domain.models import KeyType

PREFIX = "eyJraWQiOiJhcGlt"
"""How each begins: ``{"kid":"apim`` in base64url, whose 12 bytes fill these 16 letters."""

PATTERN = rf"{PREFIX}[\w-]+\.eyJ[\w-]+\.[\w-]{{86,}}"
"""For secret scanners."""

KEY_ID_PREFIX = "apim-"
LONGEST = 4096
"""Characters. A longer text is none of ours, and none of that length is issued."""

_FORMAT = re.compile(PATTERN, re.ASCII)
_TOKEN_ID = re.compile(r"(?:([0A-Z])\.)?([0-9a-f]{16})", re.ASCII)


class SignedToken(NamedTuple):
    """What can be read off such a token without asking the store."""

    key_type: KeyType
    partition: str


def header(algorithm: str, *, key_id: str) -> dict[str, str]:
    """Return the header of a token (RFC 9068 section 2.1), `kid` before all else."""
    return {"kid": key_id, "alg": algorithm, "typ": "at+jwt"}


def token_id(partition: str, identifier: str) -> str:
    """Return the `jti` of a token: its id, which names its partition."""
    return f"{partition}.{identifier}"


def identifier_of(text: str) -> str:
    """Return the id of a token from its `jti`, or from the id itself."""
    found = _TOKEN_ID.fullmatch(text)
    return found[2] if found else text


def parse(text: str) -> SignedToken | None:
    """Return what the token says of itself, None for a text that is none of ours."""
    if not text.startswith(PREFIX) or len(text) > LONGEST or not _FORMAT.fullmatch(text):
        return None
    claims = _decode(text.split(".")[1])
    if claims is None:
        return None
    jti, key_type = claims.get("jti"), claims.get("key_type")
    found = _TOKEN_ID.fullmatch(jti) if isinstance(jti, str) else None
    if found is None or found[1] is None:
        return None
    if not isinstance(key_type, str) or key_type not in set(KeyType):
        return None
    return SignedToken(KeyType(key_type), found[1])


def _decode(part: str) -> Mapping[str, Any] | None:
    try:
        decoded = json.loads(base64.urlsafe_b64decode(f"{part}{'=' * (-len(part) % 4)}"))
    except (ValueError, RecursionError):
        return None
    return decoded if isinstance(decoded, dict) else None
