import contextlib
import select
import socket

import pytest

from tests.e2e.expectations import is_fault


@pytest.fixture(scope="module")
def stall(market):
    return market.stall()


def unused_port() -> int:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        return free.getsockname()[1]


def test_a_backend_that_refuses_is_101503(market):
    stall = market.stall(production_url=f"http://127.0.0.1:{unused_port()}")
    answer = stall.call(stall.token)
    assert is_fault(answer, 502, 101503, "Backend refused or failed")


def test_a_backend_that_closes_early_is_101503(stall):
    answer = stall.call(stall.token, rest="/close")
    assert is_fault(answer, 502, 101503, "Backend refused or failed")


@contextlib.contextmanager
def set_to(market, key, value):
    file = str(market.cli.config)
    market.changer("configure", file=file, key=key, value=value)
    yield
    market.changer("configure", file=file, key=key, value=None)


def test_a_silent_backend_is_101504(stall):
    with set_to(stall.market, "gateway.backend_timeout", "1s"):
        answer = stall.call(stall.token, rest="/silent")
    assert is_fault(answer, 504, 101504, "Backend timed out")


def test_an_open_circuit_is_303001_until_the_backend_is_back(market):
    with (
        socket.socket() as reserved,
        set_to(market, "gateway.circuit_failures", "2"),
        set_to(market, "gateway.circuit_open", "1s"),
    ):
        reserved.bind(("127.0.0.1", 0))
        stall = market.stall(production_url=f"http://127.0.0.1:{reserved.getsockname()[1]}")
        assert [stall.call(stall.token).fault for _ in range(3)] == [101503, 101503, 303001]
        answer = stall.call(stall.token)
        assert is_fault(answer, 503, 303001, "Backend circuit open")
        assert answer.headers["Retry-After"] == "1"
        # Another API of the same gateway is not affected.
        other = market.stall()
        assert other.call(other.token).status == 200
        reserved.listen()
        reserved.settimeout(60)
        while not select.select([reserved], [], [], 0)[0]:
            client = send_in_background(market, stall)
            if select.select([client, reserved], [], [], 60)[0] == [client]:
                assert b"303001" in client.recv(65536)
                client.close()
        backend, _ = reserved.accept()
        with backend, client:
            backend.settimeout(60)
            assert backend.recv(65536).startswith(b"GET /search")
            backend.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\nback")
            assert client.recv(65536).startswith(b"HTTP/1.1 200 OK")


def send_in_background(market, stall) -> socket.socket:
    client = socket.create_connection(("127.0.0.1", market.gateway.port), timeout=60)
    request = f"GET /{stall.name}/1.0.0/search HTTP/1.1\r\nHost: x\r\nConnection: close\r\n"
    client.sendall(f"{request}Authorization: Bearer {stall.token}\r\n\r\n".encode())
    return client
