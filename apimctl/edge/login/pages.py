"""What a browser gets from the authorization endpoint: a page, or the way back."""

from collections.abc import Mapping
from urllib.parse import urlencode, urlsplit

from aiohttp import hdrs
from authlib.oauth2.rfc6749 import InvalidRequestError
from multidict import CIMultiDict

from apimctl.domain.models import KeyType, User
from apimctl.domain.redirects import origin_of
from apimctl.edge.answers import Answer
from apimctl.edge.connection import Handler
from apimctl.edge.login.authorization import Asked, Verdict
from apimctl.edge.request import Request
from apimctl.pages.assets import ICON, STYLE, Asset
from apimctl.pages.browser import Browser
from apimctl.pages.headers import ASSET_HEADERS, page_headers
from apimctl.pages.rendering import HTML, Templates

FRONT, INNER = "", "../"
"""What leads from ``/authorize``, and from ``/authorize/...``, to the front door."""

LONGEST_REQUEST = 6 * 1024
"""Of the parameters of an authorization request: they have to fit into an address again."""

TO_APPLICATION = "Go back to the application you came from, and try again from there."

Parameters = Mapping[str, str]

_TEMPLATES = Templates("apimctl.pages")


def written(parameters: Parameters) -> str:
    """Return the parameters as a query. Raises InvalidRequestError if they are too long for one."""
    query = urlencode(parameters)
    if len(query) > LONGEST_REQUEST:
        raise InvalidRequestError(f"The request is longer than {LONGEST_REQUEST} bytes.")
    return query


def log_in_page(
    asked: Asked,
    parameters: Parameters,
    browser: Browser,
    *,
    root: str,
    username: str = "",
    message: str = "",
) -> Answer:
    """Ask for user name and password; the browser keeps what tells it from others."""
    page = _page(
        "log_in.html",
        root=root,
        leads_to=asked.redirect_uri,
        application=asked.application,
        parameters=written(parameters),
        form_token=browser.form_token(),
        has_user_stores=asked.has_user_stores,
        username=username,
        message=message,
    )
    return page.add([browser.cookie()])


def consent_page(asked: Asked, parameters: Parameters, browser: Browser, user: User) -> Answer:
    """Ask whether the application may have what it asks for. It is asked every time."""
    return _page(
        "consent.html",
        root=FRONT,
        leads_to=asked.redirect_uri,
        application=asked.application,
        is_sandbox=asked.key.key_type is KeyType.SANDBOX,
        origin=origin_of(asked.redirect_uri),
        scopes=asked.granted.scopes,
        shown_scope=asked.granted.text,
        parameters=written(parameters),
        form_token=browser.form_token(),
        user=user.qualified_name,
    )


def error_page(
    status: int,
    description: str,
    *,
    root: str,
    title: str = "This link does not work",
    advice: str = TO_APPLICATION,
) -> Answer:
    """Say what is wrong, in our words alone: nothing that came with the request is repeated."""
    page = _page("error.html", root=root, title=title, description=description, advice=advice)
    page.status = status
    return page


def end(verdict: Verdict, *, root: str) -> Answer:
    """Send the browser where the request ends, or say why it is sent nowhere."""
    if verdict.location is None:
        return error_page(400, verdict.description, root=root)
    return redirect(verdict.location)


def redirect(location: str) -> Answer:
    """Let the browser go on there with GET, whatever it has sent (RFC 9700 section 4.12)."""
    headers = CIMultiDict({hdrs.LOCATION: location})
    return Answer(status=303, headers=headers).add(page_headers())


def wrong_method(allowed: str, *, root: str) -> Answer:
    """Say that the page has no such method."""
    page = error_page(405, "This address does not take such requests.", root=root)
    return page.add([(hdrs.ALLOW, allowed)])


def _handler_of(asset: Asset) -> Handler:
    async def answer(request: Request) -> Answer:
        if request.method not in {"GET", "HEAD"}:
            return wrong_method("GET, HEAD", root="../../")
        headers = CIMultiDict({hdrs.CONTENT_TYPE: asset.content_type})
        return Answer(status=200, body=asset.content, headers=headers).add(ASSET_HEADERS)

    return answer


ASSETS: Mapping[str, Handler] = {asset.path: _handler_of(asset) for asset in (STYLE, ICON)}
"""What the pages consist of beside their text, by path."""


def _page(template: str, *, root: str, leads_to: str | None = None, **values: object) -> Answer:
    """Render a page. An application that is gone back to may lead on, so all of https is open."""
    schemes = () if leads_to is None else sorted({urlsplit(leads_to).scheme, "https"})
    headers = CIMultiDict({hdrs.CONTENT_TYPE: HTML})
    body = _TEMPLATES.render(template, root=root, **values)
    page = Answer(status=200, body=body, headers=headers)
    return page.add(page_headers(leads_to=schemes))
