"""`apimctl portal`: the API Store, in a browser."""

import shlex
import socket
import sys
from typing import TYPE_CHECKING, Annotated
from urllib.parse import urlsplit

import typer

from apimctl.commands.forms import (
    CertificateFile,
    Host,
    PrivateKeyFile,
    Reads,
    invocation,
    noun,
    require_pair,
)
from apimctl.errors import UsageError
from apimctl.invocation import Invocation

if TYPE_CHECKING:
    from apimctl.edge.tls import Certificate

app = noun("The API Store: web pages on which subscribers get their keys.")


@app.command(cls=Reads)
def serve(
    ctx: typer.Context,
    *,
    host: Host = None,
    port: Annotated[
        str | None, typer.Option(metavar="P", help="Port; default 9443, 0 for any free one.")
    ] = None,
    cert: CertificateFile = None,
    key: PrivateKeyFile = None,
    http: Annotated[
        bool, typer.Option("--http", help="Without TLS, for this machine only.")
    ] = False,
) -> None:
    """Serve the API Store over HTTPS until SIGTERM or Ctrl-C.

    Users log in, subscribe to APIs, and make and renew keys. The certificate is the gateway's.
    Pages under way are finished first. SIGHUP reads the certificate and the configuration file
    again.
    """
    from apimctl.serving.portal import run  # noqa: PLC0415 - not for --help

    call = invocation(ctx)
    flags = call.flags.setdefault("settings", {})
    given = {
        "portal.host": host,
        "portal.port": port,
        "gateway.certificate": cert,
        "gateway.private_key": key,
    }
    flags.update({name: value for name, value in given.items() if value is not None})
    require_pair(cert, key)
    if http:
        if cert:
            raise UsageError("--http and --cert exclude each other", hint="Use one.")
        _require_loopback(call.settings.portal.host)
    with call.reading() as db:
        from apimctl.services import users  # noqa: PLC0415 - not for --help

        has_users = users.is_anybody_able_to_log_in(db)
    call.close()
    run(
        call.load_settings,
        is_plain=http,
        is_verbose=bool(call.flags.get("verbose")),
        on_ready=lambda url, certificate: _announce(call, url, certificate, has_users=has_users),
    )
    call.output.say("stopped")


def _require_loopback(host: str) -> None:
    """Raise UsageError unless only this machine can reach that address. Raises as it is found."""
    from apimctl.serving.sockets import is_loopback  # noqa: PLC0415 - not for --help

    if not is_loopback(host):
        raise UsageError(
            f"--http on {host} would send passwords in clear over the network",
            hint="Leave out --http, or listen on 127.0.0.1 behind a proxy that does TLS.",
        )


def _announce(
    call: Invocation, url: str, certificate: "Certificate | None", *, has_users: bool
) -> None:
    """Say where it is, and what to do there first."""
    from apimctl.serving.sockets import is_loopback  # noqa: PLC0415 - not for --help

    where = urlsplit(url)
    is_private = is_loopback(where.hostname or "")
    reach = "this machine only; --host 0.0.0.0 lets others in" if is_private else "open to others"
    if certificate is None:
        reach = "plain HTTP, this machine only"
    any_address = where.hostname in {"0.0.0.0", "::"}  # noqa: S104 - to be told apart
    named = f"https://{socket.gethostname()}:{where.port}" if any_address else url
    lines = [
        f"listening on  {url}  ({reach})",
        f"API Store     {call.settings.portal.url or named}/store",
    ]
    if certificate is not None and certificate.own_path is not None:
        lines += [f"certificate   {certificate.own_path}, self-signed; --cert and --key name yours"]
    lines += [
        f"store         {call.settings.store_path}",
        f"log in        {_how_to_log_in(call, has_users=has_users)}",
        "stop          Ctrl-C" if sys.stderr.isatty() else "stop          SIGTERM",
    ]
    call.output.say("\n".join(lines))


def _how_to_log_in(call: Invocation, *, has_users: bool) -> str:
    """Say who can log in; where nobody can, the command that changes that."""
    command = ["apimctl"]
    for option in ("db", "config"):
        if option in call.settings_flags:
            command += [f"--{option}", call.settings_flags[option]]
    if not has_users:
        return f"nobody has a password yet: {shlex.join([*command, 'user', 'password', 'admin'])}"
    return (
        f"as a user with a password; one more: {shlex.join([*command, 'user', 'create', 'NAME'])}"
    )
