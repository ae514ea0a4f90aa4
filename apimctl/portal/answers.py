"""What a browser is sent: pages, redirects and files, each with the headers that guard it."""

from urllib.parse import quote, urlencode

from aiohttp import hdrs
from multidict import CIMultiDict

from apimctl.edge.answers import Answer
from apimctl.edge.request import Request
from apimctl.pages.assets import Asset
from apimctl.pages.headers import ASSET_HEADERS, page_headers
from apimctl.pages.rendering import HTML
from apimctl.portal import rendering
from apimctl.portal.forms import Problem
from apimctl.portal.replies import Redirect, Reply
from apimctl.portal.visits import Visit


def answer_with(visit: Visit, reply: Reply) -> Answer:
    """Return what a page or a form ends in."""
    if isinstance(reply, Redirect):
        return redirect(visit.path, reply)
    answer = _page(rendering.render(visit, reply), status=reply.status)
    if visit.is_new_browser:
        answer.add([visit.browser.cookie()])
    return answer


def _page(body: bytes, *, status: int) -> Answer:
    headers = CIMultiDict({hdrs.CONTENT_TYPE: HTML})
    answer = Answer(status=status, body=body, headers=headers)
    return answer.add(page_headers(has_script=True)).add(rendering.HEADERS)


def trouble(path: str, problem: Problem, *, status: int | None = None) -> Answer:
    """Return a page that says what is wrong, and leads back."""
    return _page(rendering.trouble(path, problem), status=status or problem.status)


def redirect(path: str, reply: Redirect) -> Answer:
    """Let the browser go on there with GET: always to a page of ours, by a relative address."""
    location = rendering.root_of(path) + quote(reply.to.removeprefix("/"), safe="/?&=%+~")
    if reply.done:
        location += ("&" if "?" in location else "?") + urlencode({"done": reply.done})
    answer = Answer(status=303, headers=CIMultiDict({hdrs.LOCATION: location}))
    answer.add(page_headers(has_script=True)).add(rendering.HEADERS)
    return answer if reply.browser is None else answer.add([reply.browser.cookie()])


def send_asset(request: Request, asset: Asset) -> Answer:
    """Return a file that the pages refer to."""
    if request.method not in {"GET", "HEAD"}:
        answer = trouble(asset.path, Problem("This is a file", status=405))
        return answer.add([(hdrs.ALLOW, "GET, HEAD")])
    headers = CIMultiDict({hdrs.CONTENT_TYPE: asset.content_type})
    return Answer(status=200, body=asset.content, headers=headers).add(ASSET_HEADERS)
