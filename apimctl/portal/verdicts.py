"""What the console says of an answer: what a fault of the gateway means, and its body as text."""

import codecs
import json
import re
from collections.abc import Mapping
from dataclasses import dataclass

from apimctl.domain import faults
from apimctl.domain.faults import Fault
from apimctl.portal.caller import MOST_BYTES, Response

MEANINGS: Mapping[Fault, str] = {
    faults.STORE_UNAVAILABLE: "The gateway cannot read its store right now. Try again.",
    faults.INVALID_CREDENTIALS: "This access token is not known: mistyped, or its key is gone.",
    faults.NO_ENDPOINT: "The API has no backend for keys of this type, production or sandbox.",
    faults.MISSING_CREDENTIALS: "This resource asks for an access token, and none was sent.",
    faults.TOKEN_EXPIRED: "The access token's time is over. Get a new one on My Subscriptions.",
    faults.TOKEN_INACTIVE: "The access token was revoked, or a newer one has replaced it.",
    faults.WRONG_TOKEN_TYPE: "This resource asks for a token of the other kind: a user's token, or"
    " an application's.",
    faults.NO_RESOURCE: "The API has no resource with this path.",
    faults.WRONG_METHOD: "The API has this path, but not with this method.",
    faults.SUBSCRIPTION_BLOCKED: "The application's subscription to this API is blocked.",
    faults.FORBIDDEN: "The application has not subscribed to this API, or the client domain is not"
    " among the key's allowed domains.",
    faults.SUBSCRIPTION_INACTIVE: "The application's subscription to this API waits for approval,"
    " or was rejected.",
    faults.INSUFFICIENT_SCOPE: "The access token has none of the scopes that this resource asks"
    " for.",
    faults.THROTTLED_UNAUTHENTICATED: "Too many requests without a token. Wait a little.",
    faults.THROTTLED_RESOURCE: "The tier of this resource lets no more through. Wait a little.",
    faults.THROTTLED_APPLICATION: "The application's tier lets no more through. Wait a little.",
    faults.THROTTLED_SUBSCRIPTION: "The subscription's tier lets no more through. Wait a little.",
    faults.API_BLOCKED: "The API is blocked for everybody at the moment.",
    faults.BACKEND_FAILED: "The API's backend cannot be reached, or its answer was broken.",
    faults.BACKEND_TIMED_OUT: "The API's backend did not answer in time.",
    faults.CIRCUIT_OPEN: "The API's backend failed several times; it is left alone for a moment.",
    faults.BAD_REQUEST: "The gateway cannot read this request in one way only.",
    faults.BODY_TOO_SLOW: "The request's body came too slowly.",
    faults.BODY_TOO_LONG: "The request's body is longer than the gateway takes.",
}
"""What each fault means to who calls an API."""

_BY_CODE = {(fault.code, fault.status): meaning for fault, meaning in MEANINGS.items()}
_CODE = re.compile(rb'\{"fault": \{"code": ([0-9]{3,6}),|<fault><code>([0-9]{3,6})</code>')
_CHARSET = re.compile(r";\s*charset=\"?([A-Za-z0-9_-]+)", re.ASCII)
_CHARSETS = {"utf-8", "us-ascii", "iso-8859-1", "windows-1252"}

LONGEST_LAID_OUT = 4 * MOST_BYTES
"""Characters of JSON with a field a line."""

_LAYOUT = json.JSONEncoder(indent=2, ensure_ascii=False)


@dataclass(frozen=True, slots=True)
class Verdict:
    """What is shown of an answer; `text` is None for a body that is no text."""

    response: Response
    meaning: str
    text: str | None
    length: int


def judge(response: Response) -> Verdict:
    """Return what is to be said of an answer."""
    return Verdict(response, meaning(response), text_of(response), len(response.body))


def meaning(response: Response) -> str:
    """Return what a fault of the gateway means; empty for any other answer."""
    found = _CODE.match(response.body)
    if found is None:
        return ""
    return _BY_CODE.get((int(found[1] or found[2]), response.status), "")


def text_of(response: Response) -> str | None:
    """Return a body as it is to be read, JSON with a field a line; None for what is no text."""
    headers = {name.lower(): value for name, value in response.headers}
    if b"\x00" in response.body or headers.get("content-encoding", "identity") != "identity":
        return None
    named = _CHARSET.search(headers.get("content-type", ""))
    charset = named[1].lower() if named and named[1].lower() in _CHARSETS else "utf-8"
    decoder = codecs.getincrementaldecoder(charset)()
    try:
        text = decoder.decode(response.body, final=not response.cut)
    except UnicodeDecodeError:
        return None
    return text if response.cut else _laid_out(text)


def _laid_out(text: str) -> str:
    """Return JSON with a field a line; as it is where that is no JSON, or far longer laid out.

    An indented line is as long as its place is deep: a thousand times the text, in the worst case.
    """
    if not text.lstrip().startswith(("{", "[")):
        return text
    pieces, room = [], LONGEST_LAID_OUT
    try:
        for piece in _LAYOUT.iterencode(json.loads(text)):
            pieces.append(piece)
            room -= len(piece)
            if room < 0:
                return text
    except (ValueError, RecursionError):
        return text
    return "".join(pieces)
