"""What wrk sees of a gateway with two workers while it is changed, upgraded, broken and stopped."""

import concurrent.futures
import contextlib
import http.client
import itertools
import os
import signal
import socket
import threading
from dataclasses import dataclass

import pytest

from tests.binary import TIMEOUT_SECONDS
from tests.e2e.market import Market, Stall, running_market
from tests.e2e.processes import await_end, watched, workers
from tests.e2e.test_handover import ended_at_last, upgrade
from tests.e2e.waiting import until
from tests.e2e.wire import wired
from tests.e2e.wrk import CONNECTIONS, Wrk, running_wrk

CLIENTS = 8

pytestmark = pytest.mark.needs("wrk", "wrk")


@dataclass
class Load:
    """A gateway, its operator, and the wrk that loads it."""

    market: Market
    stall: Stall
    wrk: Wrk

    @property
    def process_id(self) -> int:
        return self.market.gateway.process.pid

    def signal(self, number) -> None:
        self.market.gateway.process.send_signal(number)

    def ask_to_the_end(self, begun: threading.Barrier) -> None:
        """Ask over one connection, until an answer says that it is the last one."""
        headers = {"Authorization": f"Bearer {self.stall.token}"}
        port = self.market.gateway.port
        connection = http.client.HTTPConnection("127.0.0.1", port, timeout=TIMEOUT_SECONDS)
        with contextlib.closing(connection):
            for number in itertools.count():
                connection.request("GET", f"/{self.stall.name}/1.0.0/x", headers=headers)
                response = connection.getresponse()
                response.read()
                assert response.status == 200
                if response.will_close:
                    return
                if number == 0:
                    begun.wait(TIMEOUT_SECONDS)


@pytest.fixture
def load(cli, tmp_path, backend, sandbox_backend):
    # In the file, not as a flag: what a flag says no hang-up changes.
    cli.ok("config", "set", "gateway.workers", 2)
    with running_market(cli, backend, sandbox_backend) as market:
        stall = market.stall()
        url = f"{market.gateway.url}/{stall.name}/1.0.0/x"
        with running_wrk(url, stall.token, tmp_path) as wrk:
            yield Load(market, stall, wrk)


def test_hang_ups_and_changed_settings_fail_no_request(load, cli):
    for number in range(5):
        cli.ok("config", "set", "tokens.application_validity", 3600 + number)
        load.wrk.await_more()
        load.signal(signal.SIGHUP)
        load.wrk.await_more()
    granted = load.stall.ask(grant_type="client_credentials").json
    assert granted["expires_in"] == 3604
    report = load.wrk.end()
    assert report.errors == 0, report


def test_more_workers_and_fewer_fail_no_request(load, cli):
    for count in (4, 1, 2):
        cli.ok("config", "set", "gateway.workers", count)
        load.signal(signal.SIGHUP)
        until(lambda count=count: len(workers(load.process_id)) == count)
        load.wrk.await_more()
    report = load.wrk.end()
    assert report.errors == 0, report


def test_upgrades_fail_no_request(load, cli):
    gateway = load.market.gateway
    with ended_at_last(cli, gateway):
        second = upgrade(cli, gateway, gateway.process.pid)
        assert gateway.process.wait(TIMEOUT_SECONDS) == 0
        load.wrk.await_more()
        third = upgrade(cli, gateway, second)
        load.wrk.await_more()
        assert len(workers(third)) == 2
        report = load.wrk.end()
    assert report.errors == 0, report
    assert len({gateway.process.pid, second, third}) == 3


def test_a_fallen_worker_takes_no_more_than_its_connections(load):
    fallen, other = workers(load.process_id)
    with watched(fallen) as descriptors:
        os.kill(fallen, signal.SIGKILL)
        await_end(descriptors)
    load.wrk.await_more()
    until(lambda: len(workers(load.process_id) - {fallen}) == 2)
    load.wrk.await_more()
    report = load.wrk.end()
    # A refused connection would be tried again at once, and fail many times more.
    assert (report.status, report.connect, report.timeout) == (0, 0, 0), report
    assert report.read + report.write <= CONNECTIONS, report
    assert other in workers(load.process_id)
    assert f"worker {fallen} was ended by SIGKILL; another one starts now" in (
        load.market.gateway.log
    )


def test_what_is_under_way_when_the_gateway_stops_is_answered(load):
    begun = threading.Barrier(CLIENTS + 1)
    with concurrent.futures.ThreadPoolExecutor(CLIENTS) as clients:
        ends = [clients.submit(load.ask_to_the_end, begun) for _ in range(CLIENTS)]
        begun.wait(TIMEOUT_SECONDS)
        load.signal(signal.SIGTERM)
        for end in ends:
            end.result(TIMEOUT_SECONDS)
    assert load.market.gateway.process.wait(TIMEOUT_SECONDS) == 0
    # wrk goes on, and is refused again and again: an error of write each time. One of read is a
    # connection that was made in the very moment the port closed.
    report = load.wrk.end()
    assert (report.status, report.timeout) == (0, 0), report
    assert report.read < CONNECTIONS, report


def test_a_slow_answer_under_way_when_the_gateway_stops_is_finished(load):
    gateway = load.market.gateway
    with wired(load.market) as wire:
        client, backend = wire.request()
        backend.read_head()
        backend.send(b"HTTP/1.1 200 OK\r\nContent-Length: 8\r\n\r\nfirst")
        assert client.read_head()[0] == b"HTTP/1.1 200 OK"
        load.signal(signal.SIGTERM)
        until(lambda: is_refused(gateway.port))
        assert gateway.process.poll() is None
        backend.send(b"end")
        assert client.read_to_end() == b"firstend"
        assert gateway.process.wait(TIMEOUT_SECONDS) == 0
    report = load.wrk.end()
    assert (report.status, report.timeout) == (0, 0), report


def is_refused(port) -> bool:
    try:
        socket.create_connection(("127.0.0.1", port)).close()
    except ConnectionRefusedError:
        return True
    return False
