import os
import subprocess
import sys

import pytest

from apimctl.services import gateways
from apimctl.tables.gateways import Gateway


def listed(desk, gateway_id, process_id):
    gateway = Gateway(gateway_id, f"http://127.0.0.1:{len(gateway_id)}", process_id, "1", desk.now)
    gateways.register(desk.db, gateway)
    return gateway


def test_a_gateway_that_starts_drops_those_whose_processes_are_dead(desk):
    with subprocess.Popen([sys.executable, "-c", ""]) as dead:
        pass
    fallen = listed(desk, "a", dead.pid)
    assert gateways.list_all(desk.db) == [fallen]
    assert gateways.list_running(desk.db) == []
    first = listed(desk, "bb", os.getpid())
    second = listed(desk, "ccc", os.getppid())
    assert gateways.list_all(desk.db) == gateways.list_running(desk.db) == [first, second]
    gateways.unregister(desk.db, first.id, process_id=first.process_id)
    assert gateways.list_all(desk.db) == [second]


def test_nobody_answers_where_nobody_listens(desk):
    assert not gateways.answers(Gateway("a", "http://127.0.0.1:1", 1, "1", desk.now))


@pytest.mark.parametrize(
    ("url", "local"),
    [
        ("https://0.0.0.0:8243", "https://127.0.0.1:8243"),
        ("https://[::]:8243", "https://[::1]:8243"),
        ("http://[2001:db8::1]:8280", "http://[2001:db8::1]:8280"),
        ("http://gateway.example:8280", "http://gateway.example:8280"),
    ],
)
def test_a_gateway_on_every_address_is_reached_on_this_machine(url, local):
    assert gateways.local_url(Gateway("a", url, 1, "1", 0)) == local
