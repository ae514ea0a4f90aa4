"""`apimctl userstore`: where users live."""

from typing import TYPE_CHECKING, Annotated

import typer

from apimctl.commands.forms import Destroys, Reads, Writes, invocation, noun
from apimctl.domain.userstores import UserStoreType
from apimctl.domain.validity import parse_duration
from apimctl.errors import UsageError
from apimctl.invocation import Invocation
from apimctl.services.shapes import directory_shape, userstore_shape

if TYPE_CHECKING:
    from apimctl.services.userstores import LdapForm

app = noun("Where users live: built-in stores, LDAP directories.")

DRY_RUN = "not sealed"
"""What stands for a sealed bind password in a dry run, which makes no key file."""

Domain = Annotated[str, typer.Argument(metavar="DOMAIN", help="As FOO.COM.", show_default=False)]
Url = Annotated[
    str | None, typer.Option(metavar="URL", help="The directory: ldaps://HOST[:PORT], or ldap://.")
]
UserDnTemplate = Annotated[
    str | None,
    typer.Option(metavar="DN", help='The DN of a user: "uid={},ou=people,dc=foo,dc=com".'),
]
SearchBase = Annotated[
    str | None, typer.Option(metavar="DN", help="Search for users from here instead.")
]
SearchFilter = Annotated[
    str | None, typer.Option(metavar="FILTER", help='What finds a user; "(uid={})" if not given.')
]
BindDn = Annotated[
    str | None, typer.Option(metavar="DN", help="Who searches; nobody in particular if not given.")
]
BindPassword = Annotated[
    bool, typer.Option("--bind-password-stdin", help="Read the password of the bind DN from stdin.")
]
StartTls = Annotated[
    bool | None, typer.Option("--start-tls/--no-start-tls", help="Begin TLS on an ldap:// URL.")
]
WithoutTls = Annotated[
    bool | None,
    typer.Option("--without-tls/--with-tls", help="Send passwords in clear, and not to loopback."),
]
CaFile = Annotated[
    str | None,
    typer.Option(metavar="FILE", help="Who may sign its certificate; the system's if not given."),
]
Timeout = Annotated[
    str | None, typer.Option(metavar="D", help="The longest a log-in may take: 5s if not given.")
]
GroupBase = Annotated[
    str | None,
    typer.Option(
        metavar="DN", help="Search for a user's groups from here: roles as FOO.COM/editors."
    ),
]
GroupFilter = Annotated[
    str | None,
    typer.Option(
        metavar="FILTER",
        help='What finds the groups; "(member={})" if not given. {} is the user\'s DN, {name} the'
        " name.",
    ),
]
GroupAttribute = Annotated[
    str | None, typer.Option(metavar="NAME", help="What of a group is its name; cn if not given.")
]


@app.command(cls=Writes)
def create(
    ctx: typer.Context,
    domain: Domain,
    *,
    type_name: Annotated[
        str | None,
        typer.Option(
            "--type",
            metavar="TYPE",
            help=f"{' or '.join(UserStoreType)}; ldap if there is a --url, else built-in.",
        ),
    ] = None,
    url: Url = None,
    user_dn_template: UserDnTemplate = None,
    search_base: SearchBase = None,
    search_filter: SearchFilter = None,
    bind_dn: BindDn = None,
    bind_password_stdin: BindPassword = False,
    start_tls: StartTls = None,
    without_tls: WithoutTls = None,
    ca_file: CaFile = None,
    timeout: Timeout = None,
    group_base: GroupBase = None,
    group_filter: GroupFilter = None,
    group_attribute: GroupAttribute = None,
) -> None:
    """Add a user store: a built-in one, or a directory that users log in to by LDAP."""
    from apimctl.services import userstores  # noqa: PLC0415 - not for --help

    call = invocation(ctx)
    form = userstores.LdapForm(
        url=url,
        user_dn_template=user_dn_template,
        search_base=search_base,
        search_filter=search_filter,
        bind_dn=bind_dn,
        start_tls=start_tls,
        without_tls=without_tls,
        ca_file=_absolute(ca_file),
        timeout_seconds=_seconds(timeout),
        group_base=group_base,
        group_filter=group_filter,
        group_attribute=group_attribute,
    )
    store_type = _type(type_name, form)
    with call.reading() as db:
        userstores.check_is_free(db, domain)
    sealed = _sealed_bind_password(call, domain, from_stdin=bind_password_stdin)
    with call.writing() as db:
        store = userstores.create(
            db,
            domain,
            form=form,
            store_type=store_type,
            sealed_bind_password=sealed,
            now=call.now,
        )
        call.audit(db, "userstore.create", store.domain, type=store.type, **form.said)
    said = f"created the user store {store.domain}"
    if store.ldap:
        said += f"\nnext: apimctl userstore test {store.domain}"
    call.done(userstore_shape(store, users=0), title=store.domain, bare="domain", said=said)


@app.command("list", cls=Reads)
def list_userstores(ctx: typer.Context) -> None:
    """List the user stores."""
    from apimctl.services import userstores  # noqa: PLC0415 - not for --help

    call = invocation(ctx)
    with call.reading() as db:
        rows = [
            {
                **userstore_shape(store, users=userstores.count_users(db, store)),
                "url": store.ldap.url if store.ldap else None,
            }
            for store in userstores.list_all(db)
        ]
    call.output.rows(
        rows,
        columns=("domain", "type", "users", "url", "created_at"),
        bare="domain",
        empty="no user stores",
    )


@app.command(cls=Reads)
def show(ctx: typer.Context, domain: Domain) -> None:
    """Show one user store."""
    from apimctl.services import userstores  # noqa: PLC0415 - not for --help

    call = invocation(ctx)
    with call.reading() as db:
        store = userstores.require(db, domain)
        shape = userstore_shape(store, users=userstores.count_users(db, store))
    call.output.record(shape, title=store.domain, bare="domain")


@app.command(cls=Writes)
def update(
    ctx: typer.Context,
    domain: Domain,
    *,
    url: Url = None,
    user_dn_template: UserDnTemplate = None,
    search_base: SearchBase = None,
    search_filter: SearchFilter = None,
    bind_dn: BindDn = None,
    bind_password_stdin: BindPassword = False,
    start_tls: StartTls = None,
    without_tls: WithoutTls = None,
    ca_file: CaFile = None,
    timeout: Timeout = None,
    group_base: GroupBase = None,
    group_filter: GroupFilter = None,
    group_attribute: GroupAttribute = None,
) -> None:
    """Change how a directory is asked, from the next log-in on. An empty text takes away."""
    from apimctl.services import userstores  # noqa: PLC0415 - not for --help

    call = invocation(ctx)
    form = userstores.LdapForm(
        url=url,
        user_dn_template=user_dn_template,
        search_base=search_base,
        search_filter=search_filter,
        bind_dn=bind_dn,
        start_tls=start_tls,
        without_tls=without_tls,
        ca_file=_absolute(ca_file),
        timeout_seconds=_seconds(timeout),
        group_base=group_base,
        group_filter=group_filter,
        group_attribute=group_attribute,
    )
    if not form.said and not bind_password_stdin:
        raise UsageError("nothing to change", hint="apimctl userstore update --help")
    with call.reading() as db:
        userstores.require(db, domain)
    sealed = _sealed_bind_password(call, domain, from_stdin=bind_password_stdin)
    with call.writing() as db:
        store = userstores.update(db, domain, form, sealed_bind_password=sealed)
        shape = userstore_shape(store, users=userstores.count_users(db, store))
        call.audit(
            db,
            "userstore.update",
            store.domain,
            has_new_bind_password=sealed is not None,
            **form.said,
        )
    call.done(shape, title=store.domain, bare="domain", said=f"updated {store.domain}")


@app.command(cls=Destroys)
def delete(
    ctx: typer.Context,
    domain: Domain,
    *,
    with_users: Annotated[
        bool, typer.Option("--with-users", help="Its users as well, and their tokens.")
    ] = False,
) -> None:
    """Delete a user store. One that has users is kept, unless they are to go with it."""
    from apimctl.services import users, userstores  # noqa: PLC0415 - not for --help

    call = invocation(ctx)
    with call.reading() as db:
        store = users.check_store_may_go(db, domain, with_users=with_users)
        count = userstores.count_users(db, store)
    users_too = f" and its {count} user{'s' if count > 1 else ''} with all their tokens"
    call.confirm(f"Delete the user store {store.domain}{users_too if count else ''}?")
    with call.writing() as db:
        store = users.delete_store(db, domain, with_users=with_users)
        call.audit(db, "userstore.delete", store.domain, users=count)
    call.done(
        userstore_shape(store, users=count),
        title=store.domain,
        bare="domain",
        said=f"deleted the user store {store.domain}",
    )


@app.command("test", cls=Reads)
def try_out(
    ctx: typer.Context,
    domain: Domain,
    *,
    user: Annotated[
        str | None, typer.Option(metavar="NAME", help="Log this user in; needs the password.")
    ] = None,
    password_stdin: Annotated[
        bool, typer.Option("--password-stdin", help="Read the user's password from stdin.")
    ] = False,
) -> None:
    """Ask a directory as a log-in would: connect, bind, search, and say which of it fails.

    With a user it logs in as well, and shows the DN and the roles. It changes nothing.
    """
    from apimctl.services import directory_users, userstores  # noqa: PLC0415 - not for --help

    call = invocation(ctx)
    with call.reading() as db:
        store = userstores.require(db, domain)
    password = None
    if user is not None:
        password = call.read_secret(
            f"password of {user}", from_stdin=password_stdin, option="--password-stdin"
        )
    elif password_stdin:
        raise UsageError("a password of nobody", hint="Say whose it is, with --user.")
    checked = directory_users.try_out(call.store.path, store, user=user, password=password)
    call.output.record(directory_shape(store, checked), title=store.domain, bare="domain")
    call.output.say(f"{store.domain} answers" + (f", and lets {user} in" if user else ""))


def _type(name: str | None, form: "LdapForm") -> UserStoreType:
    if name is None:
        return UserStoreType.LDAP if form.url else UserStoreType.BUILT_IN
    if name.lower() not in set(UserStoreType):
        raise UsageError(
            f"there is no type {name!r} of user stores",
            hint=f"There are {', '.join(UserStoreType)}.",
        )
    store_type = UserStoreType(name.lower())
    if store_type is UserStoreType.LDAP and not form.url:
        raise UsageError("a directory has a URL", hint="--url ldaps://ldap.foo.com")
    return store_type


def _sealed_bind_password(call: Invocation, domain: str, *, from_stdin: bool) -> str | None:
    """Return the bind password sealed, None if none was announced."""
    from apimctl.services import userstores  # noqa: PLC0415 - not for --help

    if not from_stdin:
        return None
    password = call.read_secret("bind password", from_stdin=True, option="--bind-password-stdin")
    if call.is_dry_run:
        return DRY_RUN
    return userstores.seal_bind_password(call.store.path, domain, password)


def _absolute(path: str | None) -> str | None:
    """Return the path as the gateway finds it, wherever that runs."""
    from pathlib import Path  # noqa: PLC0415 - not for --help

    return str(Path(path).expanduser().absolute()) if path else path


def _seconds(timeout: str | None) -> int | None:
    return None if timeout is None else parse_duration(timeout, what="--timeout")
