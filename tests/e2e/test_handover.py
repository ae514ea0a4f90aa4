"""SIGUSR2: the next process takes over the sockets, and no request is lost in between."""

import contextlib
import os
import signal
import sqlite3
import ssl
from contextlib import closing

import pytest

from tests.binary import TIMEOUT_SECONDS
from tests.e2e.conftest import publish, running_gateway
from tests.e2e.processes import await_end, successor, wait_until, watched, workers
from tests.e2e.tls import own_certificate, tls_port
from tests.e2e.traffic import traffic

PATH = "/twitter/1.0.0/x"


@pytest.fixture
def token(cli, backend):
    publish(cli, backend)
    return cli.data("key", "generate")["access_token"]


def serving(cli, gateway):
    """Return the row of the gateway, which has to answer."""
    (row,) = [row for row in cli.data("gateway", "status") if row["url"] == gateway.url]
    assert row["state"] == "serving"
    return row


def upgrade(cli, gateway, old):
    """Let a process hand over; return the next one, once the old one has ended."""
    with watched(old) as descriptors:
        os.kill(old, signal.SIGUSR2)
        wait_until(lambda: serving(cli, gateway)["process_id"] != old)
        await_end(descriptors)
    return serving(cli, gateway)["process_id"]


@contextlib.contextmanager
def ended_at_last(cli, gateway):
    """End whichever process serves when the block is over."""
    try:
        yield
    finally:
        for row in cli("gateway", "status", "--json").json:
            if row["process_id"] != gateway.process.pid:
                with watched(row["process_id"]) as descriptors:
                    os.kill(row["process_id"], signal.SIGTERM)
                    await_end(descriptors)


def test_an_upgrade_under_load_fails_no_request(cli, token):
    with (
        running_gateway(cli, "--workers", "2") as gateway,
        ended_at_last(cli, gateway),
        traffic(gateway.port, PATH, token) as requests,
    ):
        before = serving(cli, gateway)
        first = gateway.process.pid
        second = upgrade(cli, gateway, first)
        assert gateway.process.wait(TIMEOUT_SECONDS) == 0
        requests.await_more()
        third = upgrade(cli, gateway, second)
        requests.await_more()
        after = serving(cli, gateway)
        assert len({first, second, third}) == 3
        assert len(workers(third)) == 2
        assert {**before, "process_id": third, "started_at": after["started_at"]} == after
    assert gateway.log.count("listening on") == 3
    assert f"stopped; process {second} serves on" in gateway.log
    assert f"stopped; process {third} serves on" in gateway.log
    assert gateway.log.count("stopped\n") == 1
    assert cli("gateway", "status", "--json").json == []


def test_an_upgrade_cuts_nobody_amid_a_handshake(cli, token):
    with running_gateway(cli, "--tls-port", "0") as gateway, ended_at_last(cli, gateway):
        tls = ssl.create_default_context(cafile=own_certificate(cli))
        old = gateway.process.pid
        with traffic(tls_port(gateway), PATH, token, tls=tls) as requests:
            for _ in range(2):
                old = upgrade(cli, gateway, old)
                requests.await_more()
        urls = [row["url"] for row in cli.data("gateway", "status") if row["state"] == "serving"]
        assert len(urls) == 2


def test_an_upgrade_that_cannot_start_leaves_the_old_one(cli, token):
    with (
        running_gateway(cli) as gateway,
        ended_at_last(cli, gateway),
        traffic(gateway.port, PATH, token),
    ):
        old = gateway.process.pid
        cli.config.parent.mkdir(parents=True, exist_ok=True)
        cli.config.write_text("[gateway\n")
        os.kill(old, signal.SIGUSR2)
        wait_until(lambda: "the upgrade failed: it ended with exit code 6" in gateway.log)
        cli.config.unlink()
        assert serving(cli, gateway)["process_id"] == old
        assert upgrade(cli, gateway, old) != old


def test_an_upgrade_whose_workers_cannot_serve_leaves_the_old_one(cli, token):
    with running_gateway(cli) as gateway:
        old = gateway.process.pid
        counters = cli.store.with_name("apimctl.db.counters")
        counters.unlink()
        counters.mkdir()
        os.kill(old, signal.SIGUSR2)
        wait_until(lambda: "the upgrade failed: it ended with exit code 7" in gateway.log)
        counters.rmdir()
        assert serving(cli, gateway)["process_id"] == old
        assert gateway.get(PATH, token=token).status == 200


def test_a_stop_during_an_upgrade_stops_both(cli):
    with running_gateway(cli) as gateway:
        with closing(sqlite3.connect(cli.store, isolation_level=None)) as db:
            # The successor serves, and cannot be listed: it is not ready yet.
            db.execute("BEGIN IMMEDIATE")
            os.kill(gateway.process.pid, signal.SIGUSR2)
            heir = wait_until(lambda: successor(gateway.process.pid))
            with watched(heir) as descriptors:
                wait_until(lambda: workers(heir))
                os.kill(gateway.process.pid, signal.SIGTERM)
                db.execute("ROLLBACK")
                await_end(descriptors)
        assert gateway.process.wait(TIMEOUT_SECONDS) == 0
    assert cli("gateway", "status", "--json").json == []


def test_a_second_upgrade_at_once_is_refused(cli):
    with running_gateway(cli) as gateway, ended_at_last(cli, gateway):
        with closing(sqlite3.connect(cli.store, isolation_level=None)) as db:
            db.execute("BEGIN IMMEDIATE")
            for _ in range(2):
                os.kill(gateway.process.pid, signal.SIGUSR2)
                wait_until(lambda: successor(gateway.process.pid))
            wait_until(lambda: "no upgrade now" in gateway.log)
            db.execute("ROLLBACK")
        assert gateway.process.wait(TIMEOUT_SECONDS) == 0
        assert serving(cli, gateway)["process_id"] != gateway.process.pid
