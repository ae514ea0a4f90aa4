"""What `gateway serve --tls-port` refuses, before anything listens."""

import socket

import pytest

from tests.e2e.conftest import FREE_PORTS
from tests.e2e.tls import write_pair


@pytest.mark.parametrize(
    ("arguments", "code"),
    [
        (["--tls-port", "0", "--cert", "a.pem"], 2),
        (["--tls-port", "0", "--key", "a.key"], 2),
        (["--tls-port", "0", "--cert", "", "--key", ""], 2),
        (["--cert", "a.pem", "--key", "a.key"], 2),
        (["--tls-port", "0", "--cert", "a.pem", "--key", "a.key"], 6),
        (["--tls-port", "https"], 6),
        (["--tls-port", ""], 6),
    ],
)
def test_what_cannot_be_is_refused_before_anything_listens(cli, arguments, code):
    result = cli("gateway", "serve", *FREE_PORTS, *arguments, "--json")
    assert (result.code, result.stdout) == (code, "")
    assert result.error["hint"]
    assert "listening" not in result.stderr


def test_a_pair_that_does_not_go_together_is_refused(cli, tmp_path):
    certificate, key = write_pair(tmp_path)
    write_pair(tmp_path, "other")
    for other in ("other.key", "mine.pem"):
        key = tmp_path / other
        result = cli("gateway", "serve", "--tls-port", 0, "--cert", certificate, "--key", key)
        assert result.code == 6
        assert str(key) in result.stderr


def test_a_tls_port_in_use_is_a_conflict(cli):
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        result = cli("gateway", "serve", *FREE_PORTS, "--tls-port", port, "--json")
    assert (result.code, result.error["code"]) == (5, "conflict")
    assert "--tls-port" in result.error["hint"]
