"""Metrics of a running gateway."""

import os
import signal
from pathlib import Path

import pytest
from prometheus_client.openmetrics.parser import (
    text_string_to_metric_families as parse_openmetrics,
)
from prometheus_client.parser import text_string_to_metric_families as parse_text

from apimctl import __version__
from apimctl.edge.connection import HALF_CLOSE_SECONDS
from tests.binary import TIMEOUT_SECONDS
from tests.e2e.conftest import running_gateway
from tests.e2e.load import connections
from tests.e2e.processes import await_end, watched, workers
from tests.e2e.waiting import until
from tests.e2e.wire import wired


def samples(gateway, parse=parse_text, **headers) -> dict:
    """Return every number by its name and label values."""
    text = gateway.admin.get("/-/metrics", headers=headers).body.decode()
    return {
        (sample.name, *sample.labels.values()): sample.value
        for family in parse(text)
        for sample in family.samples
    }


def test_requests_are_counted_at_once_by_api_application_and_status(own_market):
    one, two = own_market.stall(), own_market.stall(domains="example.com")
    for _ in range(3):
        assert one.call(one.token).status == 200
    assert one.call(one.token, rest="/status/404").status == 404
    assert two.call(two.token, headers={"domain": "example.com"}).status == 200
    assert two.call(two.token).fault == 900908
    assert two.call().fault == 900902
    assert two.call(one.token[:-1]).fault == 900901
    assert own_market.gateway.get("/nothing").fault == 900906
    assert one.ask(grant_type="client_credentials").status == 200

    found = samples(own_market.gateway)
    requests = {key[1:]: n for key, n in found.items() if key[0] == "apimctl_requests_total"}
    assert requests == {
        (f"{one.name}:1.0.0", one.name, "admin", "200"): 3,
        (f"{one.name}:1.0.0", one.name, "admin", "404"): 1,
        (f"{two.name}:1.0.0", two.name, "admin", "200"): 1,
        (f"{two.name}:1.0.0", two.name, "admin", "403"): 1,
        (f"{two.name}:1.0.0", "", "", "401"): 2,
        ("", "", "", "404"): 1,
        ("", "", "", "200"): 1,
    }
    refusals = {key[1]: n for key, n in found.items() if key[0] == "apimctl_refusals_total"}
    assert refusals == {"900908": 1, "900902": 1, "900901": 1, "900906": 1}
    assert found["apimctl_backend_seconds_count", f"{one.name}:1.0.0"] == 4
    assert found["apimctl_request_seconds_count", f"{two.name}:1.0.0"] == 4
    assert found["apimctl_backend_seconds_sum", f"{one.name}:1.0.0"] > 0
    assert found["apimctl_build_info", __version__] == 1
    assert found["apimctl_workers",] == 1


def test_a_backend_that_fails_is_counted_by_its_fault(own_market):
    stall = own_market.stall(production_url="http://127.0.0.1:1")
    assert stall.call(stall.token).fault == 101503
    found = samples(own_market.gateway)
    assert found["apimctl_refusals_total", "101503"] == 1
    assert ("apimctl_backend_seconds_count", f"{stall.name}:1.0.0") not in found


def test_a_deleted_application_is_shown_by_its_id(own_market):
    stall = own_market.stall()
    stall.change("delete_app", name=stall.name)
    assert stall.call(stall.token).fault == 900901
    assert stall.call().fault == 900902
    found = samples(own_market.gateway)
    assert found["apimctl_requests_total", f"{stall.name}:1.0.0", "", "", "401"] == 2


def test_a_client_that_left_before_the_answer_is_told_from_one_that_got_it(own_market):
    with wired(own_market) as wire:
        client, backend = wire.request()
        backend.read_head()
        assert client.hears_nothing(HALF_CLOSE_SECONDS + 0.1)
        client.close()
        assert backend.read_to_end() == b""
        name = wire.stall.name
        left = ("apimctl_requests_total", f"{name}:1.0.0", name, "admin", "499")
        assert until(lambda: samples(own_market.gateway).get(left)) == 1


def test_connections_are_those_that_are_open(own_market):
    with wired(own_market) as wire:
        clients = [wire.connect() for _ in range(3)]
        assert own_market.gateway.get("/").status == 404
        assert samples(own_market.gateway)["apimctl_connections",] in {3, 4}
        for client in clients:
            client.close()


def test_nothing_that_a_client_sends_becomes_a_label(own_market):
    for number in range(50):
        own_market.gateway.send("GET", f"/unknown{number}?x={number}")
    text = own_market.gateway.admin.get("/-/metrics").body
    assert b"unknown" not in text
    requests = [line for line in text.splitlines() if line.startswith(b"apimctl_requests_total{")]
    assert len(requests) == 1


@pytest.mark.parametrize(
    ("accept", "is_open"),
    [
        ("*/*", False),
        ("text/plain", False),
        ("application/openmetrics-text", True),
        ("application/openmetrics-text;version=1.0.0;q=0.5,text/plain;version=0.0.4;q=0.3", True),
        ("application/openmetrics-text;q=0.2,text/plain;q=0.3", False),
    ],
)
def test_the_format_is_the_one_that_is_asked_for(market, accept, is_open):
    answer = market.gateway.admin.get("/-/metrics", headers={"Accept": accept})
    kind = "application/openmetrics-text; version=1.0.0" if is_open else "text/plain; version=0.0.4"
    assert answer.headers["Content-Type"] == f"{kind}; charset=utf-8"
    assert samples(market.gateway, parse_openmetrics if is_open else parse_text, Accept=accept)


def ask_both(gateway, count):
    """Send so many requests on connections that stay open meanwhile; return the workers."""
    both = workers(gateway.process.pid)
    with connections(gateway, count) as clients:
        for client in clients:
            client.sendall(b"GET / HTTP/1.1\r\nHost: x\r\n\r\n")
            assert b"404" in client.recv(65536)
        until(lambda: samples(gateway)["apimctl_connections",] == count)
    return both


def test_two_workers_are_counted_as_one_gateway_also_if_one_falls(cli):
    not_found = ("apimctl_requests_total", "", "", "", "404")
    with running_gateway(cli, "--workers", "2") as gateway:
        ask_both(gateway, 60)
        # What the other worker counted is there within a second.
        until(lambda: samples(gateway).get(not_found) == 60)
        fallen, other = workers(gateway.process.pid)
        with watched(fallen) as descriptors:
            os.kill(fallen, signal.SIGKILL)
            await_end(descriptors)
        until(lambda: len(workers(gateway.process.pid)) == 2)
        until(lambda: samples(gateway).get(("apimctl_workers",)) == 2)
        assert samples(gateway)[not_found] == 60
        assert other in ask_both(gateway, 60)
        until(lambda: samples(gateway).get(not_found) == 120)
        found = samples(gateway)
        assert found["apimctl_refusals_total", "900906"] == 120
        assert found["apimctl_request_seconds_count", ""] == 120
        until(lambda: samples(gateway)["apimctl_connections",] == 0)


def test_what_is_no_request_is_counted_by_the_fault_that_answers_it(own_market):
    with wired(own_market) as wire:
        client = wire.connect()
        client.send(b"EHLO gateway.test\r\n\r\n")
        assert client.read_head()[0].startswith(b"HTTP/1.1 400 ")
        client = wire.connect()
        client.send(b"GET /%s HTTP/1.1\r\n\r\n" % (b"x" * 40_000))
        assert client.read_head()[0].startswith(b"HTTP/1.1 431 ")
    found = samples(own_market.gateway)
    assert found["apimctl_refusals_total", "400"] == 1
    assert found["apimctl_refusals_total", "431"] == 1
    assert found["apimctl_requests_total", "", "", "", "400"] == 1


def test_a_backend_is_timed_until_its_head_and_not_its_body(own_market):
    with wired(own_market) as wire:
        client, backend = wire.request()
        backend.read_head()
        backend.send(b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n")
        client.read_head()
        assert client.hears_nothing(0.3)
        backend.send(b"ok")
        assert client.read(2) == b"ok"
    found = samples(own_market.gateway)
    api = f"{wire.stall.name}:1.0.0"
    in_all = found["apimctl_request_seconds_sum", api]
    assert found["apimctl_backend_seconds_sum", api] <= in_all - 0.3


def folder_of(process_id):
    """Return where a gateway with one worker keeps its metrics."""
    (worker,) = workers(process_id)
    open_files = {path.readlink() for path in Path(f"/proc/{worker}/fd").iterdir()}
    (folder,) = {path.parent for path in open_files if path.name == "counter_0.db"}
    assert folder.name.startswith("apimctl-metrics-")
    return folder


def test_the_files_of_the_metrics_go_with_the_gateway(cli):
    with running_gateway(cli) as gateway:
        folder = folder_of(gateway.process.pid)
        gateway.process.send_signal(signal.SIGUSR2)
        assert gateway.process.wait(TIMEOUT_SECONDS) == 0
        assert not folder.exists()
        (row,) = cli.data("gateway", "status")
        with watched(row["process_id"]) as descriptors:
            folder = folder_of(row["process_id"])
            os.kill(row["process_id"], signal.SIGTERM)
            await_end(descriptors)
    assert not folder.exists()
