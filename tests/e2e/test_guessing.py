"""Guessing passwords and consumer secrets: slowed down, in parallel too, and after a restart."""

import http.client
import signal
from contextlib import closing
from urllib.parse import urlencode

import pytest

from tests.binary import TIMEOUT_SECONDS
from tests.e2e.conftest import Answer, running_gateway
from tests.e2e.expectations import is_error
from tests.e2e.load import answers, connections, token_request
from tests.e2e.market import running_market
from tests.e2e.test_login_api import basic

CLIENT_CREDENTIALS = {"grant_type": "client_credentials"}
NEARLY_BLOCKED = 18
"""So many failures that the next one blocks for minutes: tests need not be quick."""


@pytest.fixture(scope="module")
def stall(market):
    return market.stall()


def is_blocked(answer) -> bool:
    assert is_error(answer, 429, "temporarily_unavailable")
    return 60 < int(answer.headers["Retry-After"]) <= 901


def log_in(stall, name, password) -> Answer:
    return stall.ask(grant_type="password", username=name, password=password)


def ask_from(address, stall, client, path="/token", **fields) -> Answer:
    """Ask the Login API from another address of the loopback network."""
    port = stall.market.gateway.port
    connection = http.client.HTTPConnection(
        "127.0.0.1", port, timeout=TIMEOUT_SECONDS, source_address=(address, 0)
    )
    headers = {"Content-Type": "application/x-www-form-urlencoded", **dict(basic(*client))}
    with closing(connection):
        connection.request("POST", path, urlencode(fields), headers)
        response = connection.getresponse()
        return Answer(response.status, response.headers, response.read())


def outcomes(gateway, requests) -> list[tuple[int, str | None]]:
    """Send all requests at once, and return what became of them."""
    found = []
    with connections(gateway, len(requests)) as clients:
        for client, request in zip(clients, requests, strict=True):
            client.sendall(request[:-1])
        for client, request in zip(clients, requests, strict=True):
            client.sendall(request[-1:])
        for _, status, content in answers(clients):
            found.append((status, content.get("error")))
            if len(found) == len(requests):
                break
    return found


def test_a_right_password_forgives_the_wrong_ones(stall, market):
    user = market.user()
    for _ in range(2):
        stall.change("remember_failures", user=user, count=8)
        assert is_error(log_in(stall, user, "wrong"), 400, "invalid_grant")
        assert log_in(stall, user, user[::-1]).status == 200


def test_after_too_many_wrong_passwords_the_right_one_is_refused_too(stall, market):
    user, other = market.user(), market.user()
    stall.change("remember_failures", user=user, count=NEARLY_BLOCKED)
    assert is_error(log_in(stall, user, "wrong"), 400, "invalid_grant")
    for name in (user, f"PRIMARY/{user}", f" {user.upper()}"):
        assert is_blocked(log_in(stall, name, user[::-1]))
    assert log_in(stall, other, other[::-1]).status == 200
    # At another address the user may log in, and that unblocks nobody at this one.
    answer = ask_from(
        "127.0.0.2", stall, stall.client, grant_type="password", username=user, password=user[::-1]
    )
    assert answer.status == 200
    assert is_blocked(log_in(stall, user, user[::-1]))


def test_an_unknown_user_is_blocked_like_any_other(stall, market):
    user = market.user()
    seen = []
    for name in (user, "nobody", f"FOO.COM/{user}"):
        stall.change("remember_failures", user=name, count=NEARLY_BLOCKED)
        seen.append([log_in(stall, name, "wrong") for _ in range(2)])
    assert is_blocked(seen[0][1])
    shown = [[(answer.status, answer.body) for answer in both] for both in seen]
    assert shown[0] == shown[1] == shown[2]


@pytest.mark.parametrize("is_known", [True, False])
def test_of_two_hundred_parallel_guesses_the_one_that_is_left_is_checked(stall, market, is_known):
    user = market.user() if is_known else "somebody"
    stall.change("remember_failures", user=user, count=NEARLY_BLOCKED)
    form = {"grant_type": "password", "username": user}
    requests = [
        token_request(stall.client, **form, password=f"wrong{number}") for number in range(200)
    ]
    found = outcomes(market.gateway, requests)
    assert found.count((400, "invalid_grant")) == 1
    assert {one for one in found if one[0] != 400} <= {
        (429, "temporarily_unavailable"),
        (503, "temporarily_unavailable"),
    }
    assert is_blocked(log_in(stall, user, user[::-1]))


def test_parallel_guesses_share_their_free_ones_over_two_workers(cli, backend, sandbox_backend):
    with running_market(cli, backend, sandbox_backend, "--workers", "2") as market:
        stall, user = market.stall(), market.user()
        form = {"grant_type": "password", "username": user}
        requests = [
            token_request(stall.client, **form, password=f"wrong{number}") for number in range(200)
        ]
        found = outcomes(market.gateway, requests)
        # Ten are free; a block may end meanwhile, and each is twice as long as the last.
        assert 10 <= found.count((400, "invalid_grant")) <= 16
        assert found.count((429, "temporarily_unavailable")) > 0


def test_a_block_outlives_the_gateway(own_market):
    stall, user = own_market.stall(), own_market.user()
    stall.change("remember_failures", user=user, count=NEARLY_BLOCKED)
    assert is_error(log_in(stall, user, "wrong"), 400, "invalid_grant")
    stall.change("remember_failures", client=stall.client[0], count=NEARLY_BLOCKED)
    wrong = (stall.client[0], "wrong")
    assert is_error(stall.ask(client=wrong, **CLIENT_CREDENTIALS), 401, "invalid_client")
    own_market.gateway.process.send_signal(signal.SIGTERM)
    assert own_market.gateway.process.wait(TIMEOUT_SECONDS) == 0
    with running_gateway(own_market.cli) as another:
        own_market.gateway = another
        assert is_blocked(stall.ask(**CLIENT_CREDENTIALS))
        sandbox = (stall.sandbox["consumer_key"], stall.sandbox["consumer_secret"])
        form = {"grant_type": "password", "username": user, "password": user[::-1]}
        assert is_blocked(stall.ask(client=sandbox, **form))


def test_a_new_password_ends_the_block(stall, market):
    user = market.user()
    stall.change("remember_failures", user=user, count=NEARLY_BLOCKED)
    log_in(stall, user, "wrong")
    assert is_blocked(log_in(stall, user, user[::-1]))
    market.cli.ok("user", "password", user, "--password-stdin", stdin="correct horse")
    assert log_in(stall, user, "correct horse").status == 200


def test_after_too_many_wrong_secrets_the_right_one_is_refused_too(stall, market):
    stall = market.stall()
    name, secret = stall.client
    stall.change("remember_failures", client=name, count=NEARLY_BLOCKED)
    assert is_error(stall.ask(client=(name, "wrong"), **CLIENT_CREDENTIALS), 401, "invalid_client")
    for path in ("/token", "/revoke", "/introspect"):
        assert is_blocked(stall.ask(path=path, token=stall.token, **CLIENT_CREDENTIALS))
    in_body = {"client_id": name, "client_secret": secret}
    assert is_blocked(market.gateway.form("/token", CLIENT_CREDENTIALS | in_body))
    # Nobody else is: another key, and the same one elsewhere.
    assert ask_from("127.0.0.2", stall, stall.client, **CLIENT_CREDENTIALS).status == 200
    sandbox = (stall.sandbox["consumer_key"], stall.sandbox["consumer_secret"])
    assert stall.ask(client=sandbox, **CLIENT_CREDENTIALS).status == 200
    # Tokens that were issued are as good as before.
    assert stall.call(stall.token).status == 200


def test_a_right_secret_forgives_the_wrong_ones(market):
    stall = market.stall()
    wrong = (stall.client[0], "wrong")
    for _ in range(3):
        for _ in range(9):
            refused = stall.ask(client=wrong, **CLIENT_CREDENTIALS)
            assert is_error(refused, 401, "invalid_client")
        assert stall.ask(**CLIENT_CREDENTIALS).status == 200


@pytest.mark.parametrize("grant", ["client_credentials", "password"])
def test_of_two_hundred_parallel_secrets_the_one_that_is_left_is_checked(market, grant):
    stall = market.stall()
    name = stall.client[0]
    stall.change("remember_failures", client=name, count=NEARLY_BLOCKED)
    form = {"grant_type": grant, "username": "x", "password": "x"}
    requests = [token_request((name, f"wrong{number}"), **form) for number in range(200)]
    found = outcomes(market.gateway, requests)
    assert found.count((401, "invalid_client")) == 1
    assert found.count((429, "temporarily_unavailable")) == 199
    assert is_blocked(stall.ask(**CLIENT_CREDENTIALS))


def test_a_secret_that_has_ended_blocks_nobody(market):
    stall = market.stall()
    name, old = stall.client
    new = stall.change("rotate_key", app=stall.name)
    stall.change("remember_failures", client=name, count=NEARLY_BLOCKED)
    for _ in range(3):
        refused = stall.ask(client=(name, old), **CLIENT_CREDENTIALS)
        assert is_error(refused, 401, "invalid_client")
    assert stall.ask(client=(name, new), **CLIENT_CREDENTIALS).status == 200


def test_behind_a_trusted_proxy_it_is_the_client_who_is_counted(market):
    stall = market.stall()
    name = stall.client[0]
    network = "2001:db8:0:7::/64"
    stall.change("remember_failures", client=name, network=network, count=NEARLY_BLOCKED)
    setting = {"file": str(market.cli.config), "key": "gateway.trusted_proxies"}

    def ask(address, secret):
        sent = [("X-Forwarded-For", address), *basic(name, secret)]
        return market.gateway.form("/token", CLIENT_CREDENTIALS, headers=sent)

    stall.change("configure", **setting, value="127.0.0.1")
    assert is_error(ask("2001:db8:0:7::1", "wrong"), 401, "invalid_client")
    assert is_blocked(ask("2001:db8:0:7::2", stall.client[1]))
    assert ask("2001:db8:0:8::1", stall.client[1]).status == 200
    # Nobody else is believed.
    stall.change("configure", **setting, value=None)
    assert ask("2001:db8:0:7::2", stall.client[1]).status == 200
