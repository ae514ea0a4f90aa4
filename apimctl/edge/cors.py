"""Cross-origin resource sharing: which pages may read an API's answers (Fetch, section 3.2).

Where an API lists origins, the gateway speaks for it: it answers preflights without asking for a
token, and its headers stand in for the backend's, on faults too, so that a page can read them.
"""

import re
from collections.abc import Iterable, Sequence

from aiohttp import hdrs

from apimctl.domain.cors import ANY_ORIGIN, allowed_origin
from apimctl.domain.lifecycle import ROUTED
from apimctl.domain.models import Api
from apimctl.domain.routing import Match
from apimctl.edge.answers import Answer
from apimctl.edge.connection import Handler, Response
from apimctl.edge.request import Request

Headers = Sequence[tuple[str, str]]

REPLACED = frozenset(
    {
        b"access-control-allow-origin",
        b"access-control-allow-credentials",
        b"access-control-allow-methods",
        b"access-control-allow-headers",
        b"access-control-max-age",
    }
)
"""What a backend says of CORS and nobody hears; only it knows which headers it exposes."""

PREFLIGHT_SECONDS = 600
"""How long a browser may remember a preflight: also how late it learns of a change."""

EXPOSED = ("RateLimit", "RateLimit-Policy", "Retry-After", "WWW-Authenticate")
"""Headers of the gateway's own that a page may read."""

_ALLOWED = (hdrs.AUTHORIZATION, hdrs.CONTENT_TYPE)
_MOST_ASKED = 100
_TOKEN = re.compile(r"[A-Za-z0-9!#$%&'*+.^_`|~-]+", re.ASCII)
_EXPOSED = (hdrs.ACCESS_CONTROL_EXPOSE_HEADERS, ", ".join(EXPOSED))
_ANY_PAGE = (hdrs.ACCESS_CONTROL_ALLOW_ORIGIN, "*")
_ORIGIN_MATTERS = (hdrs.VARY, hdrs.ORIGIN)
_PREFLIGHT_MATTERS = (
    hdrs.VARY,
    f"{hdrs.ORIGIN}, {hdrs.ACCESS_CONTROL_REQUEST_METHOD}, {hdrs.ACCESS_CONTROL_REQUEST_HEADERS}",
)


def preflight_method(request: Request) -> str | None:
    """Return the method that a preflight asks about, None if the request is no preflight."""
    if request.method != hdrs.METH_OPTIONS or hdrs.ORIGIN not in request.headers:
        return None
    return request.headers.get(hdrs.ACCESS_CONTROL_REQUEST_METHOD)


def speaks_for(match: Match | None) -> bool:
    """Return whether the gateway answers for CORS there, and not the backend."""
    return match is not None and bool(match.api.cors_origins) and match.api.state in ROUTED


def answer_preflight(
    request: Request, match: Match, asked_method: str, *, client_domain_header: str
) -> Answer:
    """Return what a page of this origin may send to a resource that has methods.

    A page of another origin, or a method that is not there, is refused by what is not said.
    """
    own: list[tuple[str, str]] = [_PREFLIGHT_MATTERS]
    if origin := _sharing(match.api, request):
        methods = set(match.methods)
        if match.resource is not None and _TOKEN.fullmatch(asked_method):
            methods.add(asked_method)  # of a resource for all methods, also one that few know
        asked_headers = request.headers.getall(hdrs.ACCESS_CONTROL_REQUEST_HEADERS, ())
        own += [
            *origin,
            (hdrs.ACCESS_CONTROL_ALLOW_METHODS, ", ".join(sorted(methods))),
            (
                hdrs.ACCESS_CONTROL_ALLOW_HEADERS,
                ", ".join(_allowed_headers(client_domain_header, asked_headers)),
            ),
            (hdrs.ACCESS_CONTROL_MAX_AGE, str(PREFLIGHT_SECONDS)),
        ]
    return Answer(status=204).add(own)


def answer_headers(request: Request, match: Match | None) -> Headers:
    """Return the headers of whatever answers the request; none where CORS is the backend's."""
    if match is None or not speaks_for(match):
        return ()
    own = [*_sharing(match.api, request)]
    if own:
        own.append(_EXPOSED)
    if ANY_ORIGIN not in match.api.cors_origins:
        own.append(_ORIGIN_MATTERS)  # a cache must not give one page the answer to another
    return own


def open_to_pages(handler: Handler, *, methods: str) -> Handler:
    """Return the handler of an endpoint that pages of every origin may use with these methods.

    It is for endpoints that no cookie opens: what a page sends there, it has of itself.
    """

    async def answer(request: Request) -> Response:
        if preflight_method(request) is not None:
            return Answer(status=204).add(
                [
                    _ANY_PAGE,
                    (hdrs.ACCESS_CONTROL_ALLOW_METHODS, methods),
                    (hdrs.ACCESS_CONTROL_ALLOW_HEADERS, ", ".join(_ALLOWED)),
                    (hdrs.ACCESS_CONTROL_MAX_AGE, str(PREFLIGHT_SECONDS)),
                ]
            )
        response = await handler(request)
        return response.add([_ANY_PAGE, _EXPOSED]) if isinstance(response, Answer) else response

    return answer


def relayed(own: Headers) -> Sequence[tuple[bytes, bytes]]:
    """Return the headers for an answer of the backend's, whose own ones of CORS they replace."""
    if not own:
        return ()
    replaced = dict.fromkeys(REPLACED, b"")
    for name, _ in own:
        replaced.pop(name.lower().encode(), None)
    return [*replaced.items(), *((name.encode(), value.encode()) for name, value in own)]


def _sharing(api: Api, request: Request) -> Headers:
    sent = request.headers.getall(hdrs.ORIGIN, ())
    allowed = allowed_origin(api.cors_origins, sent[0] if len(sent) == 1 else None)
    if allowed is None:
        return ()
    own: list[tuple[str, str]] = [(hdrs.ACCESS_CONTROL_ALLOW_ORIGIN, allowed)]
    if api.cors_credentials:
        own.append((hdrs.ACCESS_CONTROL_ALLOW_CREDENTIALS, "true"))
    return own


def _allowed_headers(client_domain_header: str, asked: Iterable[str]) -> Iterable[str]:
    """Return what every page needs, and what this one asks for: the token admits, not the page."""
    names = {name.lower(): name for name in (*_ALLOWED, client_domain_header)}
    for name in ",".join(asked).split(",")[:_MOST_ASKED]:
        if _TOKEN.fullmatch(name.strip()):
            names.setdefault(name.strip().lower(), name.strip())
    return names.values()
