"""`apimctl key`: consumer keys."""

from typing import TYPE_CHECKING, Annotated, Any

import typer

from apimctl.commands.forms import (
    AppName,
    Destroys,
    Domains,
    Owner,
    Production,
    Reads,
    Sandbox,
    Validity,
    Writes,
    invocation,
    key_type,
    noun,
)
from apimctl.domain.client_domains import parse_domains
from apimctl.domain.models import DEFAULT_APPLICATION, AccessToken, Application, Key
from apimctl.domain.validity import parse_duration_or_none, parse_validity
from apimctl.errors import UsageError
from apimctl.invocation import Invocation
from apimctl.services.shapes import Shape, changes, key_shape, length, moment

if TYPE_CHECKING:
    from sqlite3 import Connection

app = noun("Consumer keys: generate, allowed domains, validity, rotate.")


@app.command(cls=Writes)
def generate(
    ctx: typer.Context,
    app_name: AppName = DEFAULT_APPLICATION,
    owner: Owner = None,
    *,
    production: Production = False,
    sandbox: Sandbox = False,
    domains: Domains = None,
    validity: Validity = None,
    if_not_exists: Annotated[
        bool, typer.Option("--if-not-exists", help="Leave a key that is there as it is.")
    ] = False,
) -> None:
    """Make a consumer key, its secret and a first access token, once per key type.

    The consumer secret and the access token are shown here and never again.
    """
    from apimctl.services import applications, keys  # noqa: PLC0415 - not for --help

    call = invocation(ctx)
    which = key_type(production=production, sandbox=sandbox)
    allowed_domains = parse_domains(domains or "")
    validity_seconds = None if validity is None else parse_validity(validity)
    with call.writing() as db:
        application = applications.resolve(db, app_name, owner=owner)
        existing = keys.find(db, application, which) if if_not_exists else None
        token = keys.current_token(db, existing) if existing else None
        if existing is None:
            made = keys.generate(
                db,
                application,
                which,
                allowed_domains=allowed_domains,
                validity_seconds=validity_seconds,
                settings=call.settings.tokens,
                now=call.now,
                random=call.random,
            )
            _audit(call, db, "generate", made.key, application, token=made.issued.token.id)
    if existing is not None:
        _print_unchanged(call, existing, token, application)
        return
    call.done(
        {
            "application": application.name,
            "key_type": str(which),
            "consumer_key": made.key.consumer_key,
            "consumer_secret": made.consumer_secret,
            "access_token": made.issued.access_token,
            "validity_seconds": length(made.issued.validity_seconds),
            "expires_at": moment(made.issued.token.expires_at),
            "allowed_domains": list(made.key.allowed_domains),
        },
        title=f"{application.name}, {which}",
        bare="access_token",
        said=f"generated the {which.lower()} key of {application.name}; "
        + _what_to_keep(made.consumer_secret),
        secret_fields=("consumer_key", "consumer_secret", "access_token"),
    )


@app.command("list", cls=Reads)
def list_keys(
    ctx: typer.Context,
    app_name: Annotated[
        str | None, typer.Option("--app", metavar="NAME", help="Only this application's.")
    ] = None,
    owner: Owner = None,
) -> None:
    """List the keys."""
    from apimctl.services import applications, keys  # noqa: PLC0415 - not for --help

    call = invocation(ctx)
    with call.reading() as db:
        wanted = applications.choose(db, app_name, owner=owner)
        rows = [
            _shape(call, key, application)
            for key, application in keys.list_with_applications(db)
            if application in wanted
        ]
    call.output.rows(
        rows,
        columns=("application", "key_type", "consumer_key", "allowed_domains", "validity_seconds"),
        bare="consumer_key",
        empty="no keys; make one: apimctl key generate",
    )


@app.command(cls=Reads)
def show(
    ctx: typer.Context,
    app_name: AppName = DEFAULT_APPLICATION,
    owner: Owner = None,
    *,
    production: Production = False,
    sandbox: Sandbox = False,
) -> None:
    """Show one key, without its secrets."""
    from apimctl.services import applications, keys  # noqa: PLC0415 - not for --help

    call = invocation(ctx)
    which = key_type(production=production, sandbox=sandbox)
    with call.reading() as db:
        application = applications.resolve(db, app_name, owner=owner)
        key = keys.require(db, application, which)
    call.output.record(
        _shape(call, key, application),
        title=f"{application.name}, {key.key_type}",
        bare="consumer_key",
    )


@app.command(cls=Writes)
def update(
    ctx: typer.Context,
    app_name: AppName = DEFAULT_APPLICATION,
    owner: Owner = None,
    *,
    production: Production = False,
    sandbox: Sandbox = False,
    domains: Domains = None,
    validity: Validity = None,
) -> None:
    """Change the allowed domains (with the next request) or the validity (of later tokens)."""
    from apimctl.services import applications, keys  # noqa: PLC0415 - not for --help

    call = invocation(ctx)
    which = key_type(production=production, sandbox=sandbox)
    if domains is None and validity is None:
        raise UsageError("nothing to change", hint="Give --domains, --validity, or both.")
    allowed_domains = None if domains is None else parse_domains(domains)
    validity_seconds = None if validity is None else parse_validity(validity)
    with call.writing() as db:
        application = applications.resolve(db, app_name, owner=owner)
        before = keys.require(db, application, which)
        key = keys.update(
            db, before, allowed_domains=allowed_domains, validity_seconds=validity_seconds
        )
        changed = changes(_shape(call, before, application), _shape(call, key, application))
        _audit(call, db, "update", key, application, **changed)
    call.done(
        _shape(call, key, application),
        title=f"{application.name}, {key.key_type}",
        bare="consumer_key",
        said=f"updated the {key.key_type.lower()} key of {application.name}",
    )


@app.command(cls=Writes)
def rotate(
    ctx: typer.Context,
    app_name: AppName = DEFAULT_APPLICATION,
    owner: Owner = None,
    *,
    production: Production = False,
    sandbox: Sandbox = False,
    grace: Annotated[
        str, typer.Option(metavar="D", help="How long the old secret stays valid: 10m.")
    ] = "0",
) -> None:
    """Make a new consumer secret. Key, tokens and domains stay."""
    from apimctl.services import applications, keys  # noqa: PLC0415 - not for --help

    call = invocation(ctx)
    which = key_type(production=production, sandbox=sandbox)
    grace_seconds = parse_duration_or_none(grace, what="grace")
    with call.writing() as db:
        application = applications.resolve(db, app_name, owner=owner)
        key = keys.require(db, application, which)
        secret = keys.rotate(db, key, grace_seconds=grace_seconds, now=call.now, random=call.random)
        _audit(call, db, "rotate", key, application, grace_seconds=grace_seconds)
    old = (
        f"the old one ends at {moment(call.now + grace_seconds)}"
        if grace_seconds
        else "the old one is over"
    )
    call.done(
        {
            "application": application.name,
            "key_type": str(key.key_type),
            "consumer_key": key.consumer_key,
            "consumer_secret": secret,
        },
        title=f"{application.name}, {key.key_type}",
        bare="consumer_secret",
        said=f"rotated the secret of the {key.key_type.lower()} key of {application.name}; {old}",
        secret_fields=("consumer_secret",),
    )


@app.command(cls=Destroys)
def delete(
    ctx: typer.Context,
    app_name: AppName = DEFAULT_APPLICATION,
    owner: Owner = None,
    *,
    production: Production = False,
    sandbox: Sandbox = False,
) -> None:
    """Delete a key; its tokens stop with the next request."""
    from apimctl.services import applications, keys  # noqa: PLC0415 - not for --help

    call = invocation(ctx)
    which = key_type(production=production, sandbox=sandbox)
    with call.reading() as db:
        keys.require(db, applications.resolve(db, app_name, owner=owner), which)
    call.confirm(f"Delete the {which.lower()} key of {app_name} and all its tokens?")
    with call.writing() as db:
        application = applications.resolve(db, app_name, owner=owner)
        key = keys.require(db, application, which)
        keys.delete(db, key)
        _audit(call, db, "delete", key, application)
    call.done(
        _shape(call, key, application),
        title=f"{application.name}, {which}",
        bare="consumer_key",
        said=f"deleted the {which.lower()} key of {application.name}",
    )


def _audit(
    call: Invocation,
    db: "Connection",
    verb: str,
    key: Key,
    application: Application,
    **details: Any,
) -> None:
    whose = {"owner": application.owner, "key_type": key.key_type}
    call.audit(db, f"key.{verb}", application.name, **whose, **details)


def _shape(call: Invocation, key: Key, application: Application) -> Shape:
    from apimctl.services.tokens import application_validity  # noqa: PLC0415 - not for --help

    seconds = application_validity(key, call.settings.tokens)
    return key_shape(key, application, validity_seconds=seconds)


def _what_to_keep(consumer_secret: str | None) -> str:
    if consumer_secret is None:
        return "public, it has no secret; keep the token now, it is not shown again"
    return "keep the secret and the token now, they are not shown again"


def _print_unchanged(
    call: Invocation, key: Key, token: AccessToken | None, application: Application
) -> None:
    shape = _shape(call, key, application)
    call.output.record(
        {
            "application": application.name,
            "key_type": str(key.key_type),
            "consumer_key": key.consumer_key,
            "consumer_secret": None,
            "access_token": None,
            "validity_seconds": shape["validity_seconds"],
            "expires_at": moment(token.expires_at if token else key.created_at),
            "allowed_domains": shape["allowed_domains"],
        },
        title=f"{application.name}, {key.key_type}",
        bare="access_token",
        secrets=("consumer_secret", "access_token"),
    )
    call.output.say(
        f"unchanged: {application.name} has a {key.key_type.lower()} key; "
        "apimctl token renew makes a new access token"
    )
