"""The console: a request to an API, sent by the portal to the gateway, and what came back.

It works without a script, and no rule of CORS is in its way. The token that is sent is in the form
and in its answer, never in an address, in the store or in a log.
"""

from dataclasses import dataclass, field
from sqlite3 import Connection

from apimctl.domain.models import WHOLE_API, Api, Resource
from apimctl.domain.routing import base_paths
from apimctl.portal import api as api_pages
from apimctl.portal import apis, caller, calls, curl, gateway, verdicts
from apimctl.portal.caller import NoResponse
from apimctl.portal.calls import Call
from apimctl.portal.forms import Form, Problem
from apimctl.portal.gateway import Target
from apimctl.portal.replies import Page, Reply
from apimctl.portal.resources import ResourceRow, methods_of, read_example
from apimctl.portal.routes import Access, Post, Route
from apimctl.portal.tools import Tools
from apimctl.portal.verdicts import Verdict
from apimctl.portal.visits import Visit
from apimctl.services import catalogue, resources

PATH = f"{api_pages.PATH}/try"


@dataclass(frozen=True, slots=True)
class Tried:
    """A request that was sent, and what came of it."""

    call: Call = field(repr=False)
    outcome: Verdict | NoResponse


@dataclass(frozen=True, slots=True)
class _Asked:
    """What can be called; no `resources` where the API declares none, no `targets`: none runs."""

    api: Api
    resources: list[Resource]
    targets: list[Target]

    @property
    def base_path(self) -> str:
        """What every path begins with: the one that names the version."""
        return base_paths(self.api)[0]

    @property
    def methods(self) -> list[str]:
        """The methods that some resource has, GET before all others."""
        return methods_of(self.resources or [WHOLE_API])


def show(visit: Visit, db: Connection, *, tried: Tried | None = None) -> Reply:
    """Show the console; a resource may stand in its address, a token never does."""
    asked = _asked(visit, db)
    path = f"{apis.path_of(asked.api)}/try"
    picked = read_example(visit.fields.get("resource") or visit.query.get("resource", ""))
    initial = {"method": asked.methods[0], "path": "/", **visit.fields, **picked}
    base_url = gateway.url_for(visit, db)
    return Page(
        "try_it.html",
        {
            "api": asked.api,
            "form": visit.form(visit.path, **initial),
            "path": path,
            "methods": [(method, method) for method in asked.methods],
            "base_path": asked.base_path,
            "base_url": base_url,
            "resources": [ResourceRow(each) for each in asked.resources],
            "domain_header": visit.settings.gateway.client_domain_header,
            "gateway_runs": bool(asked.targets),
            "tried": tried,
            "answer": tried.outcome if tried and isinstance(tried.outcome, Verdict) else None,
            "curl": curl.repeat(base_url, tried.call) if tried else "",
        },
    )


async def send(tools: Tools, visit: Visit) -> Tried | None:
    """Send what was typed, if it is to be sent: choosing a resource only fills the form in.

    So does the form of another page. Raises FormError, NotFoundError.
    """
    if "send" not in visit.fields:
        return None
    asked = await tools.read(lambda db: _asked(visit, db))
    form = visit.submitted()
    call = _read(form, asked, domain_header=visit.settings.gateway.client_domain_header)
    target = await gateway.find(asked.targets)
    if target is None:
        raise form.refuse("", "No gateway runs at the moment", status=503)
    outcome = await tools.calls.take(
        lambda: caller.send(target, call, client=visit.address), whose=visit.user.id
    )
    if outcome is None:
        raise form.refuse("", "Many requests are being tried right now", status=503)
    return Tried(call, outcome if isinstance(outcome, NoResponse) else verdicts.judge(outcome))


def answer(visit: Visit, db: Connection) -> Reply:
    """Show the console with what came back."""
    return show(visit, db, tried=visit.prepared)


def _asked(visit: Visit, db: Connection) -> _Asked:
    api = catalogue.require(db, visit.places["name"], visit.places["version"])
    return _Asked(api, resources.list_of_api(db, api), gateway.targets(visit, db))


def _read(form: Form, asked: _Asked, *, domain_header: str) -> Call:
    """Return the request that was typed. Raises FormError."""
    method = form.text("method")
    if method not in asked.methods:
        form.problems["method"] = Problem("The API has no resource with this method")
    path = form.read("path", calls.read_path)
    query = form.read("query", calls.read_query)
    headers = form.read("headers", calls.read_headers) or ()
    domain = form.read("domain", calls.read_header_value)
    token = form.read("token", calls.read_token) or ""
    form.check()
    body = form.typed.get("body", "").replace("\r\n", "\n")
    if domain:
        headers = (*headers, (domain_header, domain))
    target = f"{asked.base_path}{path}" + (f"?{query}" if query else "")
    return Call(method, target, calls.typed(headers, body), body.encode(), token)


ROUTES = (
    Route(
        PATH,
        Access.SUBSCRIBER,
        show=show,
        post=Post(answer, again=show, prepare=send, writes=False),
    ),
)
