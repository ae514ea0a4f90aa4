"""The access token that a request carries: RFC 6750 section 2.1, the Authorization header only."""

from collections.abc import Sequence

from apimctl.domain import credentials, signed_tokens
from apimctl.domain.credentials import Credential, Kind

_SCHEME = "bearer"


def may_hold_credential(values: Sequence[str]) -> bool:
    """Return whether values of the Authorization header hold what looks like a credential of ours.

    Also one that is mistyped: somebody can mend it.
    """
    return any(credentials.PREFIX in value or signed_tokens.PREFIX in value for value in values)


def presented_token(values: Sequence[str]) -> str | None:
    """Return what the values of the Authorization header present for an access token.

    None where they present nothing, as another scheme does; of two headers an empty text.
    """
    if not values:
        return None
    if len(values) > 1:
        return ""
    scheme, _, text = values[0].strip().partition(" ")
    return text.strip(" ") if scheme.lower() == _SCHEME else None


def recognise(text: str) -> Credential | None:
    """Return what an access token of ours says of itself, None for a text that is none.

    Its digest and its partition are where the store keeps it: the one place that reads them off
    the text of an access token.
    """
    credential = credentials.parse(text)
    if credential is None or credential.kind is not Kind.ACCESS_TOKEN:
        return None
    return credential
