"""A flood of passwords to be checked: a few wait, and nobody else is held up by it."""

import contextlib
import itertools
import socket
import struct

import pytest

from tests.e2e.expectations import is_error
from tests.e2e.load import answers, connections, token_request
from tests.e2e.processes import sockets, workers
from tests.e2e.waiting import until

CLIENT_CREDENTIALS = {"grant_type": "client_credentials"}
PLACES = 17
"""One password is checked, sixteen wait."""

RESET_ON_CLOSE = struct.pack("ii", 1, 0)

numbers = itertools.count()


@pytest.fixture(scope="module")
def stall(market):
    return market.stall()


def guesses(stall, count, *, name) -> list[bytes]:
    """Return requests to log in as users that nobody knows, each as another one."""
    form = {"grant_type": "password", "password": "wrong"}
    return [
        token_request(stall.client, **form, username=f"{name}{number}") for number in range(count)
    ]


def log_in_as_somebody(stall):
    """Ask for a place, each time as another user that nobody knows."""
    name = f"somebody{next(numbers)}"
    return stall.ask(grant_type="password", username=name, password="wrong")


def test_a_flood_of_log_ins_holds_up_nobody_else(stall, market):
    user = market.user()
    found = []
    with connections(market.gateway, 200) as clients:
        for client, request in zip(clients, guesses(stall, 200, name="flood"), strict=True):
            client.sendall(request)
        # A password takes long, the sixteen that wait much longer: these are answered meanwhile.
        for _ in range(20):
            answer = stall.ask(**CLIENT_CREDENTIALS)
            assert answer.status == 200
            assert stall.call(answer.json["access_token"]).status == 200
        for _, status, content in answers(clients):
            found.append((status, content["error"]))
            if len(found) == len(clients):
                break
    checked = found.count((400, "invalid_grant"))
    assert PLACES <= checked < 200
    assert found.count((503, "temporarily_unavailable")) == 200 - checked
    assert stall.log_in(user)


def fill(stall, clients, *, name):
    """Take all places, and more: return once somebody else is turned away."""
    for client, request in zip(clients, guesses(stall, len(clients), name=name), strict=True):
        client.sendall(request)
    answer = until(lambda: (one := log_in_as_somebody(stall)).status == 503 and one)
    assert is_error(answer, 503, "temporarily_unavailable")
    assert answer.headers["Retry-After"] == "1"


def test_who_takes_all_places_keeps_no_other_network_out(market):
    stall, user = market.stall(), market.user()
    form = {"grant_type": "password", "username": user, "password": user[::-1]}
    with (
        connections(market.gateway, 2 * PLACES) as greedy,
        connections(market.gateway, 1, client="127.0.0.9") as others,
    ):
        for client, request in zip(greedy, guesses(stall, 2 * PLACES, name="greedy"), strict=True):
            client.sendall(request)
        others[0].sendall(token_request(stall.client, **form))
        statuses = []
        for client, status, _ in answers([*greedy, *others]):
            statuses.append(status)
            if client is others[0]:
                break
    assert statuses.pop() == 200
    assert statuses.count(400) < PLACES


def test_who_leaves_while_waiting_frees_the_place(own_market):
    stall = own_market.stall()
    (worker,) = workers(own_market.gateway.process.pid) or {own_market.gateway.process.pid}
    before = sockets(worker)
    with contextlib.ExitStack() as stack:
        clients = stack.enter_context(connections(own_market.gateway, PLACES))
        fill(stall, clients, name="leaving")
        for client in clients:
            client.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, RESET_ON_CLOSE)
            client.close()
        until(lambda: sockets(worker) <= before)
        others = stack.enter_context(connections(own_market.gateway, PLACES - 1))
        for client, request in zip(others, guesses(stall, PLACES - 1, name="new"), strict=True):
            client.sendall(request)
        statuses = []
        for _, status, _ in answers(others):
            statuses.append(status)
            if len(statuses) == len(others):
                break
    assert set(statuses) == {400}
