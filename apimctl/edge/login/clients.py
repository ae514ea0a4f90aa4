"""Who calls the Login API: HTTP Basic, or ``client_id`` and ``client_secret`` in the body.

RFC 6749 section 2.3; both at once is ``invalid_request``. Basic credentials come form-urlencoded
(section 2.3.1) or raw: consumer keys and secrets hold no character in which the two differ.
"""

import base64
import binascii
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from sqlite3 import Connection
from urllib.parse import unquote_plus

from authlib.oauth2.rfc6749 import InvalidClientError, InvalidRequestError

from apimctl.domain import credentials
from apimctl.domain.faults import REALM
from apimctl.domain.models import GrantType, Key
from apimctl.tables import keys


class ClientRefusedError(InvalidClientError):  # type: ignore[misc]
    """Client authentication failed: always 401 with a challenge (SPEC section 4)."""

    def __init__(self, description: str) -> None:
        super().__init__(description=description, status_code=401)

    def get_headers(self) -> list[tuple[str, str]]:
        """Return the headers of the answer, with the challenge RFC 7617 asks for."""
        headers = [(name, value) for name, value in super().get_headers() if "Auth" not in name]
        return [*headers, ("WWW-Authenticate", f'Basic realm="{REALM}"')]


@dataclass(frozen=True, slots=True)
class Client:
    """An authenticated client, as Authlib asks about it."""

    key: Key
    grants: frozenset[GrantType]

    def check_grant_type(self, grant_type: str) -> bool:
        """Return whether the client may use the grant."""
        return grant_type in self.grants

    def check_endpoint_auth_method(self, method: str, endpoint: str) -> bool:  # noqa: ARG002
        """Return whether the client may authenticate so: all clients have a secret."""
        return True


def authenticate(
    db: Connection,
    *,
    authorization: Sequence[str],
    form: Mapping[str, str],
    now: float,
) -> Key:
    """Return the key whose consumer key and secret were sent.

    Raises ClientRefusedError, InvalidRequestError.
    """
    consumer_key, consumer_secret = _read_credentials(authorization, form)
    digest = credentials.digest(consumer_secret)
    key = keys.find_by_secret(db, consumer_key, digest, now=now)
    if key is None:
        raise ClientRefusedError("The client credentials are wrong.")
    return key


def _read_credentials(authorization: Sequence[str], form: Mapping[str, str]) -> tuple[str, str]:
    in_body = "client_secret" in form
    if len(authorization) > 1 or (authorization and in_body):
        raise InvalidRequestError("Authenticate the client in one way, once.")
    if authorization:
        consumer_key, consumer_secret = _read_basic(authorization[0])
        if form.get("client_id", consumer_key) != consumer_key:
            raise InvalidRequestError("client_id names another client than the Basic credentials.")
        return consumer_key, consumer_secret
    if in_body and "client_id" in form:
        return form["client_id"], form["client_secret"]
    raise ClientRefusedError("Send the client credentials by HTTP Basic or in the body.")


def _read_basic(header: str) -> tuple[str, str]:
    scheme, _, encoded = header.strip().partition(" ")
    if scheme.lower() != "basic":
        raise ClientRefusedError("Send the client credentials by HTTP Basic or in the body.")
    try:
        decoded = base64.b64decode(encoded.strip(), validate=True).decode("utf-8")
    except (binascii.Error, ValueError):
        raise ClientRefusedError("The Basic credentials cannot be read.") from None
    consumer_key, colon, consumer_secret = decoded.partition(":")
    if not colon:
        raise ClientRefusedError("The Basic credentials cannot be read.")
    return unquote_plus(consumer_key), unquote_plus(consumer_secret)
