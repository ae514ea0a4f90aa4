"""What clients are told of their limits (draft-ietf-httpapi-ratelimit-headers-11)."""

from collections.abc import Sequence

from aiohttp import hdrs

from apimctl.domain.limits import FAULTS
from apimctl.domain.quota import Scope, Verdict
from apimctl.edge import answers
from apimctl.edge.request import Request

Headers = Sequence[tuple[str, str]]

_NAMES = {scope: scope.value.encode() for scope in Scope}


def answer_headers(verdict: Verdict | None) -> Headers:
    """Return the tightest limit as the headers of an answer, none where nothing limits it.

    Both are Structured Fields (RFC 9651): lists of one string, its parameters integers.
    """
    if verdict is None:
        return ()
    limit = verdict.limit
    name = limit.scope.value
    return (
        ("RateLimit-Policy", f'"{name}";q={limit.requests};w={limit.per_seconds}'),
        ("RateLimit", f'"{name}";r={verdict.remaining};t={verdict.reset_seconds}'),
    )


def relayed(verdict: Verdict | None) -> Sequence[tuple[bytes, bytes]]:
    """Return the same headers for an answer of the backend's."""
    if verdict is None:
        return ()
    _, limit, remaining, reset_seconds, _ = verdict
    name = _NAMES[limit.scope]
    return (
        (b"RateLimit-Policy", b'"%b";q=%d;w=%d' % (name, limit.requests, limit.per_seconds)),
        (b"RateLimit", b'"%b";r=%d;t=%d' % (name, remaining, reset_seconds)),
    )


def refuse(request: Request, verdict: Verdict) -> answers.Answer:
    """Return the answer to a request that does not fit a limit; without the headers of that."""
    limit = verdict.limit
    return answers.fault_for(
        request,
        FAULTS[limit.scope],
        f"The {limit.scope.value} limit of {limit.requests} requests"
        f" per {limit.per_seconds} seconds is used up.",
        {hdrs.RETRY_AFTER: str(verdict.reset_seconds)},
    )
