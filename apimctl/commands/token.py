"""`apimctl token`: access tokens."""

from typing import Annotated

import typer

from apimctl.commands import token_inspect, token_issue, token_list, token_purge
from apimctl.commands.forms import (
    AppName,
    Owner,
    Production,
    Reads,
    Sandbox,
    Validity,
    Writes,
    invocation,
    named_key_type,
    noun,
)
from apimctl.domain.models import DEFAULT_APPLICATION, KeyType
from apimctl.domain.validity import parse_duration_or_none, parse_validity
from apimctl.errors import UsageError
from apimctl.invocation import Invocation
from apimctl.services.shapes import length, moment

app = noun("Access tokens: issue, renew, list, inspect, revoke, purge.")


@app.command(cls=Writes)
def renew(
    ctx: typer.Context,
    app_name: AppName = DEFAULT_APPLICATION,
    owner: Owner = None,
    *,
    production: Production = False,
    sandbox: Sandbox = False,
    validity: Validity = None,
    grace: Annotated[
        str, typer.Option(metavar="D", help="How long the old token lives on: 10m.")
    ] = "0",
    refresh_token_stdin: Annotated[
        bool,
        typer.Option("--refresh-token-stdin", help="Renew a user token; read its refresh token."),
    ] = False,
) -> None:
    """Re-generate an application's access token: the old one stops, key and domains stay.

    A validity becomes the key's own, for later tokens too. Without --production and --sandbox it
    is the production token; the sandbox one only where the application has no production key.
    With --refresh-token-stdin, renew a user's token instead.
    """
    call = invocation(ctx)
    which = named_key_type(production=production, sandbox=sandbox)
    if refresh_token_stdin:
        if which or validity or owner or (app_name, grace) != (DEFAULT_APPLICATION, "0"):
            raise UsageError(
                "--refresh-token-stdin goes with no other option of renew",
                hint="The refresh token says which key it belongs to.",
            )
        _renew_user_token(call)
        return
    _renew_application_token(call, app_name, owner, which, validity=validity, grace=grace)


def _renew_application_token(
    call: Invocation,
    app_name: str,
    owner: str | None,
    which: KeyType | None,
    *,
    validity: str | None,
    grace: str,
) -> None:
    from apimctl.services import applications, keys, renewal  # noqa: PLC0415 - not for --help

    validity_seconds = None if validity is None else parse_validity(validity)
    grace_seconds = parse_duration_or_none(grace, what="grace")
    with call.writing() as db:
        application = applications.resolve(db, app_name, owner=owner)
        key = keys.require(db, application, which) if which else keys.choose(db, application)
        issued = renewal.renew_application_token(
            db,
            key,
            validity_seconds=validity_seconds,
            grace_seconds=grace_seconds,
            settings=call.settings.tokens,
            now=call.now,
            random=call.random,
        )
        details = {} if validity_seconds is None else {"validity_seconds": length(validity_seconds)}
        call.audit_token(db, "token.renew", issued.token, grace_seconds=grace_seconds, **details)
    old = (
        f"the old one ends at {moment(call.now + grace_seconds)}"
        if grace_seconds
        else "the old one is revoked"
    )
    said = f"renewed the {key.key_type.lower()} token of {application.name}; {old}"
    if which is None and key.key_type is KeyType.SANDBOX:
        said += "; it has no production key"
    call.done(
        {
            "application": application.name,
            "key_type": str(key.key_type),
            "access_token": issued.access_token,
            "validity_seconds": length(issued.validity_seconds),
            "expires_at": moment(issued.token.expires_at),
        },
        title=f"{application.name}, {key.key_type}",
        bare="access_token",
        said=said,
        secret_fields=("access_token",),
    )


def _renew_user_token(call: Invocation) -> None:
    from apimctl.services import renewal, tokens  # noqa: PLC0415 - not for --help

    secret = call.read_secret("refresh token", from_stdin=True, option="--refresh-token-stdin")
    text = secret.strip()
    with call.writing() as db:
        renewed = renewal.renew_as_administrator(
            db, text, settings=call.settings.tokens, now=call.now, random=call.random
        )
        if isinstance(renewed, renewal.RenewedToken):
            call.audit_token(db, "token.renew", renewed.issued.token)
        elif renewed is renewal.SpentReason.REPLAYED:
            call.audit_token(db, "token.replay", tokens.require_refresh_token(db, text))
    if isinstance(renewed, renewal.SpentReason):
        raise renewal.refusal(renewed)
    call.done(
        {
            "application": renewed.application.name,
            "key_type": str(renewed.key.key_type),
            "access_token": renewed.issued.access_token,
            "refresh_token": renewed.issued.refresh_token,
            "validity_seconds": length(renewed.issued.validity_seconds),
            "expires_at": moment(renewed.issued.token.expires_at),
        },
        title=f"{renewed.application.name}, {renewed.key.key_type}",
        bare="access_token",
        said="renewed the user token; the old access and refresh tokens are inactive",
        secret_fields=("access_token", "refresh_token"),
    )


app.command("list", cls=Reads)(token_list.list_tokens)
app.command(cls=Reads)(token_inspect.inspect)


@app.command(cls=Writes)
def revoke(
    ctx: typer.Context,
    *,
    token_stdin: Annotated[
        bool, typer.Option("--token-stdin", help="Read an access or refresh token from stdin.")
    ] = False,
    token_id: Annotated[
        str | None, typer.Option("--id", metavar="ID", help="The id, as in token list.")
    ] = None,
    app_name: AppName = DEFAULT_APPLICATION,
    owner: Owner = None,
    production: Production = False,
    sandbox: Sandbox = False,
    every: Annotated[
        bool, typer.Option("--all", help="All tokens of the application, or of one key of it.")
    ] = False,
) -> None:
    """Revoke tokens; the gateway obeys from the next request on.

    With an access token goes the refresh token that could renew it, and the other way round.
    """
    from apimctl.services import applications, keys, revocation  # noqa: PLC0415 - not for --help

    call = invocation(ctx)
    if token_stdin + bool(token_id) + every != 1:
        raise UsageError(
            "say what to revoke, in one way",
            hint="Use one of --token-stdin, --id ID, and --app NAME --all.",
        )
    which = named_key_type(production=production, sandbox=sandbox)
    text = ""
    if token_stdin:
        text = call.read_secret("token", from_stdin=True, option="--token-stdin").strip()
    with call.writing() as db:
        if token_stdin:
            token = revocation.require_and_revoke(db, text)
            call.audit_token(db, "token.revoke", token)
            count = 1
        elif token_id:
            token = revocation.revoke_by_id(db, token_id)
            call.audit_token(db, "token.revoke", token)
            count = 1
        else:
            application = applications.resolve(db, app_name, owner=owner)
            chosen = (
                [keys.require(db, application, which)] if which else keys.list_of(db, application)
            )
            count = sum(revocation.revoke_all(db, key) for key in chosen)
            which_keys = ",".join(key.key_type for key in chosen)
            details = {"owner": application.owner, "key_type": which_keys}
            call.audit(db, "token.revoke", application.name, **details, revoked=count)
    plural = "" if count == 1 else "s"
    whose = f" of {application.name}" if every else ""
    call.done(
        {"revoked": count},
        title="revoked",
        bare="revoked",
        said=f"revoked {count} token{plural}{whose}",
    )


app.command(cls=Writes)(token_issue.issue)
app.command(cls=Writes)(token_purge.purge)
