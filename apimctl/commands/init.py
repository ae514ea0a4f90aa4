"""`apimctl init`: the store, and the password of admin."""

from typing import Annotated

import typer

from apimctl.commands.forms import Writes, invocation, single
from apimctl.domain.models import ADMIN

app = single("Make the store and set the password of admin.")


@app.command(cls=Writes)
def init(
    ctx: typer.Context,
    *,
    password_stdin: Annotated[
        bool, typer.Option("--password-stdin", help="Read admin's password from stdin.")
    ] = False,
) -> None:
    """Make the store and set the password of admin.

    In a pipe without --password-stdin admin stays without a password and cannot log in; tokens
    need none. There is no default password.
    """
    from apimctl.services import users  # noqa: PLC0415 - not for --help

    call = invocation(ctx)
    with call.reading() as db:
        admin = users.require(db, ADMIN)
    password_hash = None
    if password_stdin or (call.can_ask_hidden and admin.password_hash is None):
        password = call.read_secret(
            "password of admin", from_stdin=password_stdin, option="--password-stdin", twice=True
        )
        password_hash = users.hash_password(password)
    if password_hash is not None:
        with call.writing() as db:
            admin = users.set_password_hash(db, ADMIN, password_hash)
            call.audit(db, "init", ADMIN)
    said = "ready"
    if admin.password_hash is None:
        said += "; admin has no password yet: apimctl user password admin"
    call.done(
        {
            "store": str(call.store.path),
            "config": str(call.settings.file),
            "admin_has_password": admin.password_hash is not None,
        },
        title="apimctl",
        bare="store",
        said=f"{said}\nnext: apimctl api create --help, apimctl gateway serve",
    )
