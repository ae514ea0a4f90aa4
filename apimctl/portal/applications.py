"""The user's applications: the list, the form that makes and changes one, and its end."""

from collections.abc import Mapping
from sqlite3 import Connection

from apimctl.domain.models import UNLIMITED, Application, GrantType, TokenFormat
from apimctl.domain.names import check_name, check_text
from apimctl.domain.redirects import check_redirect_uri
from apimctl.portal import confirmation, subscriptions
from apimctl.portal.forms import Form, Problem
from apimctl.portal.panels import require_application
from apimctl.portal.replies import Page, Redirect, Reply
from apimctl.portal.routes import Access, Post, Route
from apimctl.portal.visits import Visit, fingerprint
from apimctl.portal.wording import tier_choices
from apimctl.services import applications, storefront, tiers
from apimctl.services.applications import ApplicationForm
from apimctl.services.shapes import application_shape, changes
from apimctl.services.storefront import Extent

PATH = "/store/applications"
NEW_PATH = f"{PATH}/new"

CONFIDENTIAL, PUBLIC = "confidential", "public"
"""What an application can be, as the form has it."""

FIELDS: Mapping[str, str] = {
    "name": "Name",
    "tier": "Tier",
    "description": "Description",
    "callback_urls": "Callback URLs",
    **{f"grant_{grant}": f"Grant {grant.replace('_', ' ')}" for grant in GrantType},
    "token_format": "Access tokens",
    "client": "Kind of application",
}
"""The fields of the form, as a message names them."""


def path_of(application: Application) -> str:
    """Return the address of the form that changes an application."""
    return f"{PATH}/{application.id}"


def show_list(visit: Visit, db: Connection) -> Reply:
    """Show the user's own applications."""
    return Page("applications.html", {"summaries": storefront.list_summaries(db, visit.user.id)})


def show_new(visit: Visit, db: Connection) -> Reply:
    """Show the form that makes an application: what is usual is filled in."""
    usual = Application("", "", "", "", UNLIMITED, "", visit.now)
    return _form_page(visit, db, visit.form(NEW_PATH, **_texts(usual)), None)


def show(visit: Visit, db: Connection) -> Reply:
    """Show the form that changes an application."""
    application = require_application(visit, db)
    form = visit.form(path_of(application), **_texts(application))
    return _form_page(visit, db, form, application)


def create(visit: Visit, db: Connection) -> Reply:
    """Add an application of the user's. Raises FormError, ConflictError for too many."""
    if not visit.whoever.is_admin:
        applications.check_may_have_more(db, visit.user)
    form = visit.submitted()
    name, wanted = _read(db, form)
    with form.blaming("name"):
        application = applications.create(
            db, name, owner=visit.user.qualified_name, form=wanted, **visit.moment
        )
    visit.audit(db, "app.create", application.name, owner=application.owner)
    return Redirect(subscriptions.path_of(application), done="app-created")


def update(visit: Visit, db: Connection) -> Reply:
    """Change an application, if it still is as the page showed it."""
    before = require_application(visit, db)
    visit.require_seen(_seen(before))
    form = visit.submitted()
    name, wanted = _read(db, form)
    with form.blaming("name"):
        after = applications.update(db, before, wanted, name=name)
    changed = changes(application_shape(before), application_shape(after))
    if not changed:
        return Redirect(path_of(after), done="unchanged")
    visit.audit(db, "app.update", before.name, **{"owner": after.owner, **changed})
    return Redirect(path_of(after), done=_done(before, after))


def show_delete(visit: Visit, db: Connection) -> Reply:
    """Ask whether the application may go, and say what goes with it."""
    application = require_application(visit, db)
    extent = storefront.extent_of(db, application)
    if applications.is_default(application):
        return Page("application_stays.html", {"application": application})
    keys, subscribed = len(extent.keys), len(extent.subscriptions)
    return confirmation.ask(
        f"Delete {application.name}?",
        says=[
            f"With it go {_count(keys, 'key')} and {_count(subscribed, 'subscription')}.",
            "Its access tokens and its users' stop with the next request. Nobody can undo this.",
        ],
        button="Delete application",
        back=path_of(application),
        seen=_seen(application, extent),
    )


def delete(visit: Visit, db: Connection) -> Reply:
    """Remove an application with all that is its."""
    application = require_application(visit, db)
    if not applications.is_default(application):  # else the page said why not
        visit.require_seen(_seen(application, storefront.extent_of(db, application)))
    applications.delete(db, application)
    visit.audit(db, "app.delete", application.name, owner=application.owner)
    return Redirect(PATH, done="app-deleted")


def _form_page(visit: Visit, db: Connection, form: Form, application: Application | None) -> Page:
    return Page(
        "application_form.html",
        {
            "form": form,
            "application": application,
            "is_default": application is not None and applications.is_default(application),
            "seen": "" if application is None else _seen(application),
            "elsewhere": _changed_elsewhere(visit, form, application),
            "tiers": tier_choices(
                tier
                for tier in tiers.list_all(db)
                if tiers.is_offered(tier) or tier.name == form.text("tier")
            ),
            "grants_on": visit.settings.login_api.grants,
        },
    )


def _changed_elsewhere(
    visit: Visit, form: Form, application: Application | None
) -> list[tuple[str, str]]:
    """Return what is otherwise now than it was typed into a page that has become stale."""
    if visit.refused is None or application is None:
        return []
    if form.typed.get("seen") == _seen(application):
        return []
    now = _texts(application)
    return [
        (label, _said(name, now))
        for name, label in FIELDS.items()
        if now.get(name, "").split() != form.text(name).split()
    ]


def _said(name: str, texts: Mapping[str, str]) -> str:
    """Return what a field holds, as a person says it."""
    if name.startswith("grant_"):
        return "allowed" if name in texts else "not allowed"
    return ", ".join(texts.get(name, "none").splitlines())


def _seen(application: Application, extent: Extent | None = None) -> str:
    """Return what tells whether an application, and what is its, is still as a page showed it."""
    of_extent: list[str] = []
    if extent is not None:
        of_extent += (key.consumer_key for key in extent.keys)
        of_extent += (subscription.id for subscription in extent.subscriptions)
    return fingerprint(application_shape(application), of_extent)


def _texts(application: Application) -> dict[str, str]:
    """Return an application as the fields of the form have it."""
    grants = set(GrantType) if application.grants is None else application.grants
    texts = {
        "name": application.name,
        "tier": application.tier,
        "description": application.description,
        "callback_urls": "\n".join(application.callback_urls),
        "token_format": application.token_format,
        "client": PUBLIC if application.is_public else CONFIDENTIAL,
        **{f"grant_{grant}": "on" for grant in grants},
    }
    return {name: text for name, text in texts.items() if text}


def _read(db: Connection, form: Form) -> tuple[str, ApplicationForm]:
    """Return the name and what else was typed. Raises FormError."""
    name = form.read("name", lambda text: check_name(text, what="application"))
    client = form.choose("client", (CONFIDENTIAL, PUBLIC))
    grants = {grant for grant in GrantType if form.is_checked(f"grant_{grant}")}
    if not grants:
        form.problems["grants"] = Problem("Choose at least one")
    wanted = ApplicationForm(
        tier=form.read("tier", lambda text: tiers.require(db, text).name),
        description=form.read("description", lambda text: check_text(text, what="description")),
        callback_urls=form.read("callback_urls", _callback_urls),
        grants=frozenset() if grants == set(GrantType) else frozenset(grants),
        token_format=form.choose("token_format", TokenFormat),
        is_public=client == PUBLIC,
    )
    form.check()
    return name or "", wanted


def _callback_urls(text: str) -> list[str]:
    """Return the URLs of a text that has one on each line. Raises InvalidInputError."""
    return [check_redirect_uri(line, what="callback URL") for line in text.split()]


def _done(before: Application, after: Application) -> str:
    """Return what the page says next: also what becomes of the consumer secrets."""
    if after.is_public == before.is_public:
        return "app-updated"
    return "app-made-public" if after.is_public else "app-made-confidential"


def _count(number: int, of: str) -> str:
    """Write how many there are: ``1 key``, ``no subscriptions``."""
    return f"{number or 'no'} {of}{'' if number == 1 else 's'}"


ROUTES = (
    Route(PATH, Access.SUBSCRIBER, show=show_list),
    Route(NEW_PATH, Access.SUBSCRIBER, show=show_new, post=Post(create, again=show_new)),
    Route(f"{PATH}/{{application}}", Access.SUBSCRIBER, show=show, post=Post(update, again=show)),
    Route(
        f"{PATH}/{{application}}/delete",
        Access.SUBSCRIBER,
        show=show_delete,
        post=Post(delete, again=show_delete),
    ),
)
