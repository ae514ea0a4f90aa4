"""The access token that a request carries: RFC 6750 section 2.1, the Authorization header only."""

from collections.abc import Sequence

from apimctl.domain import credentials
from apimctl.domain.admission import Presented
from apimctl.domain.credentials import Credential, Kind

_SCHEME = "bearer"


def may_hold_credential(values: Sequence[str]) -> bool:
    """Return whether values of the Authorization header hold what looks like a credential of ours.

    Also one that is mistyped: somebody can mend it.
    """
    return any(credentials.PREFIX in value for value in values)


def read_authorization(values: Sequence[str]) -> tuple[Presented, Credential | None]:
    """Return what the values of the Authorization header present; the credential for a TOKEN.

    Another scheme presents nothing. Two headers, or a token that is no access token of ours,
    cannot be read.
    """
    if not values:
        return Presented.NOTHING, None
    if len(values) > 1:
        return Presented.UNREADABLE, None
    scheme, _, text = values[0].strip().partition(" ")
    if scheme.lower() != _SCHEME:
        return Presented.NOTHING, None
    credential = credentials.parse(text.strip(" "))
    if credential is None or credential.kind is not Kind.ACCESS_TOKEN:
        return Presented.UNREADABLE, None
    return Presented.TOKEN, credential
