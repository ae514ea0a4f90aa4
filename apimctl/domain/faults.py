"""The faults of the gateway and their bodies. SPEC section 5.

The codes and messages are those of WSO2 API Manager; the statuses are those of RFC 9110 and
RFC 6750. The one place that renders a fault.
"""

import json
from collections.abc import Iterable
from dataclasses import dataclass
from xml.sax.saxutils import escape

REALM = "apimctl"


@dataclass(frozen=True, slots=True)
class Fault:
    """A row of the fault table: code, message and HTTP status."""

    code: int
    message: str
    status: int


STORE_UNAVAILABLE = Fault(900900, "Unclassified Authentication Failure", 503)
INVALID_CREDENTIALS = Fault(900901, "Invalid Credentials", 401)
NO_ENDPOINT = Fault(900901, "Invalid Credentials", 403)
MISSING_CREDENTIALS = Fault(900902, "Missing Credentials", 401)
TOKEN_EXPIRED = Fault(900903, "Access Token Expired", 401)
TOKEN_INACTIVE = Fault(900904, "Access Token Inactive", 401)
WRONG_TOKEN_TYPE = Fault(900905, "Incorrect Access Token Type is provided", 403)
_NO_RESOURCE = "No matching resource found in the API for the given request"
NO_RESOURCE = Fault(900906, _NO_RESOURCE, 404)
WRONG_METHOD = Fault(900906, _NO_RESOURCE, 405)
SUBSCRIPTION_BLOCKED = Fault(900907, "The requested API is temporarily blocked", 403)
FORBIDDEN = Fault(900908, "Resource forbidden", 403)
SUBSCRIPTION_INACTIVE = Fault(900909, "The subscription to the API is inactive", 403)
INSUFFICIENT_SCOPE = Fault(
    900910, "The access token does not allow you to access the requested resource", 403
)
_THROTTLED = "Message throttled out"
THROTTLED_UNAUTHENTICATED = Fault(900800, _THROTTLED, 429)
THROTTLED_RESOURCE = Fault(900802, _THROTTLED, 429)
THROTTLED_APPLICATION = Fault(900803, _THROTTLED, 429)
THROTTLED_SUBSCRIPTION = Fault(900804, _THROTTLED, 429)
API_BLOCKED = Fault(700700, "API blocked", 503)
BACKEND_FAILED = Fault(101503, "Backend refused or failed", 502)
BACKEND_TIMED_OUT = Fault(101504, "Backend timed out", 504)
CIRCUIT_OPEN = Fault(303001, "Backend circuit open", 503)
BAD_REQUEST = Fault(400, "Bad Request", 400)
BODY_TOO_SLOW = Fault(408, "Request Timeout", 408)
BODY_TOO_LONG = Fault(413, "Content Too Large", 413)


def challenge(fault: Fault) -> str | None:
    """Return the WWW-Authenticate value of a 401 (RFC 6750 section 3), None for other statuses."""
    if fault.status != 401:  # noqa: PLR2004
        return None
    error = "" if fault is MISSING_CREDENTIALS else ', error="invalid_token"'
    return f'Bearer realm="{REALM}"{error}'


def scope_challenge(scopes: Iterable[str]) -> str:
    """Return the WWW-Authenticate value for a token that has none of these scopes: each would do.

    RFC 6750 section 3.1. No scope holds a character that would have to be quoted.
    """
    return f'Bearer realm="{REALM}", error="insufficient_scope", scope="{" ".join(scopes)}"'


def render(fault: Fault, description: str, *, accept: str = "") -> tuple[str, bytes]:
    """Return content type and body: JSON, or XML where the Accept header prefers that."""
    if prefers_xml(accept):
        body = (
            f"<fault><code>{fault.code}</code><message>{escape(fault.message)}</message>"
            f"<description>{escape(description)}</description></fault>"
        )
        return "application/xml; charset=utf-8", body.encode()
    content = {"code": fault.code, "message": fault.message, "description": description}
    return "application/json; charset=utf-8", json.dumps({"fault": content}).encode()


def prefers_xml(accept: str) -> bool:
    """Return whether an Accept header ranks XML above JSON (RFC 9110 section 12.5.1).

    JSON wins a draw, and where neither is named.
    """
    if "xml" not in accept.lower():
        return False
    xml = max(quality(accept, media_type) for media_type in ("application/xml", "text/xml"))
    return xml > quality(accept, "application/json")


def quality(accept: str, media_type: str) -> float:
    """Return the weight an Accept header gives a media type, 0 for none.

    That of the most specific range that covers it (RFC 9110 section 12.5.1).
    """
    kind = media_type.partition("/")[0]
    rank = {"*/*": 1, f"{kind}/*": 2, media_type: 3}
    best = (0, 0.0)
    for part in accept.split(","):
        name, *parameters = (piece.strip().lower() for piece in part.split(";"))
        if name in rank:
            best = max(best, (rank[name], _weight(parameters)))
    return best[1]


def _weight(parameters: list[str]) -> float:
    for parameter in parameters:
        name, _, value = parameter.partition("=")
        if name.strip() == "q":
            try:
                return min(max(float(value), 0.0), 1.0)
            except ValueError:
                return 0.0
    return 1.0
