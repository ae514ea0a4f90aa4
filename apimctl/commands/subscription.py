"""`apimctl subscription`: which application may call which API."""

from typing import TYPE_CHECKING, Annotated, Any

import typer

from apimctl.commands.forms import (
    ApiOption,
    AppName,
    Destroys,
    Owner,
    Reads,
    Writes,
    invocation,
    noun,
)
from apimctl.domain.lifecycle import SUBSCRIPTION_VERBS
from apimctl.domain.models import DEFAULT_APPLICATION, Api, Application, Subscription
from apimctl.invocation import Invocation
from apimctl.services.shapes import subscription_shape

if TYPE_CHECKING:
    from sqlite3 import Connection

app = noun("Which application may call which API.")


@app.command(cls=Writes)
def create(
    ctx: typer.Context,
    *,
    api: ApiOption,
    app_name: AppName = DEFAULT_APPLICATION,
    owner: Owner = None,
    tier: Annotated[
        str | None,
        typer.Option(metavar="TIER", help="Its limit: Unlimited if the API allows that."),
    ] = None,
) -> None:
    """Subscribe an application to an API."""
    from apimctl.services import apis, applications, subscriptions  # noqa: PLC0415

    call = invocation(ctx)
    with call.writing() as db:
        application = applications.resolve(db, app_name, owner=owner)
        found = apis.resolve(db, api)
        subscription = subscriptions.create(
            db, application, found, tier=tier, now=call.now, random=call.random
        )
        _audit(call, db, "create", application, found, tier=subscription.tier)
    said = f"{application.name} subscribed to {found.reference} at {subscription.tier}"
    _done(call, subscription, application, found, said=said)


@app.command("list", cls=Reads)
def list_subscriptions(
    ctx: typer.Context,
    *,
    app_name: Annotated[
        str | None, typer.Option("--app", metavar="NAME", help="Only this application's.")
    ] = None,
    owner: Owner = None,
    api: Annotated[
        str | None, typer.Option("--api", metavar="API", help="Only to this API.")
    ] = None,
) -> None:
    """List the subscriptions."""
    from apimctl.services import apis, applications, subscriptions  # noqa: PLC0415

    call = invocation(ctx)
    with call.reading() as db:
        wanted = applications.choose(db, app_name, owner=owner)
        wanted_api = apis.resolve(db, api) if api is not None else None
        rows = [
            subscription_shape(subscription, application, found)
            for subscription, application, found in subscriptions.list_whole(db)
            if application in wanted and wanted_api in {None, found}
        ]
    call.output.rows(
        rows,
        columns=("application", "owner", "api", "version", "tier", "state"),
        bare="api",
        empty="no subscriptions; add one: apimctl subscription create --api NAME",
    )


@app.command(cls=Reads)
def show(
    ctx: typer.Context,
    *,
    api: ApiOption,
    app_name: AppName = DEFAULT_APPLICATION,
    owner: Owner = None,
) -> None:
    """Show one subscription."""
    from apimctl.services import apis, applications, subscriptions  # noqa: PLC0415

    call = invocation(ctx)
    with call.reading() as db:
        application = applications.resolve(db, app_name, owner=owner)
        found = apis.resolve(db, api)
        subscription = subscriptions.require(db, application, found)
    call.output.record(
        subscription_shape(subscription, application, found),
        title=f"{application.name} to {found.reference}",
        bare="api",
    )


@app.command(cls=Writes)
def update(
    ctx: typer.Context,
    *,
    api: ApiOption,
    tier: Annotated[str, typer.Option(metavar="TIER", help="Another tier.", show_default=False)],
    app_name: AppName = DEFAULT_APPLICATION,
    owner: Owner = None,
) -> None:
    """Move a subscription to another tier."""
    from apimctl.services import apis, applications, subscriptions  # noqa: PLC0415

    call = invocation(ctx)
    with call.writing() as db:
        application = applications.resolve(db, app_name, owner=owner)
        found = apis.resolve(db, api)
        subscription = subscriptions.update(db, application, found, tier=tier)
        _audit(call, db, "update", application, found, tier=subscription.tier)
    said = f"{application.name} has {found.reference} at {subscription.tier}"
    _done(call, subscription, application, found, said=said)


@app.command(cls=Writes)
def block(
    ctx: typer.Context,
    *,
    api: ApiOption,
    app_name: AppName = DEFAULT_APPLICATION,
    owner: Owner = None,
    production_only: Annotated[
        bool, typer.Option("--production-only", help="Let sandbox keys through.")
    ] = False,
) -> None:
    """Block a subscription, from the next request on."""
    verb = "block --production-only" if production_only else "block"
    _set_state(ctx, api=api, app_name=app_name, owner=owner, verb=verb)


@app.command(cls=Writes)
def unblock(
    ctx: typer.Context,
    *,
    api: ApiOption,
    app_name: AppName = DEFAULT_APPLICATION,
    owner: Owner = None,
) -> None:
    """Let a subscription through again."""
    _set_state(ctx, api=api, app_name=app_name, owner=owner, verb="unblock")


@app.command(cls=Writes)
def hold(
    ctx: typer.Context,
    *,
    api: ApiOption,
    app_name: AppName = DEFAULT_APPLICATION,
    owner: Owner = None,
) -> None:
    """Put a subscription on hold until it is approved with unblock."""
    _set_state(ctx, api=api, app_name=app_name, owner=owner, verb="hold")


@app.command(cls=Writes)
def reject(
    ctx: typer.Context,
    *,
    api: ApiOption,
    app_name: AppName = DEFAULT_APPLICATION,
    owner: Owner = None,
) -> None:
    """Reject a subscription."""
    _set_state(ctx, api=api, app_name=app_name, owner=owner, verb="reject")


@app.command(cls=Destroys)
def delete(
    ctx: typer.Context,
    *,
    api: ApiOption,
    app_name: AppName = DEFAULT_APPLICATION,
    owner: Owner = None,
) -> None:
    """Unsubscribe an application, from the next request on."""
    from apimctl.services import apis, applications, subscriptions  # noqa: PLC0415

    call = invocation(ctx)
    with call.reading() as db:
        application = applications.resolve(db, app_name, owner=owner)
        found = apis.resolve(db, api)
        subscriptions.require(db, application, found)
    call.confirm(f"Unsubscribe {application.name} from {found.reference}?")
    with call.writing() as db:
        subscription = subscriptions.delete(db, application, found)
        _audit(call, db, "delete", application, found)
    said = f"{application.name} unsubscribed from {found.reference}"
    _done(call, subscription, application, found, said=said)


def _done(
    call: Invocation, subscription: Subscription, application: Application, api: Api, *, said: str
) -> None:
    call.done(
        subscription_shape(subscription, application, api),
        title=f"{application.name} to {api.reference}",
        bare="api",
        said=said,
    )


def _audit(
    call: Invocation,
    db: "Connection",
    verb: str,
    application: Application,
    api: Api,
    **details: Any,
) -> None:
    whose = {"owner": application.owner, "api": api.reference}
    call.audit(db, f"subscription.{verb}", application.name, **whose, **details)


def _set_state(
    ctx: typer.Context, *, api: str, app_name: str, owner: str | None, verb: str
) -> None:
    from apimctl.services import apis, applications, subscriptions  # noqa: PLC0415

    call = invocation(ctx)
    with call.writing() as db:
        application = applications.resolve(db, app_name, owner=owner)
        found = apis.resolve(db, api)
        subscription = subscriptions.set_state(db, application, found, SUBSCRIPTION_VERBS[verb])
        _audit(call, db, verb.split(maxsplit=1)[0], application, found, state=subscription.state)
    said = f"the subscription of {application.name} to {found.reference} is {subscription.state}"
    _done(call, subscription, application, found, said=said)
