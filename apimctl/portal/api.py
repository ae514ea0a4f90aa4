"""One version of an API: where it answers, what it asks for, and a subscription to it."""

from sqlite3 import Connection

from apimctl.domain.lifecycle import SUBSCRIBABLE
from apimctl.domain.models import Application
from apimctl.domain.routing import base_paths
from apimctl.portal import apis, gateway, subscriptions
from apimctl.portal.forms import Form
from apimctl.portal.replies import Page, Redirect, Reply
from apimctl.portal.resources import ResourceRow
from apimctl.portal.routes import Access, Post, Route
from apimctl.portal.visits import Visit
from apimctl.portal.wording import tier_choices
from apimctl.services import catalogue, storefront
from apimctl.services import subscriptions as services

PATH = f"{apis.PATH}/{{name}}/{{version}}"


def show(visit: Visit, db: Connection) -> Reply:
    """Show a version that is out; who asks for another has mistyped, or comes too late."""
    found = catalogue.describe(db, visit.places["name"], visit.places["version"], user=visit.user)
    path = apis.path_of(found.api)
    return Page(
        "api.html",
        {
            "described": found,
            "api": found.api,
            "path": path,
            "form": visit.form(
                visit.path,
                application=visit.query.get("application", ""),
                tier=found.default_tier,
            ),
            "applications": [(each.id, each.name) for each in found.unsubscribed],
            "tiers": tier_choices(found.tiers),
            "resources": [ResourceRow(each) for each in found.resources],
            "is_subscribable": found.api.state in SUBSCRIBABLE,
            "base_paths": base_paths(found.api),
            "gateway_url": gateway.url_for(visit, db),
            "gateway_runs": bool(gateway.targets(visit, db)),
        },
    )


def subscribe(visit: Visit, db: Connection) -> Reply:
    """Let one of the user's applications call this version."""
    api = catalogue.require(db, visit.places["name"], visit.places["version"])
    form = visit.submitted()
    application = _application(visit, db, form)
    with form.blaming("tier"):
        tier = services.choose_tier(db, api, form.text("tier") or None)
    with form.blaming("application"):
        made = services.create(db, application, api, tier=tier, **visit.moment)
    visit.audit(
        db,
        "subscription.create",
        application.name,
        owner=application.owner,
        api=api.reference,
        tier=made.tier,
    )
    return Redirect(subscriptions.path_of(application), done="subscribed")


def _application(visit: Visit, db: Connection, form: Form) -> Application:
    application_id = form.require("application", "Choose an application")
    form.check()
    with form.blaming("application"):
        return storefront.require_application(db, application_id, owner=visit.user)


ROUTES = (Route(PATH, Access.SUBSCRIBER, show=show, post=Post(subscribe, again=show)),)
