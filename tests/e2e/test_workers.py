"""Several workers are one gateway: what one knows all obey, and none is missed when it falls."""

import concurrent.futures
import contextlib
import os
import signal
import socket
from pathlib import Path

import pytest

from tests.binary import TIMEOUT_SECONDS, Cli
from tests.e2e.conftest import FREE_PORTS, publish, running_gateway
from tests.e2e.load import ONE_OF_TWENTY, answers, connections, renew_at_once
from tests.e2e.market import running_market
from tests.e2e.processes import await_end, sockets, watched, workers
from tests.e2e.tls import is_shown, write_pair
from tests.e2e.traffic import traffic
from tests.e2e.waiting import until
from tests.e2e.wire import Peer

PATH = "/twitter/1.0.0/x"


@pytest.fixture
def token(cli, backend):
    publish(cli, backend)
    return cli.data("key", "generate")["access_token"]


@pytest.fixture
def pair(cli, token):
    with running_gateway(cli, "--workers", "2") as gateway:
        yield gateway


def kill(process_id):
    with watched(process_id) as descriptors:
        os.kill(process_id, signal.SIGKILL)
        await_end(descriptors)


def test_every_worker_serves(cli, pair):
    both = workers(pair.process.pid)
    assert len(both) == 2
    before = {worker: sockets(worker) for worker in both}
    with connections(pair, 100) as clients:
        for client in clients:
            client.sendall(b"GET / HTTP/1.1\r\nHost: x\r\n\r\n")
            assert b"404" in client.recv(65536)
        taken = {worker: sockets(worker) - before[worker] for worker in both}
        assert sum(taken.values()) == 100
        assert min(taken.values()) > 0
    (row,) = cli.data("gateway", "status")
    assert (row["process_id"], row["workers"]) == (pair.process.pid, 2)
    assert row["admin_url"].startswith("http://127.0.0.1:")
    assert f"admin         {row['admin_url']}/-/metrics\n" in pair.log
    # Who forks has one thread and no database open.
    assert len(list(Path(f"/proc/{pair.process.pid}/task").iterdir())) == 1
    files = Path(f"/proc/{pair.process.pid}/fd").iterdir()
    assert not [file for file in files if "apimctl.db" in str(file.readlink())]
    assert "workers       2\n" in pair.log


def test_as_many_workers_as_processors(cli):
    with running_gateway(cli, "--workers", "auto", "--admin-port", "off") as gateway:
        count = len(os.sched_getaffinity(0))
        assert len(workers(gateway.process.pid)) == count
        (row,) = cli.data("gateway", "status")
        assert (row["workers"], row["admin_url"]) == (count, None)


@pytest.mark.parametrize("number", ["0", "-1", "x", "", "1.5", "257"])
def test_a_number_of_workers_that_cannot_be(cli, number):
    result = cli("gateway", "serve", *FREE_PORTS, f"--workers={number}", "--json")
    assert (result.code, result.stdout) == (6, "")
    assert "--workers" in result.error["message"]
    assert "auto" in result.error["hint"]


def test_an_admin_port_in_use_is_a_conflict(cli):
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        result = cli("gateway", "serve", "--port", 0, "--admin-port", port, "--json")
    assert (result.code, result.error["code"]) == (5, "conflict")
    assert "--admin-port" in result.error["hint"]


def test_what_prevents_all_workers_is_said_once(cli):
    cli.store.parent.mkdir(parents=True)
    cli.ok("app", "list")
    cli.store.with_name("apimctl.db.counters").mkdir()
    result = cli("gateway", "serve", *FREE_PORTS, "--workers", "3", "--json")
    assert (result.code, result.error["code"]) == (7, "store_unreadable")
    assert len(result.stderr.splitlines()) == 1


def test_a_worker_that_falls_is_replaced_and_no_connection_refused(pair, token):
    for _ in range(3):
        old = workers(pair.process.pid)
        for worker in old:
            kill(worker)
        # Whoever connects now is served by a worker that is not there yet.
        assert pair.get(PATH, token=token).status == 200
        new = until(lambda: len(found := workers(pair.process.pid)) == 2 and found)
        assert not old & new
        for worker in old:
            (line,) = [line for line in pair.log.splitlines() if f"worker {worker} " in line]
            assert "was ended by SIGKILL; another one starts" in line


def test_the_fall_of_a_worker_is_nothing_to_the_other(pair, token):
    first, second = workers(pair.process.pid)
    idle = {worker: sockets(worker) for worker in (first, second)}
    request = f"GET {PATH} HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer {token}\r\n\r\n".encode()
    with connections(pair, 50) as clients:
        until(lambda: sum(map(sockets, idle)) == sum(idle.values()) + 50)
        kept = sockets(second) - idle[second]
        kill(first)
        for client in clients:
            with contextlib.suppress(ConnectionError):
                client.sendall(request)
        with_answer = [client for client in clients if b"200 OK" in received(client)]
    assert len(with_answer) == kept > 0


def received(client):
    with contextlib.suppress(ConnectionError):
        return client.recv(65536)
    return b""


def test_a_worker_that_is_told_to_end_finishes_first_and_is_replaced(pair):
    first, second = workers(pair.process.pid)
    with half_sent(pair) as client, watched(first, second) as descriptors:
        for worker in (first, second):
            os.kill(worker, signal.SIGTERM)
        until(lambda: len(workers(pair.process.pid) - {first, second}) >= 1)
        client.sendall(b"grant=123")
        assert b"400 Bad Request" in client.recv(65536)
        await_end(descriptors)
    until(lambda: f"worker {first} ended with exit code 0; another" in pair.log)
    assert pair.get("/").status == 404


def test_a_worker_that_falls_again_and_again_is_waited_with(cli, pair, token):
    away = cli.store.with_name("away.db")
    cli.store.rename(away)
    (worker, other) = workers(pair.process.pid)
    kill(worker)
    until(lambda: "another one starts in 0.4 s" in pair.log)
    falls = [line for line in pair.log.splitlines() if "another one starts" in line]
    pauses = [line.rpartition(" starts ")[2] for line in falls[:4]]
    assert pauses == ["now", "in 0.1 s", "in 0.2 s", "in 0.4 s"]
    assert all("ended with exit code 7: " in line for line in falls[1:])
    assert other in workers(pair.process.pid)
    away.rename(cli.store)
    until(lambda: pair.get(PATH, token=token).status == 200)
    until(lambda: serves(pair, workers(pair.process.pid) - {other}))


def serves(gateway, process_ids):
    """Return whether one of these workers takes connections."""
    before = {worker: sockets(worker) for worker in process_ids}
    with connections(gateway, 50):
        return any(sockets(worker) > before[worker] for worker in process_ids)


def test_the_workers_of_a_fallen_supervisor_finish_and_end(cli, own_market):
    with socket.create_server(("127.0.0.1", 0)) as listener:
        listener.settimeout(TIMEOUT_SECONDS)
        stall = own_market.stall(production_url=f"http://127.0.0.1:{listener.getsockname()[1]}")
        gateway = own_market.gateway
        (worker,) = workers(gateway.process.pid)
        with (
            watched(worker) as descriptors,
            socket.create_connection(("127.0.0.1", gateway.port)) as connection,
        ):
            head = f"GET /{stall.name}/1.0.0/x HTTP/1.1\r\nHost: x\r\n"
            connection.sendall(f"{head}Authorization: Bearer {stall.token}\r\n\r\n".encode())
            client, backend = Peer(connection), Peer(listener.accept()[0])
            gateway.process.kill()
            gateway.process.wait(TIMEOUT_SECONDS)
            until(lambda: is_refused(gateway.port))
            backend.read_head()
            backend.send(b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok")
            assert client.read_head()[0] == b"HTTP/1.1 200 OK"
            assert client.read_to_end() == b"ok"
            backend.close()
            await_end(descriptors)
        with socket.create_server(("127.0.0.1", gateway.port)):
            pass


def is_refused(port):
    try:
        with socket.create_connection(("127.0.0.1", port)):
            return False
    except ConnectionRefusedError:
        return True


def half_sent(gateway):
    """Return a connection whose request is under way and will never be whole."""
    client = socket.create_connection(("127.0.0.1", gateway.port), timeout=TIMEOUT_SECONDS)
    form = b"Content-Type: application/x-www-form-urlencoded\r\nContent-Length: 9\r\n"
    client.sendall(b"POST /token HTTP/1.1\r\nHost: x\r\nExpect: 100-continue\r\n" + form + b"\r\n")
    assert b"100 Continue" in client.recv(65536)
    return client


def test_a_second_signal_cuts_what_the_first_lets_finish(pair):
    with half_sent(pair) as one, half_sent(pair) as other:
        pair.process.send_signal(signal.SIGTERM)
        until(lambda: is_refused(pair.port))
        one.sendall(b"grant=123")
        assert b"400 Bad Request" in one.recv(65536)
        assert pair.process.poll() is None
        pair.process.send_signal(signal.SIGTERM)
        assert Peer(other).read_to_end() == b""
        assert pair.process.wait(TIMEOUT_SECONDS) == 0
    assert pair.log.count("stopped") == 1


def test_a_worker_that_hangs_is_killed_in_the_end(cli):
    cli.ok("config", "set", "gateway.drain", "1s")
    with running_gateway(cli, "--workers", "2") as gateway:
        hanging, _ = workers(gateway.process.pid)
        os.kill(hanging, signal.SIGSTOP)
        gateway.process.send_signal(signal.SIGTERM)
        assert gateway.process.wait(TIMEOUT_SECONDS) == 0
    assert f"worker {hanging} did not end in time: killed" in gateway.log


def test_a_hang_up_leaves_the_number_of_workers_that_the_flag_says(cli, pair, token):
    supervisor = pair.process
    first = workers(supervisor.pid)
    # What the flag says is said for good.
    cli.ok("config", "set", "gateway.workers", "3")
    supervisor.send_signal(signal.SIGHUP)
    assert pair.get(PATH, token=token).status == 200
    assert workers(supervisor.pid) == first


def test_more_workers_and_fewer_while_requests_go_on(cli, token):
    with (
        running_gateway(cli) as gateway,
        traffic(gateway.port, PATH, token) as requests,
    ):
        for count in (3, 1, 2):
            cli.ok("config", "set", "gateway.workers", count)
            gateway.process.send_signal(signal.SIGHUP)
            until(lambda count=count: len(workers(gateway.process.pid)) == count)
            until(lambda count=count: cli.data("gateway", "status")[0]["workers"] == count)
            requests.await_more()
    assert "another one starts" not in gateway.log


def test_a_hang_up_exchanges_the_certificate_of_every_worker(cli, tmp_path):
    certificate, key = write_pair(tmp_path)
    arguments = ("--workers", "2", "--tls-port", "0", "--cert", certificate, "--key", key)
    with running_gateway(cli, *arguments) as gateway:
        old = tmp_path / "old.pem"
        certificate.rename(old)
        write_pair(tmp_path)
        gateway.process.send_signal(signal.SIGHUP)
        until(lambda: not any(is_shown(gateway, old) for _ in range(20)))
        assert all(is_shown(gateway, certificate) for _ in range(20))
        for worker in workers(gateway.process.pid):
            kill(worker)
        assert is_shown(gateway, certificate)


def test_settings_that_cannot_be_are_complained_of_once(cli, token):
    log = cli.home / "access.log"
    flags = ("--workers", "2", "--access-log", "json", "--access-log-file", log)
    with running_gateway(cli, *flags) as gateway:
        cli.config.parent.mkdir(parents=True, exist_ok=True)
        cli.config.write_text("[gateway\n")
        log.unlink()
        gateway.process.send_signal(signal.SIGHUP)
        # Whatever is wrong with the settings, the access log is reopened.
        until(log.exists)
        assert gateway.get("/").status == 404
        cli.config.unlink()
        gateway.process.send_signal(signal.SIGHUP)
    assert gateway.log.count("the settings stay as they are") == 1


def test_one_more_signal_changes_nothing_about_the_end(pair):
    pair.process.send_signal(signal.SIGTERM)
    until(lambda: pair.process.send_signal(signal.SIGINT) or pair.process.poll() is not None)
    assert pair.process.returncode == 0
    assert pair.log.count("stopped") == 1


def test_ctrl_c_at_a_terminal_stops_all_of_them(cli):
    arguments = ("gateway", "serve", *FREE_PORTS, "--workers", "2")
    code, seen = cli.at_terminal(*arguments, answers=[("stop          Ctrl-C", "\x03")])
    assert code == 0
    assert seen.count("stopped") == 1
    assert "interrupted" not in seen


def test_a_limit_of_fifty_admits_fifty_of_four_hundred_over_two_workers(cli, backend):
    cli.ok("tier", "create", "Limited", "--requests", 50, "--per", "1h")
    publish(cli, backend)
    cli.ok("app", "update", "DefaultApplication", "--tier", "Limited")
    token = cli.data("key", "generate")["access_token"]
    request = f"GET {PATH} HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer {token}\r\n\r\n".encode()
    with running_gateway(cli, "--workers", "2") as gateway:
        before = {worker: sockets(worker) for worker in workers(gateway.process.pid)}
        statuses = []
        with connections(gateway, 400) as clients:
            until(lambda: sum(map(sockets, before)) >= sum(before.values()) + 400)
            assert all(sockets(worker) > before[worker] for worker in before)
            for client in clients:
                client.sendall(request[:-1])
            for client in clients:
                client.sendall(request[-1:])
            for _, status, _ in answers(clients):
                statuses.append(status)
                if len(statuses) == 400:
                    break
    assert (statuses.count(200), statuses.count(429)) == (50, 350)


def test_no_worker_serves_a_revoked_token(cli, backend, sandbox_backend):
    with (
        running_market(cli, backend, sandbox_backend, "--workers", "2") as market,
        concurrent.futures.ThreadPoolExecutor(8) as clients,
    ):
        stall = market.stall()
        for _ in range(150):
            token = stall.change("renew", app=stall.name)
            assert {answer.status for answer in clients.map(stall.call, [token] * 8)} == {200}
            stall.change("revoke", token=token)
            # Each on a connection of its own: they reach both workers.
            assert {answer.fault for answer in clients.map(stall.call, [token] * 8)} == {900904}


@pytest.fixture(scope="module")
def shared(tmp_path_factory, backend, sandbox_backend):
    """Give one gateway of two workers to tests that leave both as they are."""
    cli = Cli(tmp_path_factory.mktemp("shared"))
    with running_market(cli, backend, sandbox_backend, "--workers", "2") as market:
        yield market


def test_one_refresh_token_renews_once_on_two_workers(shared):
    stall, user = shared.stall(), shared.user()
    for _ in range(3):
        tokens = stall.log_in(user)
        outcomes, (winner,) = renew_at_once(
            shared.gateway, stall.client, tokens["refresh_token"], count=20
        )
        assert outcomes == ONE_OF_TWENTY
        # The others replayed a spent token: nothing of the family is valid any more.
        assert stall.call(winner).fault == 900904


def test_a_token_that_its_client_revoked_is_never_accepted_again(shared):
    stall = shared.stall()

    def revoke_and_use(_) -> list[int]:
        token = stall.ask(grant_type="client_credentials").json["access_token"]
        # Each on a connection of its own: they reach both workers, which then know it.
        before = [stall.call(token).status for _ in range(3)]
        assert stall.ask(path="/revoke", token=token).status == 200
        return before + [stall.call(token).fault for _ in range(3)]

    with concurrent.futures.ThreadPoolExecutor(8) as clients:
        outcomes = list(clients.map(revoke_and_use, range(100)))
    assert outcomes == [[200] * 3 + [900904] * 3] * 100
