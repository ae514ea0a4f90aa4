"""Which headers go on to the other side, as the bytes they came as.

Hop-by-hop headers go no further (RFC 9110 section 7.6.1); what `Connection` names goes no further
either, but for what framing, routing and admission rest on.
"""

from collections.abc import Iterable
from itertools import chain, product

RawHeaders = Iterable[tuple[bytes, bytes]]


def spellings(*names: bytes) -> frozenset[bytes]:
    """Return names, in lower case, and what CGI and its like take for them (RFC 3875 4.1.18).

    Such backends read ``X_Forwarded_For`` and ``X-Forwarded-For`` as one.
    """
    return frozenset(
        b"".join(chain.from_iterable(zip(words, (*marks, b""), strict=True)))
        for words in (name.split(b"-") for name in names)
        for marks in product((b"-", b"_", b"."), repeat=len(words) - 1)
    )


HOP_BY_HOP = frozenset(
    {
        b"connection",
        b"http2-settings",  # of an upgrade to h2c, which `Connection` has to name, and may forget
        b"keep-alive",
        b"proxy-authenticate",
        b"proxy-authorization",
        b"proxy-connection",
        b"te",
        b"trailer",
        b"transfer-encoding",
        b"upgrade",
    }
)
FORWARDING = spellings(b"forwarded", b"x-forwarded-for", b"x-forwarded-proto", b"x-forwarded-host")
"""What the gateway itself tells the backend of the client."""

NOT_TO_BACKEND = HOP_BY_HOP | FORWARDING | {b"host", b"expect"}
NOT_TO_BACKEND_WITH_TOKEN = NOT_TO_BACKEND | {b"authorization"}

_NEVER_NAMED_AWAY = frozenset({b"host", b"content-length", b"authorization"})


def end_to_end(headers: RawHeaders, *, without: frozenset[bytes]) -> list[bytes]:
    """Return the header lines that go on, in order, repeats kept: pieces to be joined.

    `without` are the names, in lower case, that stay behind whatever `Connection` says.
    """
    pieces: list[bytes] = []
    named: set[bytes] = set()
    for name, value in headers:
        lowered = name.lower()
        if lowered not in without:
            pieces += (name, b": ", value, b"\r\n")
        elif lowered == b"connection":
            named.update(token.strip().lower() for token in value.split(b","))
    named -= _NEVER_NAMED_AWAY
    if named - without - {b"close"}:
        kept = [(name, value) for name, value in headers if name.lower() != b"connection"]
        return end_to_end(kept, without=without | named)
    return pieces
