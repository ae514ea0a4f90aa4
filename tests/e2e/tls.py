"""A client that speaks TLS to the gateway and verifies what it is shown."""

import contextlib
import http.client
import socket
import ssl
import time
from urllib.parse import urlsplit

from apimctl.edge import self_signed
from tests.binary import TIMEOUT_SECONDS
from tests.e2e.conftest import publish, running_gateway
from tests.e2e.wire import Peer


def write_pair(folder, name="mine"):
    """Write a certificate and its key; return their paths."""
    paths = folder / f"{name}.pem", folder / f"{name}.key"
    for path, content in zip(
        paths, self_signed.make("gate.test", now=int(time.time())), strict=True
    ):
        path.write_bytes(content)
    return paths


def line(gateway, beginning):
    (found,) = [said for said in gateway.log.splitlines() if said.startswith(beginning)]
    return found.removeprefix(beginning).split()


def tls_port(gateway):
    return urlsplit(line(gateway, "and with TLS")[0]).port


def own_certificate(cli):
    return cli.store.with_name("apimctl.db.tls") / "cert.pem"


def connect(gateway, certificate, *, name="localhost", context=None):
    """Return a connection of a client that trusts this certificate and no other."""
    context = context or ssl.create_default_context(cafile=certificate)
    plain = socket.create_connection(("127.0.0.1", tls_port(gateway)), timeout=TIMEOUT_SECONDS)
    try:
        return context.wrap_socket(plain, server_hostname=name)
    except BaseException:
        plain.close()
        raise


def get(gateway, certificate, path, **headers):
    context = ssl.create_default_context(cafile=certificate)
    connection = http.client.HTTPSConnection(
        "127.0.0.1", tls_port(gateway), timeout=TIMEOUT_SECONDS, context=context
    )
    with contextlib.closing(connection):
        connection.request("GET", path, headers=headers)
        response = connection.getresponse()
        return response.status, response.read()


@contextlib.contextmanager
def serving(cli, *arguments):
    with running_gateway(cli, "--tls-port", "0", *arguments) as gateway:
        yield gateway


HEAD = b"GET /twitter/1.0.0/x HTTP/1.1\r\nHost: gate.test\r\n"


@contextlib.contextmanager
def both_sides(cli):
    """Serve an API over TLS; give the gateway, an authorised client, and who accepts for it."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        listener.settimeout(TIMEOUT_SECONDS)
        publish(cli, f"http://127.0.0.1:{listener.getsockname()[1]}")
        token = cli.data("key", "generate")["access_token"]
        head = HEAD + b"Authorization: Bearer %s\r\n" % token.encode()
        with serving(cli) as gateway, connect(gateway, own_certificate(cli)) as client:
            yield gateway, head, Peer(client), lambda: Peer(listener.accept()[0])


def is_shown(gateway, certificate):
    try:
        with connect(gateway, certificate):
            return True
    except ssl.SSLCertVerificationError:
        return False


def wait_until(holds):
    for _ in range(10_000):
        if holds():
            return
    raise AssertionError(holds)
