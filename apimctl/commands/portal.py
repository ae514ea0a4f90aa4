"""`apimctl portal`: the API Store, in a browser."""

import ipaddress
import sys
from typing import TYPE_CHECKING, Annotated

import typer

from apimctl.commands.forms import Reads, invocation, noun
from apimctl.commands.gateway import require_pair
from apimctl.errors import UsageError
from apimctl.invocation import Invocation

if TYPE_CHECKING:
    from apimctl.edge.tls import Certificate

app = noun("The API Store: web pages on which subscribers get their keys.")


@app.callback()
def portal() -> None:
    """Keep `serve` a verb of its own, though it is the only one."""


@app.command(cls=Reads)
def serve(
    ctx: typer.Context,
    *,
    host: Annotated[
        str | None, typer.Option(metavar="H", help="Address to listen on; default 127.0.0.1.")
    ] = None,
    port: Annotated[
        str | None, typer.Option(metavar="P", help="Port; default 9443, 0 for any free one.")
    ] = None,
    cert: Annotated[
        str | None, typer.Option(metavar="FILE", help="Certificate (PEM); default self-signed.")
    ] = None,
    key: Annotated[
        str | None, typer.Option(metavar="FILE", help="Private key of the certificate (PEM).")
    ] = None,
    http: Annotated[
        bool, typer.Option("--http", help="Without TLS, for this machine only.")
    ] = False,
) -> None:
    """Serve the API Store over HTTPS until SIGTERM or Ctrl-C.

    Users log in, subscribe to APIs, and make and renew keys. The certificate is the gateway's.
    SIGHUP reads it again.
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
        _require_loopback(call.settings.portal.host)
        if cert:
            raise UsageError("--http and --cert exclude each other", hint="Use one.")
    with call.reading():
        pass  # made, migrated or refused before anything listens
    call.close()
    run(
        call.load_settings,
        is_plain=http,
        on_ready=lambda url, certificate: _announce(call, url, certificate),
    )
    call.output.say("stopped")


def _require_loopback(host: str) -> None:
    """Raise UsageError unless only this machine can reach that address."""
    try:
        is_loopback = ipaddress.ip_address(host).is_loopback
    except ValueError:
        is_loopback = host == "localhost"
    if not is_loopback:
        raise UsageError(
            f"--http on {host} would send passwords in clear over the network",
            hint="Leave out --http, or listen on 127.0.0.1 behind a proxy that does TLS.",
        )


def _announce(call: Invocation, url: str, certificate: "Certificate | None") -> None:
    """Say where it is, and what to do there first."""
    lines = [f"API Store     {url}"]
    if certificate is not None and certificate.own_path is not None:
        lines += [f"certificate   {certificate.own_path}, self-signed; --cert and --key name yours"]
    lines += [
        f"store         {call.settings.store_path}",
        "log in        as a user who has a password: apimctl user create NAME",
        "stop          Ctrl-C" if sys.stderr.isatty() else "stop          SIGTERM",
    ]
    call.output.say("\n".join(lines))
