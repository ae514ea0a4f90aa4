"""`apimctl token issue`: a user token, without the user's password."""

from typing import Annotated

import typer

from apimctl.commands.forms import (
    AppName,
    Owner,
    Production,
    Sandbox,
    invocation,
    key_type,
)
from apimctl.domain.models import DEFAULT_APPLICATION
from apimctl.domain.validity import parse_validity
from apimctl.services.shapes import length, moment


def issue(
    ctx: typer.Context,
    *,
    user: Annotated[
        str, typer.Option(metavar="USER", help="Whose: alice, FOO.COM/alice.", show_default=False)
    ],
    app_name: AppName = DEFAULT_APPLICATION,
    owner: Owner = None,
    production: Production = False,
    sandbox: Sandbox = False,
    scope: Annotated[
        list[str] | None,
        typer.Option(metavar="SCOPE", help="A scope that the user may have; repeat for more."),
    ] = None,
    validity: Annotated[
        str | None,
        typer.Option(metavar="V", help="Shorter than it would live: 15m. Never longer."),
    ] = None,
) -> None:
    """Issue a user token with its refresh token, as if the user had logged in.

    It is shown here and never again.
    """
    from apimctl.services import issuance  # noqa: PLC0415 - not for --help

    call = invocation(ctx)
    which = key_type(production=production, sandbox=sandbox)
    shorter_seconds = None if validity is None else parse_validity(validity)
    with call.writing() as db:
        made = issuance.issue(
            db,
            user,
            app=app_name,
            owner=owner,
            key_type=which,
            scope_names=scope or (),
            shorter_seconds=shorter_seconds,
            settings=call.settings.tokens,
            now=call.now,
            random=call.random,
        )
        call.audit_token(db, "token.issue", made.issued.token)
    call.done(
        {
            "application": made.application.name,
            "key_type": str(which),
            "user": made.user.qualified_name,
            "access_token": made.issued.access_token,
            "refresh_token": made.issued.refresh_token,
            "scope": made.issued.token.scope,
            "validity_seconds": length(made.issued.validity_seconds),
            "expires_at": moment(made.issued.token.expires_at),
        },
        title=f"{made.application.name}, {which}, {made.user.qualified_name}",
        bare="access_token",
        said=f"issued a {which.lower()} token of {made.application.name}"
        f" for {made.user.qualified_name}",
        secret_fields=("access_token", "refresh_token"),
    )
