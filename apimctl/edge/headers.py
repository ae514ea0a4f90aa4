"""Which headers go on to the other side, as the bytes they came as.

Hop-by-hop headers go no further (RFC 9110 section 7.6.1); what `Connection` names goes no further
either, but for what framing, routing and admission rest on.
"""

from collections.abc import Iterable

RawHeaders = Iterable[tuple[bytes, bytes]]

HOP_BY_HOP = frozenset(
    {
        b"connection",
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
NOT_TO_BACKEND = HOP_BY_HOP | {
    b"host",
    b"expect",
    b"forwarded",
    b"x-forwarded-for",
    b"x-forwarded-proto",
    b"x-forwarded-host",
}
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
