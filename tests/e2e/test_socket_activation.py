"""As a service of systemd's: sockets that it opened, and what it is told."""

import contextlib
import fcntl
import json
import os
import signal
import socket
import subprocess
import sys
from dataclasses import dataclass

import pytest

from tests.binary import BINARY, TIMEOUT_SECONDS
from tests.e2e.conftest import FREE_PORTS, Gateway, listening_url, running_gateway
from tests.e2e.processes import await_end, watched
from tests.e2e.tls import get, line, own_certificate
from tests.e2e.waiting import until

LAUNCHER = """
import json, os, sys
given = json.loads(sys.argv[1])
for number, descriptor in enumerate(given):
    os.dup2(descriptor, 3 + number)
os.environ |= {"LISTEN_PID": str(os.getpid()), "LISTEN_FDS": str(len(given))}
os.execv(sys.argv[2], sys.argv[2:])
"""
"""Passes descriptors as systemd does: from 3 on, and for this very process."""


@dataclass
class Unit:
    """A service, and the sockets that are its own whether it runs or not."""

    cli: object
    sockets: list[socket.socket]
    names: str | None = None

    def start(self, *arguments, **options) -> subprocess.Popen:
        # Out of the way of where they are to be.
        given = [fcntl.fcntl(one.fileno(), fcntl.F_DUPFD, 100) for one in self.sockets]
        names = {} if self.names is None else {"LISTEN_FDNAMES": self.names}
        launch = [sys.executable, "-ISc", LAUNCHER, json.dumps(given)]
        try:
            return subprocess.Popen(
                [*launch, BINARY, "gateway", "serve", *arguments],
                env=self.cli.environ() | names,
                cwd=self.cli.home,
                pass_fds=given,
                text=True,
                **options,
            )
        finally:
            for descriptor in given:
                os.close(descriptor)

    @contextlib.contextmanager
    def running(self, *arguments):
        path = self.cli.home / "unit.log"
        with path.open("w") as log, self.start(*arguments, stderr=log) as process:
            try:
                yield Gateway(listening_url(process, path), process, path)
                process.terminate()
                assert process.wait(TIMEOUT_SECONDS) == 0
            finally:
                if process.poll() is None:
                    process.kill()

    def refused(self):
        with self.start("--json", stderr=subprocess.PIPE) as process:
            _, stderr = process.communicate(timeout=TIMEOUT_SECONDS)
        assert process.returncode == 6
        return json.loads(stderr.splitlines()[-1])["error"]


@contextlib.contextmanager
def listeners(count):
    with contextlib.ExitStack() as opened:
        yield [opened.enter_context(socket.create_server(("127.0.0.1", 0))) for _ in range(count)]


def port(listener):
    return listener.getsockname()[1]


@pytest.mark.parametrize("names", [None, "apimctl.socket", "http"])
def test_a_single_socket_is_for_http(cli, names):
    with listeners(1) as (listener,):
        unit = Unit(cli, [listener], names)
        for _ in range(2):
            with unit.running("--admin-port", "off", "--workers", "2") as gateway:
                assert gateway.port == port(listener)
                assert gateway.get("/").status == 404
            # Between two runs nobody is refused: the next run answers.
            with socket.create_connection(("127.0.0.1", port(listener))) as waiting:
                waiting.sendall(b"GET / HTTP/1.1\r\nHost: x\r\n\r\n")
                with unit.running("--admin-port", "off"):
                    assert waiting.recv(12) == b"HTTP/1.1 404"


def test_each_socket_is_what_its_name_says(cli):
    with (
        listeners(3) as (admin, https, http),
        Unit(cli, [admin, https, http], "admin:https:http").running() as gateway,
    ):
        assert gateway.port == port(http)
        assert line(gateway, "and with TLS")[0] == f"https://127.0.0.1:{port(https)}"
        assert line(gateway, "admin")[0] == f"http://127.0.0.1:{port(admin)}/-/metrics"
        assert get(gateway, own_certificate(cli), "/")[0] == 404


def test_sockets_for_another_process_are_not_taken(cli):
    cli.environment |= {"LISTEN_PID": "1", "LISTEN_FDS": "1", "LISTEN_FDNAMES": "x:y"}
    with running_gateway(cli) as gateway:
        assert gateway.get("/").status == 404


@pytest.mark.parametrize(
    ("count", "names", "found"),
    [
        (2, None, "unknown, unknown"),
        (2, "http:http", "http, http"),
        (2, "http:web", "http, web"),
        (2, "http", "http"),
        (1, "http:https", "http, https"),
    ],
)
def test_names_that_say_nothing_are_refused(cli, count, names, found):
    with listeners(count) as given:
        error = Unit(cli, given, names).refused()
    assert error["message"] == f"{count} sockets came under the names {found}"
    assert "FileDescriptorName=" in error["hint"]


def test_sockets_that_do_not_listen_are_refused(cli, tmp_path):
    path = str(tmp_path / "unix")
    with (
        socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as datagrams,
        socket.socket() as silent,
        socket.socket(socket.AF_UNIX) as local,
    ):
        local.bind(path)
        local.listen()
        for given, kind in (
            (datagrams, "AF_INET SOCK_DGRAM"),
            (silent, "AF_INET SOCK_STREAM"),
            (local, "AF_UNIX SOCK_STREAM"),
        ):
            error = Unit(cli, [given]).refused()
            assert error["message"].endswith(f"is no listening TCP socket, but {kind}")


@contextlib.contextmanager
def service_manager(address):
    """Listen as systemd does to what services say; give what is said, state by state."""
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as manager:
        manager.bind(address)
        manager.settimeout(TIMEOUT_SECONDS)
        yield lambda: manager.recv(4096).decode().splitlines()


@pytest.mark.parametrize("is_abstract", [False, True])
def test_the_service_manager_is_told(cli, tmp_path, is_abstract):
    name = f"apimctl-{os.getpid()}" if is_abstract else str(tmp_path / "notify")
    cli.environment["NOTIFY_SOCKET"] = f"@{name}" if is_abstract else name
    with service_manager(f"\0{name}" if is_abstract else name) as said:
        with running_gateway(cli, "--workers", "2") as gateway:
            assert said() == ["READY=1"]
            gateway.process.send_signal(signal.SIGHUP)
            reloading, since = said()
            assert (reloading, since.partition("=")[0]) == ("RELOADING=1", "MONOTONIC_USEC")
            assert said() == ["READY=1"]
        assert said() == ["STOPPING=1"]


def test_the_service_manager_is_told_who_takes_over(cli, tmp_path):
    address = str(tmp_path / "notify")
    cli.environment["NOTIFY_SOCKET"] = address
    with service_manager(address) as said:
        with running_gateway(cli) as gateway:
            assert said() == ["READY=1"]
            gateway.process.send_signal(signal.SIGUSR2)
            # The next one serves, and the service goes on in it.
            told = {*said(), *said()}
            (row,) = until(lambda: cli.data("gateway", "status"))
            assert told == {"READY=1", f"MAINPID={row['process_id']}"}
            assert gateway.process.wait(TIMEOUT_SECONDS) == 0
        with watched(row["process_id"]) as descriptors:
            os.kill(row["process_id"], signal.SIGTERM)
            assert said() == ["STOPPING=1"]
            await_end(descriptors)


def test_a_service_manager_that_is_gone_is_no_obstacle(cli, tmp_path):
    cli.environment["NOTIFY_SOCKET"] = str(tmp_path / "nobody")
    with running_gateway(cli, *FREE_PORTS) as gateway:
        assert gateway.get("/").status == 404
        until(lambda: "cannot be told: " in gateway.log)
