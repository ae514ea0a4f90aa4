"""``/authorize``, step by step: log in, allow or deny, go back (RFC 6749 section 4.1).

No browser is ever sent to a place that the application did not register: what is wrong before that
is known ends in an error page, everything after it goes back to the application. The pages carry
the parameters of the authorization request on (`request`), and each step examines them anew.
"""

import functools
import secrets
from collections.abc import Awaitable, Callable
from sqlite3 import Connection

from aiohttp import hdrs
from authlib.oauth2.rfc6749 import OAuth2Error

from apimctl.domain.limits import client_network
from apimctl.domain.models import Actor, User, Via
from apimctl.edge.answers import Answer
from apimctl.edge.login import log_in, pages
from apimctl.edge.login.authorization import Asked, AuthorizationServer, Verdict
from apimctl.edge.login.context import LoginContext, LoginRequest
from apimctl.edge.login.forms import read_form, read_parameters, read_query
from apimctl.edge.login.log_in import NotLoggedIn
from apimctl.edge.login.pages import FRONT, INNER, Parameters
from apimctl.edge.login.passwords import Passwords
from apimctl.edge.request import Request
from apimctl.edge.writer import Writer
from apimctl.errors import StoreError, UserStoreError
from apimctl.pages.browser import Browser, browser_of, is_from_elsewhere
from apimctl.services import audit, sessions
from apimctl.services.sessions import LoggedIn

_Step = Callable[["Authorization", Request], Awaitable[Answer]]


class _ForeignFormError(Exception):
    """A form that we did not show in this browser."""


def _at(root: str) -> Callable[[_Step], _Step]:
    """Let a step end in an error page where it cannot go on; `root` is as the page has it."""

    def decorate(step: _Step) -> _Step:
        @functools.wraps(step)
        async def answer(authorization: "Authorization", request: Request) -> Answer:
            try:
                return await step(authorization, request)
            except OAuth2Error as error:
                return pages.error_page(400, error.description, root=root)
            except _ForeignFormError:
                return pages.error_page(
                    403,
                    "This form was not shown in this browser, or too long ago.",
                    root=root,
                    advice="The page needs cookies. " + pages.TO_APPLICATION,
                )
            except StoreError as error:
                if not isinstance(error, UserStoreError):  # of that the directories told
                    authorization.complain(error)
                page = pages.error_page(
                    503,
                    "Nobody can log in right now.",
                    root=root,
                    title="Please try again in a moment",
                    advice="What you did last was not done.",
                )
                return page.add([(hdrs.RETRY_AFTER, "1")])

        return answer

    return decorate


class Authorization:
    """Answers the browsers of users whom an application sends to us."""

    def __init__(
        self,
        writer: Writer,
        passwords: Passwords,
        *,
        context: Callable[[Connection, Request], LoginContext],
        issuer_of: Callable[[Request], str],
        address_of: Callable[[Request], str],
        complain: Callable[[StoreError], None],
    ) -> None:
        self.complain = complain
        self._writer = writer
        self._passwords = passwords
        self._context = context
        self._issuer_of = issuer_of
        self._address_of = address_of

    @_at(FRONT)
    async def authorize(self, request: Request) -> Answer:
        """Ask the user to log in, or to allow what the application asks for."""
        if request.method == "POST":
            # A form that another site sends comes without our cookie; where it leads to does not.
            return pages.redirect(f"authorize?{pages.written(await read_form(request))}")
        if request.method not in {"GET", "HEAD"}:
            return pages.wrong_method("GET, HEAD, POST", root=FRONT)
        parameters = read_query(request.raw_path.partition("?")[2])
        browser = self._browser(request)
        asked, logged_in = await self._examine(request, parameters, browser)
        if isinstance(asked, Verdict):
            return pages.end(asked, root=FRONT)
        if logged_in is None:
            browser = browser.told_apart(secrets.token_bytes)
            return pages.log_in_page(asked, parameters, browser, root=FRONT)
        return pages.consent_page(asked, parameters, browser, logged_in.user)

    @_at(INNER)
    async def log_in(self, request: Request) -> Answer:
        """Check a user's password and begin a session."""
        if request.method != "POST":
            return pages.wrong_method("POST", root=INNER)
        form, parameters, browser = await self._own_form(request)
        asked, _ = await self._examine(request, parameters, browser)
        if isinstance(asked, Verdict):
            return pages.end(asked, root=INNER)
        username = form.get("username", "")
        begun = await self._begin_session(request, browser, username, form.get("password", ""))
        if isinstance(begun, Browser):
            answer = pages.redirect(f"../authorize?{pages.written(parameters)}")
            return answer.add([begun.cookie()])
        page = pages.log_in_page(
            asked, parameters, browser, root=INNER, username=username, message=begun.message
        )
        page.status = begun.status
        return page.add(begun.headers)

    @_at(INNER)
    async def decide(self, request: Request) -> Answer:
        """Do what the user decided: back to the application with a code, or without."""
        if request.method != "POST":
            return pages.wrong_method("POST", root=INNER)
        form, parameters, browser = await self._own_form(request)
        allows = {"allow": True, "deny": False}.get(form.get("decision", ""))
        if allows is None:
            return pages.error_page(400, "The form holds no decision.", root=INNER)

        def decide(db: Connection) -> Verdict | None:
            context = self._context(db, request)
            logged_in = _find_session(context, browser)
            if logged_in is None:
                return None
            server = AuthorizationServer(LoginRequest(parameters, [], context))
            asked = server.examine(logged_in.user)
            if isinstance(asked, Verdict):
                return asked
            if allows and form.get("shown_scope") != asked.granted.text:
                return None
            return server.decide(asked, logged_in.user, allows=allows)

        verdict = await self._writer.submit(decide)
        if verdict is None:  # the session ended, or there is other to allow than the page showed
            return pages.redirect(f"../authorize?{pages.written(parameters)}")
        return pages.end(verdict, root=INNER)

    @_at(INNER)
    async def log_out(self, request: Request) -> Answer:
        """End the session, so that another user can log in."""
        if request.method != "POST":
            return pages.wrong_method("POST", root=INNER)
        _, parameters, browser = await self._own_form(request)

        def end_session(db: Connection) -> None:
            context = self._context(db, request)
            logged_in = _find_session(context, browser)
            if logged_in is not None:
                sessions.end(db, logged_in.secret)
                _record(context, logged_in.user, "session.logout")

        await self._writer.submit(end_session)
        answer = pages.redirect(f"../authorize?{pages.written(parameters)}")
        return answer.add([browser.anew(secrets.token_bytes).cookie()])

    async def _examine(
        self, request: Request, parameters: Parameters, browser: Browser
    ) -> tuple[Asked | Verdict, LoggedIn | None]:
        """Return what the user is to be asked, or the end of the request, and who the user is."""

        def examine(db: Connection) -> tuple[Asked | Verdict, LoggedIn | None]:
            context = self._context(db, request)
            logged_in = _find_session(context, browser)
            server = AuthorizationServer(LoginRequest(parameters, [], context))
            return server.examine(logged_in.user if logged_in else None), logged_in

        return await self._writer.submit(examine)

    async def _begin_session(
        self, request: Request, browser: Browser, username: str, password: str
    ) -> Browser | NotLoggedIn:
        """Return the browser with the session of the user whose password this is, or why not."""
        address = self._address_of(request)
        verified = await log_in.check(
            self._passwords, username, password, network=client_network(address)
        )
        if isinstance(verified, NotLoggedIn):
            return verified

        def begin(db: Connection) -> Browser | None:
            context = self._context(db, request)
            begun = log_in.begin_session(
                db,
                browser,
                verified,
                now=context.now,
                random=context.random,
                user_agent=request.headers.get(hdrs.USER_AGENT, ""),
                address=address,
            )
            if begun is not None:
                _record(context, verified, "session.login")
            return begun

        return await self._writer.submit(begin) or log_in.WRONG

    async def _own_form(self, request: Request) -> tuple[dict[str, str], Parameters, Browser]:
        """Return a form of ours, the authorization request it carries on, and the browser."""
        form = await read_form(request)
        browser = self._browser(request)
        if is_from_elsewhere(request, issuer=self._issuer_of(request)):
            raise _ForeignFormError
        if not browser.wrote(form.get("form_token")):
            raise _ForeignFormError
        return form, read_parameters(form.get("request", "").encode()), browser

    def _browser(self, request: Request) -> Browser:
        return browser_of(request, issuer=self._issuer_of(request))


def _find_session(context: LoginContext, browser: Browser) -> LoggedIn | None:
    if browser.secret is None:
        return None
    logged_in = sessions.find(context.db, browser.secret, now=context.now)
    if logged_in is not None:
        sessions.touch(context.db, logged_in, now=context.now)
    return logged_in


def _record(context: LoginContext, user: User, action: str) -> None:
    actor = Actor(user.qualified_name, Via.LOGIN_API)
    audit.record(
        context.db, actor=actor, action=action, target=user.qualified_name, now=context.now
    )
