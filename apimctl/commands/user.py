"""`apimctl user`: users, in whichever user store."""

from typing import Annotated

import typer

from apimctl.commands.forms import Destroys, Reads, Writes, invocation, noun
from apimctl.domain.userstores import qualify
from apimctl.errors import UsageError
from apimctl.invocation import Invocation
from apimctl.services.shapes import Shape, changes, user_shape

app = noun("Users, and their passwords.")

SHORTEST_GOOD_PASSWORD = 8

Name = Annotated[
    str, typer.Argument(metavar="NAME", help="NAME, or DOMAIN/NAME.", show_default=False)
]
PasswordStdin = Annotated[
    bool, typer.Option("--password-stdin", help="Read the password from stdin.")
]
Roles = Annotated[
    list[str] | None,
    typer.Option(
        "--role", metavar="ROLE", help="A role, for scopes; repeat for more. Empty for none."
    ),
]


@app.command(cls=Writes)
def create(
    ctx: typer.Context,
    name: Name,
    *,
    userstore: Annotated[
        str | None, typer.Option(metavar="DOMAIN", help="Its user store; PRIMARY if none is named.")
    ] = None,
    role: Roles = None,
    password_stdin: PasswordStdin = False,
) -> None:
    """Add a user. The password is asked for, or piped in."""
    from apimctl.services import users  # noqa: PLC0415 - not for --help

    call = invocation(ctx)
    name = qualify(name, userstore)
    with call.reading() as db:  # nobody is asked for the password of a user who cannot be
        users.check_is_free(db, name)
    password_hash = users.hash_password(_read_password(call, from_stdin=password_stdin))
    with call.writing() as db:
        user = users.create(
            db,
            name,
            password_hash=password_hash,
            roles=role or (),
            now=call.now,
            random=call.random,
        )
        shape = user_shape(user, users.roles_of(db, user))
        call.audit(db, "user.create", user.qualified_name, roles=shape["roles"])
    _done(call, shape, said=f"created the user {user.qualified_name}")


@app.command("list", cls=Reads)
def list_users(
    ctx: typer.Context,
    userstore: Annotated[
        str | None, typer.Option(metavar="DOMAIN", help="Only those of this user store.")
    ] = None,
) -> None:
    """List the users. Of a directory, those are listed who have logged in."""
    from apimctl.services import users  # noqa: PLC0415 - not for --help

    call = invocation(ctx)
    with call.reading() as db:
        roles = users.list_roles(db)
        rows = [
            user_shape(user, roles.get(user.id, ()))
            for user in users.list_all(db, userstore=userstore)
        ]
    call.output.rows(
        rows,
        columns=("name", "userstore", "has_password", "roles", "created_at"),
        bare="name",
        empty="no users",
    )


@app.command(cls=Reads)
def show(ctx: typer.Context, name: Name) -> None:
    """Show one user."""
    from apimctl.services import users  # noqa: PLC0415 - not for --help

    call = invocation(ctx)
    with call.reading() as db:
        user = users.require(db, name)
        shape = user_shape(user, users.roles_of(db, user))
    call.output.record(shape, title=shape["name"], bare="name")


@app.command(cls=Writes)
def update(
    ctx: typer.Context,
    name: Name,
    *,
    new_name: Annotated[
        str | None, typer.Option("--name", metavar="NAME", help="Another name.")
    ] = None,
    role: Roles = None,
) -> None:
    """Give a user another name or other roles. Applications and tokens stay.

    Roles replace those the user has, and count when a token is issued or renewed.
    """
    from apimctl.services import users  # noqa: PLC0415 - not for --help

    call = invocation(ctx)
    if new_name is None and role is None:
        raise UsageError("nothing to change", hint="apimctl user update --help")
    with call.writing() as db:
        user = before = users.require(db, name)
        old_shape = user_shape(before, users.roles_of(db, before))
        if new_name is not None:
            user = users.rename(db, name, new_name)
        if role is not None:
            users.set_roles(db, user, role)
        shape = user_shape(user, users.roles_of(db, user))
        call.audit(db, "user.update", before.qualified_name, **changes(old_shape, shape))
    shown = user.qualified_name
    _done(call, shape, said=f"updated {shown}" if new_name is None else f"{name} is now {shown}")


@app.command(cls=Writes)
def password(ctx: typer.Context, name: Name, *, password_stdin: PasswordStdin = False) -> None:
    """Set a new password. Tokens stay; revoke them apart."""
    from apimctl.services import users  # noqa: PLC0415 - not for --help

    call = invocation(ctx)
    with call.reading() as db:
        users.require_password_here(db, name)
    password_hash = users.hash_password(_read_password(call, from_stdin=password_stdin))
    with call.writing() as db:
        user = users.set_password_hash(db, name, password_hash)
        shape = user_shape(user, users.roles_of(db, user))
        call.audit(db, "user.password", user.qualified_name)
    _done(call, shape, said=f"set the password of {user.qualified_name}")


@app.command(cls=Destroys)
def delete(ctx: typer.Context, name: Name) -> None:
    """Delete a user, whose tokens stop with the next request."""
    from apimctl.services import users  # noqa: PLC0415 - not for --help

    call = invocation(ctx)
    with call.reading() as db:
        users.require(db, name)
    call.confirm(f"Delete the user {name} and all their tokens?")
    with call.writing() as db:
        roles = users.roles_of(db, users.require(db, name))
        user = users.delete(db, name)
        call.audit(db, "user.delete", user.qualified_name)
    _done(call, user_shape(user, roles), said=f"deleted the user {user.qualified_name}")


def _done(call: Invocation, shape: Shape, *, said: str) -> None:
    call.done(shape, title=shape["name"], bare="name", said=said)


def _read_password(call: Invocation, *, from_stdin: bool) -> str:
    secret = call.read_secret(
        "password", from_stdin=from_stdin, option="--password-stdin", twice=True
    )
    if len(secret) < SHORTEST_GOOD_PASSWORD:
        call.output.say(
            f"this password is short: {SHORTEST_GOOD_PASSWORD} characters or more resist"
        )
    return secret
