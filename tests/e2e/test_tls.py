"""The gateway over TLS: real sockets, clients that verify, certificates that are exchanged."""

import contextlib
import select
import signal
import socket
import ssl
import stat
from urllib.parse import urlsplit

import pytest

from apimctl.services.gateways import METADATA_PATH
from tests.binary import TIMEOUT_SECONDS
from tests.e2e.conftest import FREE_PORTS, running_gateway
from tests.e2e.processes import kill
from tests.e2e.tls import (
    both_sides,
    connect,
    get,
    is_shown,
    line,
    own_certificate,
    serving,
    tls_port,
    wait_until,
    write_pair,
)
from tests.e2e.wire import Peer


def test_a_self_signed_certificate_is_made_and_said(cli):
    with serving(cli) as gateway:
        certificate = own_certificate(cli)
        assert line(gateway, "certificate")[0] == f"{certificate},"
        assert f"--cacert {certificate} https://127.0.0.1:{tls_port(gateway)}/" in gateway.log
        assert stat.S_IMODE(certificate.with_name("key.pem").stat().st_mode) == 0o600
        assert get(gateway, certificate, "/")[0] == 404
        assert gateway.get("/").status == 404
    made = certificate.read_bytes()
    with serving(cli):
        assert certificate.read_bytes() == made


def test_a_long_answer_comes_whole_though_the_gateway_is_told_to_stop(cli):
    with both_sides(cli) as (gateway, head, client, accept):
        client.send(head + b"\r\n")
        with contextlib.closing(accept()) as backend:
            backend.read_head()
            gateway.process.send_signal(signal.SIGTERM)
            body = bytes(range(256)) * 8192
            backend.send(b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n" % len(body) + body)
        assert client.read_head()[0] == b"HTTP/1.1 200 OK"
        assert client.read_to_end() == body
        assert gateway.process.wait(TIMEOUT_SECONDS) == 0


def test_a_websocket_goes_through_tls(cli):
    with both_sides(cli) as (_, head, client, accept):
        asked = b"Upgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Version: 13\r\n"
        client.send(head + asked + b"Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n")
        with contextlib.closing(accept()) as backend:
            backend.read_head()
            agreed = b"Upgrade: websocket\r\nConnection: Upgrade\r\n"
            accepted = b"Sec-WebSocket-Accept: s3pPLMBiTxaQ9kYGzzhZRbK+xOo=\r\n\r\n"
            backend.send(b"HTTP/1.1 101 Switching Protocols\r\n" + agreed + accepted)
            assert client.read_head()[0] == b"HTTP/1.1 101 Switching Protocols"
            client.send(b"to the backend")
            assert backend.read(14) == b"to the backend"
            backend.send(b"to the client")
            assert client.read(13) == b"to the client"
        assert client.read_to_end() == b""


def test_the_backend_and_the_metadata_are_told_of_https(cli):
    with both_sides(cli) as (gateway, head, client, accept):
        client.send(head + b"\r\n")
        with contextlib.closing(accept()) as backend:
            told = dict(backend.read_head()[1])
            backend.send(b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok")
            assert client.read_head()[0] == b"HTTP/1.1 200 OK"
            assert client.read(2) == b"ok"
        assert told[b"x-forwarded-proto"] == b"https"
        assert told[b"forwarded"].endswith(b"proto=https")
        _, metadata = get(gateway, own_certificate(cli), METADATA_PATH)
        assert b'"issuer": "https://127.0.0.1:' in metadata


def test_status_lists_both_and_verifies_the_certificate(cli, tmp_path):
    certificate, key = write_pair(tmp_path)
    with serving(cli, "--cert", certificate, "--key", key) as gateway:
        url = line(gateway, "and with TLS")[0]
        rows = cli.data("gateway", "status")
        assert [(row["url"], row["state"]) for row in rows] == [
            (gateway.url, "serving"),
            (url, "serving"),
        ]
    assert cli("gateway", "status", "--json").json == []


def test_a_stranger_on_the_port_of_a_fallen_gateway_is_not_taken_for_it(cli, tmp_path):
    with serving(cli) as gateway:
        url = line(gateway, "and with TLS")[0]
        kill(gateway)
    stranger = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    stranger.load_cert_chain(*write_pair(tmp_path))
    with socket.create_server(("127.0.0.1", urlsplit(url).port)) as listener:
        with cli.start("gateway", "status", "--json") as process:
            with (
                pytest.raises(ssl.SSLError),
                contextlib.closing(listener.accept()[0]) as accepted,
                stranger.wrap_socket(accepted, server_side=True) as connection,
            ):
                connection.recv(1)
            process.communicate(timeout=TIMEOUT_SECONDS)
        assert process.returncode == 3


def test_older_tls_is_refused_and_http_1_1_agreed(cli):
    with serving(cli) as gateway:
        context = ssl.create_default_context(cafile=own_certificate(cli))
        context.set_alpn_protocols(["h2", "http/1.1"])
        with connect(gateway, None, context=context) as connection:
            assert connection.selected_alpn_protocol() == "http/1.1"
        context = ssl.create_default_context(cafile=own_certificate(cli))
        context.set_ciphers("ALL:@SECLEVEL=0")
        context.maximum_version = ssl.TLSVersion.TLSv1_2
        with connect(gateway, None, context=context) as connection:
            assert connection.version() == "TLSv1.2"
        with pytest.warns(DeprecationWarning, match="TLSv1_1"):
            context.minimum_version = context.maximum_version = ssl.TLSVersion.TLSv1_1
        with pytest.raises((ssl.SSLError, ConnectionResetError)):
            connect(gateway, None, context=context)
        assert get(gateway, own_certificate(cli), "/")[0] == 404


def test_who_does_not_speak_tls_harms_nobody(cli):
    with serving(cli) as gateway:
        with socket.create_connection(("127.0.0.1", tls_port(gateway))) as stranger:
            stranger.settimeout(TIMEOUT_SECONDS)
            stranger.sendall(b"GET / HTTP/1.1\r\nHost: x\r\n\r\n")
            assert b"HTTP" not in Peer(stranger).read_to_end()
        assert get(gateway, own_certificate(cli), "/")[0] == 404


def test_a_hang_up_exchanges_the_certificate_for_new_connections(cli, tmp_path):
    certificate, key = write_pair(tmp_path)
    old = tmp_path / "old.pem"
    old.write_bytes(certificate.read_bytes())
    with serving(cli, "--cert", certificate, "--key", key) as gateway:
        assert "self-signed" not in gateway.log
        with connect(gateway, old) as kept:
            write_pair(tmp_path)
            gateway.process.send_signal(signal.SIGHUP)
            wait_until(lambda: is_shown(gateway, certificate))
            assert not is_shown(gateway, old)
            kept.sendall(b"GET / HTTP/1.1\r\nHost: x\r\n\r\n")
            assert Peer(kept).read_head()[0] == b"HTTP/1.1 404 Not Found"
        wait_until(
            lambda: [row["state"] for row in cli.data("gateway", "status")] == ["serving"] * 2
        )
        new = tmp_path / "new.pem"
        new.write_bytes(certificate.read_bytes())
        key.write_text("no key")
        gateway.process.send_signal(signal.SIGHUP)
        wait_until(lambda: "the certificate stays as it is" in gateway.log)
        assert is_shown(gateway, new)


def test_a_request_under_way_is_finished_over_tls(cli):
    with serving(cli) as gateway:
        idle = connect(gateway, own_certificate(cli))
        busy = connect(gateway, own_certificate(cli))
        with idle, busy:
            lines = "Content-Type: application/x-www-form-urlencoded\r\nContent-Length: 29\r\n\r\n"
            form = b"grant_type=client_credentials"
            busy.sendall(f"POST /token HTTP/1.1\r\nHost: x\r\n{lines}".encode() + form[:-1])
            assert get(gateway, own_certificate(cli), "/")[0] == 404
            gateway.process.send_signal(signal.SIGTERM)
            assert Peer(idle).read_to_end() == b""
            with pytest.raises(ConnectionRefusedError):
                connect(gateway, own_certificate(cli))
            busy.sendall(form[-1:])
            client = Peer(busy)
            assert client.read_head()[0] == b"HTTP/1.1 401 Unauthorized"
            assert b"invalid_client" in client.read_to_end()
        assert gateway.process.wait(TIMEOUT_SECONDS) == 0


def test_the_settings_do_as_the_flags(cli, tmp_path):
    certificate, key = write_pair(tmp_path)
    cli.ok("config", "set", "gateway.tls_port", "0")
    cli.ok("config", "set", "gateway.certificate", certificate)
    half = cli("gateway", "serve", *FREE_PORTS, "--json")
    assert (half.code, "gateway.private_key" in half.error["message"]) == (6, True)
    cli.ok("config", "set", "gateway.private_key", key)
    with running_gateway(cli) as gateway:
        assert get(gateway, certificate, "/")[0] == 404
    assert not own_certificate(cli).exists()


def test_a_client_that_is_slow_with_its_handshake_is_not_waited_for_longer(cli):
    cli.ok("config", "set", "gateway.header_timeout", "3s")
    with serving(cli) as gateway:
        plain = socket.create_connection(("127.0.0.1", tls_port(gateway)), timeout=TIMEOUT_SECONDS)
        assert not select.select([plain], [], [], 1.5)[0]
        context = ssl.create_default_context(cafile=own_certificate(cli))
        with context.wrap_socket(plain, server_hostname="localhost") as client:
            assert client.recv(1) == b""
