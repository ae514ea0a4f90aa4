"""`apimctl gateway`: serve the APIs, and see what is served."""

import shlex
import sys
import time
from typing import TYPE_CHECKING, Annotated

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
from apimctl.domain.lifecycle import SERVING
from apimctl.domain.models import Api
from apimctl.domain.routing import base_paths
from apimctl.domain.validity import parse_duration
from apimctl.errors import NotFoundError, UsageError
from apimctl.invocation import Invocation
from apimctl.services.shapes import moment

if TYPE_CHECKING:
    from apimctl.serving.addresses import Addresses

app = noun("Serve the APIs, and see what is served.")

POLL_SECONDS = 0.05


@app.command(cls=Reads)
def serve(
    ctx: typer.Context,
    *,
    host: Host = None,
    port: Annotated[
        str | None, typer.Option(metavar="P", help="Port; default 8280, 0 for any free one.")
    ] = None,
    tls_port: Annotated[
        str | None, typer.Option(metavar="P", help="Port for TLS as well, as 8243; default off.")
    ] = None,
    admin_port: Annotated[
        str | None, typer.Option(metavar="P", help="Port for health and metrics; default 8281.")
    ] = None,
    workers: Annotated[
        str | None, typer.Option(metavar="N", help="Processes that serve, or auto; default 1.")
    ] = None,
    cert: CertificateFile = None,
    key: PrivateKeyFile = None,
    access_log: Annotated[
        str | None, typer.Option(metavar="FORMAT", help="json or combined; default off.")
    ] = None,
    access_log_file: Annotated[
        str | None, typer.Option(metavar="FILE", help="File of the access log; default stdout.")
    ] = None,
) -> None:
    """Serve the published APIs and the Login API until SIGTERM or Ctrl-C.

    Requests under way are finished first. Changes made by other commands are obeyed by the next
    request. SIGHUP reads the certificate and the configuration file again, and reopens the access
    log; SIGUSR2 starts this command anew on the same sockets, and ends once that serves.
    """
    from apimctl.serving.service import run  # noqa: PLC0415 - not for --help

    call = invocation(ctx)
    flags = call.flags.setdefault("settings", {})
    given = {
        "gateway.host": host,
        "gateway.port": port,
        "gateway.tls_port": tls_port,
        "gateway.admin_port": admin_port,
        "gateway.workers": workers,
        "gateway.certificate": cert,
        "gateway.private_key": key,
        "gateway.access_log": access_log,
        "gateway.access_log_file": access_log_file,
    }
    flags.update({name: value for name, value in given.items() if value is not None})
    require_pair(cert, key)
    settings = call.settings
    if cert and settings.gateway.tls_port is None:
        raise UsageError("--cert is of no use without TLS", hint="Add --tls-port 8243.")
    if access_log_file and settings.gateway.access_log is None:
        raise UsageError(
            "--access-log-file is of no use without a log", hint="Add --access-log json."
        )
    with call.reading() as db:
        from apimctl.services import apis  # noqa: PLC0415 - not for --help

        served = [api for api in apis.list_all(db) if api.state in SERVING]
    call.close()
    heir = run(
        settings,
        reload=call.load_settings,
        on_ready=lambda where, count: _announce(call, where, served, workers=count),
        is_verbose=bool(call.flags.get("verbose")),
    )
    call.output.say("stopped" if heir is None else f"stopped; process {heir} serves on")


@app.command(cls=Reads)
def status(
    ctx: typer.Context,
    *,
    wait: Annotated[
        str | None, typer.Option(metavar="D", help="Wait so long for one that answers: 10s.")
    ] = None,
) -> None:
    """List the gateways of this store. Exit 0 if one answers, 3 if none does."""
    from apimctl.services import gateways  # noqa: PLC0415 - not for --help

    call = invocation(ctx)
    deadline = time.monotonic() + (parse_duration(wait, what="--wait") if wait else 0)
    while True:
        with call.reading() as db:
            found = gateways.list_all(db)
        rows = [
            {
                "url": gateway.url,
                "state": "serving" if gateways.answers(gateway) else "gone",
                "process_id": gateway.process_id,
                "workers": gateway.workers,
                "version": gateway.version,
                "started_at": moment(gateway.started_at),
                "admin_url": gateway.admin_url or None,
            }
            for gateway in found
        ]
        if any(row["state"] == "serving" for row in rows) or time.monotonic() >= deadline:
            break
        time.sleep(POLL_SECONDS)  # noqa: TID251 - another process has to come up
    call.output.rows(
        rows,
        columns=("url", "state", "process_id", "workers", "version", "started_at", "admin_url"),
        bare="url",
        empty="no gateway",
    )
    if not any(row["state"] == "serving" for row in rows):
        raise NotFoundError(
            f"no gateway serves {call.settings.store_path}", hint="Start one: apimctl gateway serve"
        )


@app.command(cls=Reads)
def routes(ctx: typer.Context) -> None:
    """List the paths the gateway serves, and where they lead."""
    from apimctl.services import apis  # noqa: PLC0415 - not for --help

    call = invocation(ctx)
    with call.reading() as db:
        served = [api for api in apis.list_all(db) if api.state in SERVING]
    rows = [
        {
            "path": f"{path}/*",
            "api": api.reference,
            "state": str(api.state),
            "production_url": api.production_url,
            "sandbox_url": api.sandbox_url,
        }
        for api in served
        for path in base_paths(api)
    ]
    call.output.rows(
        rows,
        columns=("path", "api", "state", "production_url", "sandbox_url"),
        bare="path",
        empty="nothing is served; publish an API: apimctl api publish NAME",
    )


def _announce(call: Invocation, where: "Addresses", served: list[Api], *, workers: int) -> None:
    """Say where it listens, which store it reads and what to try."""
    url = where.tls_url or where.url
    is_private = where.url.startswith(("http://127.", "http://[::1]"))
    reach = "this machine only; --host 0.0.0.0 lets others in" if is_private else "open to others"
    example = base_paths(served[0])[0] if served else "/CONTEXT/VERSION"
    count = "1 API" if len(served) == 1 else f"{len(served)} APIs"
    ask = 'curl -H "Authorization: Bearer $APIMCTL_ACCESS_TOKEN"'
    lines = [f"listening on  {where.url}  ({reach})"]
    if where.tls_url:
        lines += [f"and with TLS  {where.tls_url}"]
    if where.own_certificate:
        ask += f" --cacert {shlex.quote(str(where.own_certificate))}"
        url = url.replace("//0.0.0.0:", "//localhost:").replace("//[::]:", "//localhost:")
        lines += [
            f"certificate   {where.own_certificate}, self-signed; --cert and --key name yours"
        ]
    if where.admin_url:
        lines += [f"admin         {where.admin_url}/-/metrics"]
    if workers > 1:
        lines += [f"workers       {workers}"]
    lines += [
        f"store         {call.settings.store_path}",
        f"serving       {count}; apimctl gateway routes lists them",
        f"try           {ask} {url}{example}/",
        "stop          Ctrl-C" if sys.stderr.isatty() else "stop          SIGTERM",
    ]
    call.output.say("\n".join(lines))
