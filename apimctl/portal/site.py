"""The API Store, from a request to its page.

The way of a page: the route is found, the session and what the page shows are read in one
transaction, the template is filled. The way of a form: it has to be ours, sent from our own page;
then session, roles and what is to be done are one transaction, and a refused form is shown again.

It is served as the gateway is, by `apimctl.edge.connection`: with its limits and its patience.
"""

import asyncio
import contextlib
import logging
import math
import secrets
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from sqlite3 import Connection
from urllib.parse import urlencode

from aiohttp import hdrs
from authlib.oauth2 import OAuth2Error

from apimctl.config import Settings
from apimctl.edge.answers import Answer
from apimctl.edge.complaints import Complaints
from apimctl.edge.forwarded import client_address
from apimctl.edge.login.forms import read_form, read_query
from apimctl.edge.login.passwords import Passwords
from apimctl.edge.login.turns import Turns
from apimctl.edge.reader import Reader
from apimctl.edge.redaction import place_of
from apimctl.edge.request import Request
from apimctl.edge.request_target import origin_form, unclear
from apimctl.edge.writer import Writer
from apimctl.errors import (
    ApimctlError,
    StoreError,
    UserStoreError,
)
from apimctl.pages.browser import browser_of, is_from_elsewhere
from apimctl.portal import rendering
from apimctl.portal.answers import answer_with, redirect, send_asset, trouble
from apimctl.portal.entrance import NotLoggedInError, enter
from apimctl.portal.forms import Form, FormError, Problem, problem_of
from apimctl.portal.log_in import FIRST_PATH, LOG_IN_PATH, LOG_OUT_PATH, own_path
from apimctl.portal.pages import ROUTES
from apimctl.portal.repeats import Repeats
from apimctl.portal.replies import Redirect
from apimctl.portal.routes import Access, Post, Route, Router, Show, no_such_page
from apimctl.portal.tools import Tools
from apimctl.portal.visits import Visit, fingerprint
from apimctl.services import sessions

FRONT_PATHS = frozenset({"/", "/store", "/store/"})
NOT_OURS = Problem(
    "This form was not shown in this browser, or too long ago",
    "The page needs cookies. Nothing was done.",
    status=403,
)
UNREAD = "Nothing was done. Go back, and what you typed may still be there."
BUSY = Problem("Many pages are asked for right now", "Try again in a moment.", status=503)
FAILED = "Something went wrong here"

PAGES_AT_ONCE = 2
"""One that the reader makes, and the next one for it. All others wait, by network, in turns."""

MOST_WAITING = 500

CALLS_AT_ONCE = 16
"""Of the console, to the gateway: each may take a while. As many wait, by user, in turns."""

log = logging.getLogger("apimctl.gateway")


class Site:
    """Answers browsers, on behalf of the running event loop."""

    def __init__(self, settings: Callable[[], Settings], routes: Sequence[Route] = ROUTES) -> None:
        """Open the store of the `settings`, which are asked for again with every request."""
        self._settings = settings
        path = settings().store_path
        self._reader = Reader(path)
        self._writer = Writer(path)
        self._turns = Turns(PAGES_AT_ONCE, most_waiting=MOST_WAITING)
        self._passwords = Passwords(self._writer)
        calls = Turns(CALLS_AT_ONCE, most_waiting=CALLS_AT_ONCE)
        self._tools = Tools(self._passwords, calls, self._reader.submit, self._writer.submit)
        self._complaints = Complaints()
        self._router = Router(routes)
        # Apart: strangers cannot push out what users were answered.
        self._repeats = {access: Repeats() for access in Access}
        self._notes: set[asyncio.Task[None]] = set()

    async def close(self) -> None:
        """Finish what was begun and end the threads."""
        self._passwords.close()
        await asyncio.gather(*self._notes)
        await self._writer.close()
        await self._reader.close()

    async def handle(self, request: Request) -> Answer:
        """Answer one request, whatever it is."""
        path, mark, query = origin_form(request.raw_path).partition("?")
        refused = unclear(request, path, query)
        if refused is None and not path.isascii():
            refused = "The path is not written as RFC 3986 has it."
        if refused is not None:
            answer = trouble("/", Problem(refused.removesuffix("."), status=400))
            answer.force_close()
            return answer
        try:
            return await self._route(request, path, query)
        except NotLoggedInError:
            return self._to_log_in(path, mark + query, was_sending=request.method == "POST")
        except OAuth2Error as error:  # so the form reader says what is wrong with a form
            hint = UNREAD if request.method == "POST" else ""
            return trouble(path, Problem(error.description.removesuffix("."), hint, status=400))
        except StoreError as error:
            self._complaints.make(error.message)
            answer = trouble(
                path,
                Problem("The store cannot be used right now", "What you did last was not done."),
                status=503,
            )
            return answer.add([(hdrs.RETRY_AFTER, "1")])
        except ApimctlError as error:
            return trouble(path, problem_of(error))
        except ConnectionError:
            raise  # there is nobody to answer
        except Exception as error:  # noqa: BLE001 - whatever it is, the browser is to be told
            # Without the traceback: its values may be secrets.
            log.error("a page failed: %s at %s", type(error).__name__, place_of(error))  # noqa: TRY400
            answer = trouble(path, Problem(FAILED, "The log of the portal says more.", status=500))
            answer.force_close()
            return answer

    async def _route(self, request: Request, path: str, query: str) -> Answer:
        asset = rendering.ASSETS.get(path)
        if asset is not None:
            return send_asset(request, asset)
        if path in FRONT_PATHS:
            return redirect(path, Redirect(FIRST_PATH))
        found = self._router.find(path)
        if found is None:
            raise no_such_page()
        route, places = found
        if request.method in {"GET", "HEAD"} and route.show is not None:
            visit = self._visit(request, path, places, query=read_query(query))
            return await self._show(route.access, route.show, visit)
        if request.method == "POST" and route.post is not None:
            request.ask_for_body()
            fields = await read_form(request)
            visit = self._visit(request, path, places, fields=fields)
            return await self._take(request, route, route.post, visit)
        answer = trouble(path, Problem("This address does not take such requests", status=405))
        return answer.add([(hdrs.ALLOW, route.methods)])

    async def _show(self, access: Access, show: Show, visit: Visit) -> Answer:
        """Answer with a page: session and content are of one state of the store."""

        def read(db: Connection) -> tuple[Visit, Answer]:
            entered = enter(db, visit, access)
            return entered, answer_with(entered, show(entered, db))

        found = await self._turns.take(lambda: self._reader.submit(read), whose=visit.network)
        if found is None:
            return trouble(visit.path, BUSY).add([(hdrs.RETRY_AFTER, "1")])
        entered, answer = found
        self._note_use(entered)
        return answer

    async def _take(self, request: Request, route: Route, post: Post, visit: Visit) -> Answer:
        """Take a form, if it is one of ours, and only once."""
        if is_from_elsewhere(request, issuer=self._url(request)):
            return trouble(visit.path, NOT_OURS)
        if not visit.browser.wrote(visit.fields.get("form_token")):
            return await self._refuse_unknown(route, visit)
        secret, number = visit.browser.secret or "", visit.fields.get("once")
        if route.path == LOG_OUT_PATH:
            for repeats in self._repeats.values():
                repeats.forget(secret)
        if number is None:
            return await self._act(route, post, visit)
        repeats = self._repeats[route.access]
        key = (secret, visit.path, number, fingerprint(sorted(visit.fields.items())))
        is_repeat = key in repeats
        answer = await repeats.once(key, lambda: self._act(route, post, visit))
        if is_repeat and hdrs.SET_COOKIE not in answer.headers:
            # The session may have ended since. Of an answer with a new one, it was the act's to.
            await self._reader.submit(lambda db: enter(db, visit, route.access))
        return answer

    async def _refuse_unknown(self, route: Route, visit: Visit) -> Answer:
        """Refuse a form that this browser was not shown, but for what has come of it already.

        The second click on Log in or Log out comes with the new cookie, and with the old form.
        """
        entered = await self._reader.submit(lambda db: enter(db, visit, Access.ANYBODY))
        if route.path == LOG_IN_PATH and entered.person is not None:
            return redirect(visit.path, Redirect(own_path(visit.fields.get("next", ""))))
        if route.path == LOG_OUT_PATH and entered.person is None and not visit.is_new_browser:
            return redirect(visit.path, Redirect(LOG_IN_PATH, done="logged-out"))
        return trouble(visit.path, NOT_OURS)

    async def _act(self, route: Route, post: Post, visit: Visit) -> Answer:
        """Do what a form says, in one transaction; show it again if it is refused."""

        def act(db: Connection) -> tuple[Visit, Answer]:
            entered = enter(db, visit, route.access)
            if entered.logged_in is not None and post.writes:
                sessions.touch(db, entered.logged_in, now=entered.now)
            return entered, answer_with(entered, post.act(entered, db))

        submit = self._writer.submit if post.writes else self._reader.submit
        try:
            if post.prepare is not None:
                entered = await self._reader.submit(lambda db: enter(db, visit, route.access))
                visit = replace(visit, prepared=await post.prepare(self._tools, entered))
            entered, answer = await submit(act)
        except FormError as refused:
            form, status, headers = refused.form, refused.status, refused.headers
        except ApimctlError as error:
            if isinstance(error, StoreError) and not isinstance(error, UserStoreError):
                raise
            problem = problem_of(error)
            form = Form(visit.path, visit.fields, problem=problem)
            status, headers = problem.status, problem.headers
        else:
            if not post.writes:
                self._note_use(entered)
            return answer
        answer = await self._show(route.access, post.again, replace(visit, refused=form))
        if hdrs.LOCATION not in answer.headers:
            answer.status = status
        return answer.add(headers)

    def _note_use(self, visit: Visit) -> None:
        """Let the session live on; not every page is a commit, and none waits for one."""
        logged_in = visit.logged_in
        if logged_in is None or not sessions.is_due(logged_in, now=visit.now):
            return

        async def note() -> None:
            with contextlib.suppress(StoreError):  # the page is there already
                await self._writer.submit(lambda db: sessions.touch(db, logged_in, now=visit.now))

        noting = asyncio.get_running_loop().create_task(note())
        self._notes.add(noting)
        noting.add_done_callback(self._notes.discard)

    def _visit(
        self,
        request: Request,
        path: str,
        places: Mapping[str, str],
        *,
        query: Mapping[str, str] | None = None,
        fields: Mapping[str, str] | None = None,
    ) -> Visit:
        settings = self._settings()
        browser = browser_of(request, issuer=self._url(request))
        return Visit(
            path=path,
            root=rendering.root_of(path),
            browser=browser.told_apart(secrets.token_bytes),
            is_new_browser=browser.secret is None,
            settings=settings,
            now=math.ceil(time.time()),
            random=secrets.token_bytes,
            address=client_address(request, settings.gateway.trusted_proxies),
            agent=request.headers.get(hdrs.USER_AGENT, ""),
            host=request.host,
            places=places,
            query=query or {},
            fields=fields or {},
        )

    def _url(self, request: Request) -> str:
        """Return the URL that the browser knows us by."""
        return self._settings().portal.url or f"{request.scheme}://{request.host}"

    def _to_log_in(self, path: str, query: str, *, was_sending: bool) -> Answer:
        """Send the browser to the log-in, and from there to where it wanted."""
        wanted = self._page_near(path) if was_sending else path + query
        leads_on = f"?{urlencode({'next': wanted})}" if wanted != FIRST_PATH else ""
        done = "session-over" if was_sending else ""
        return redirect(path, Redirect(LOG_IN_PATH + leads_on, done=done))

    def _page_near(self, path: str) -> str:
        """Return the page that a form belongs to: its own address, or the nearest one above it."""
        while path:
            found = self._router.find(path)
            if found is not None and found[0].show is not None:
                return path
            path = path.rpartition("/")[0]
        return FIRST_PATH
