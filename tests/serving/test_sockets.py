import socket

import pytest

from apimctl.config import load
from apimctl.errors import ConflictError, InvalidInputError
from apimctl.serving.addresses import addresses_of, url_of
from apimctl.serving.sockets import adopt, is_loopback, listen, open_sockets


def settings(store_path, **ports):
    flags = {f"gateway.{name}": str(value) for name, value in ports.items()}
    return load({"db": str(store_path), "config": "none.toml", **flags}, environ={}).gateway


def test_what_is_given_is_not_bound(store_path):
    with listen("127.0.0.1", 0) as given:
        wanted = settings(store_path, port=1, tls_port=0, admin_port="off")
        sockets = open_sockets(wanted, {"http": given})
        assert sockets.http is given
        assert list(sockets.by_name()) == ["http", "https"]
        where = addresses_of(sockets, None)
        assert (where.url, where.admin_url) == (url_of(given), None)
        assert where.tls_url.startswith("https://127.0.0.1:")
        sockets.close()
        assert given.fileno() == -1


def test_where_one_cannot_be_bound_none_is_left_open(store_path):
    with listen("127.0.0.1", 0) as taken, listen("127.0.0.1", 0) as given:
        port = taken.getsockname()[1]
        with pytest.raises(ConflictError) as caught:
            open_sockets(settings(store_path, tls_port=0, admin_port=port), {"http": given})
        assert f"port {port}" in caught.value.message
        assert given.fileno() == -1


def test_a_port_that_is_bound_takes_connections_before_anybody_serves():
    with (
        listen("127.0.0.1", 0) as listener,
        socket.create_connection(listener.getsockname()) as early,
    ):
        accepted, address = listener.accept()
        with accepted:
            assert address == early.getsockname()


def test_an_adopted_socket_is_not_for_the_programs_that_are_started_here():
    with listen("::1", 0) as listener:
        listener.set_inheritable(True)
        with adopt(listener.detach(), name="http") as adopted:
            assert not adopted.get_inheritable()
            assert not adopted.getblocking()
            assert url_of(adopted).startswith("http://[::1]:")


def test_what_is_no_socket_cannot_be_adopted(tmp_path):
    with (tmp_path / "file").open("w") as file:
        with pytest.raises(InvalidInputError) as caught:
            adopt(file.fileno(), name="http")
        assert f"descriptor {file.fileno()}" in caught.value.message
        assert not file.closed


@pytest.mark.parametrize(
    ("host", "holds"),
    [
        ("127.0.0.1", True),
        ("127.1", True),
        ("localhost", True),
        ("::1", True),
        ("::ffff:127.0.0.1", True),
        ("0.0.0.0", False),
        ("0", False),
        ("::", False),
        ("::ffff:192.0.2.1", False),
        ("192.0.2.1", False),
        ("127.0.0.1.example", None),
    ],
)
def test_what_only_this_machine_reaches_is_told_by_the_address(host, holds):
    if holds is None:
        with pytest.raises(InvalidInputError):
            is_loopback(host)
    else:
        assert is_loopback(host) is holds
