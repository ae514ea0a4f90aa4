"""Limits over real sockets, and two gateways of one store as its workers."""

import contextlib
import http.client
import json
import re
import select

import pytest

from tests.binary import TIMEOUT_SECONDS
from tests.e2e.conftest import FREE_PORTS, Answer, publish, running_gateway
from tests.e2e.load import answers, connections
from tests.e2e.processes import kill

HOUR = 3600


@pytest.fixture
def stall(market):
    return market.stall()


def tier(market, requests, per_seconds=HOUR) -> str:
    """Return the name of a new tier."""
    name = f"tier{market.name()}"
    market.changer("create_tier", name=name, requests=requests, per_seconds=per_seconds)
    return name


def limit_application(stall, requests, per_seconds=HOUR) -> str:
    name = tier(stall.market, requests, per_seconds)
    stall.change("update_app", name=stall.name, tier=name)
    return name


def limit_subscription(stall, requests, per_seconds=HOUR) -> str:
    name = tier(stall.market, requests, per_seconds)
    stall.change("update_subscription", app=stall.name, api=stall.name, tier=name)
    return name


def limit_resource(stall, requests, pattern="/*", **form) -> str:
    name = tier(stall.market, requests)
    stall.change("create_resource", api=stall.name, pattern=pattern, tier=name, **form)
    return name


def outcome(answer) -> int:
    """Return 200, or the fault code."""
    return 200 if answer.status == 200 else answer.fault


def outcomes(stall, count, token=None, **how):
    return [outcome(stall.call(token or stall.token, **how)) for _ in range(count)]


def quota(answer) -> tuple[str, int, int]:
    """Return name, quota and what remains of the limit that an answer reports."""
    policy = re.fullmatch(r'"(\w+)";q=(\d+);w=3600', answer.headers["RateLimit-Policy"])
    service = re.fullmatch(r'"(\w+)";r=(\d+);t=(\d+)', answer.headers["RateLimit"])
    assert policy[1] == service[1]
    assert 0 < int(service[3]) <= HOUR
    return policy[1], int(policy[2]), int(service[2])


ROWS = {
    "application": (limit_application, 900803),
    "subscription": (limit_subscription, 900804),
    "resource": (limit_resource, 900802),
}


@pytest.mark.parametrize(("name", "row"), ROWS.items(), ids=ROWS)
def test_a_limit_admits_so_many_and_says_so(stall, name, row):
    limit, fault = row
    limit(stall, 3)
    admitted = [stall.call(stall.token) for _ in range(3)]
    assert [one.status for one in admitted] == [200] * 3
    assert [quota(one) for one in admitted] == [(name, 3, 2), (name, 3, 1), (name, 3, 0)]
    refused = stall.call(stall.token)
    assert (refused.status, refused.fault, quota(refused)) == (429, fault, (name, 3, 0))
    content = refused.json["fault"]
    assert content["message"] == "Message throttled out"
    assert content["description"] == f"The {name} limit of 3 requests per 3600 seconds is used up."
    assert refused.headers["RateLimit"].endswith(f";t={refused.headers['Retry-After']}")
    assert refused.headers["Cache-Control"] == "no-store"
    as_xml = stall.call(stall.token, headers={"Accept": "application/xml"})
    assert b"<code>%d</code>" % fault in as_xml.body


def test_a_fresh_window_is_as_long_as_the_tier_says(stall):
    limit_application(stall, 20, 60)
    answer = stall.call(stall.token)
    assert answer.headers.get_all("RateLimit-Policy") == ['"application";q=20;w=60']
    assert answer.headers.get_all("RateLimit") == ['"application";r=19;t=60']


def test_without_a_limit_nothing_is_said(stall, market):
    answer = stall.call(stall.token)
    assert outcome(answer) == 200
    assert not [name for name in answer.headers if name.lower().startswith("ratelimit")]


def from_address(gateway, address, path) -> Answer:
    """Ask without a token, from another address of this machine."""
    connection = http.client.HTTPConnection(
        "127.0.0.1", gateway.port, timeout=TIMEOUT_SECONDS, source_address=(address, 0)
    )
    with contextlib.closing(connection):
        connection.request("GET", path)
        response = connection.getresponse()
        return Answer(response.status, response.headers, response.read())


def test_requests_without_a_token_are_counted_by_address(stall, market):
    stall.change("create_resource", api=stall.name, pattern="/*", auth_type="None")
    path = f"/{stall.name}/1.0.0/x"
    found = [from_address(market.gateway, "127.0.0.2", path) for _ in range(62)]
    assert [one.status for one in found] == [200] * 60 + [429] * 2
    assert found[0].headers["RateLimit"] == '"unauthenticated";r=59;t=60'
    assert found[0].headers["RateLimit-Policy"] == '"unauthenticated";q=60;w=60'
    assert found[60].fault == 900800
    assert "Retry-After" in found[60].headers
    assert from_address(market.gateway, "127.0.0.3", path).status == 200
    setting = {"file": str(market.cli.config), "key": "gateway.trusted_proxies"}
    stall.change("configure", **setting, value="127.0.0.0/8")
    behind = {"X-Forwarded-For": "127.0.0.2"}
    assert market.gateway.get(path, headers=behind).fault == 900800
    assert market.gateway.get(path, headers={"X-Forwarded-For": "192.0.2.1"}).status == 200
    stall.change("configure", **setting, value=None)


def test_a_limit_counts_all_tokens_and_keys_of_its_owner(stall):
    limit_application(stall, 4)
    sandbox = stall.sandbox["access_token"]
    assert outcomes(stall, 2) + outcomes(stall, 3, sandbox) == [200] * 4 + [900803]


def test_a_subscription_counts_each_key_type(stall):
    limit_subscription(stall, 2)
    assert outcomes(stall, 3) == [200, 200, 900804]
    assert outcomes(stall, 3, stall.sandbox["access_token"]) == [200, 200, 900804]


def test_a_resource_counts_each_application(stall, market):
    limit_resource(stall, 2, "/a/*")
    stall.change("create_resource", api=stall.name, pattern="/b")
    other = market.stall()
    market.changer("subscribe", app=other.name, api=stall.name)
    assert outcomes(stall, 3, rest="/a/1") == [200, 200, 900802]
    assert outcomes(stall, 3, rest="/b") == [200] * 3
    assert outcomes(stall, 3, other.token, rest="/a/2") == [200, 200, 900802]


def test_what_one_limit_refuses_uses_up_none_of_the_others(stall):
    limit_application(stall, 5)
    limit_subscription(stall, 2)
    assert outcomes(stall, 8) == [200] * 2 + [900804] * 6
    limit_subscription(stall, 100)
    assert outcomes(stall, 5) == [200] * 3 + [900803] * 2


def test_what_admission_refuses_uses_up_nothing(stall):
    limit_application(stall, 2)
    stall.change("update_key", app=stall.name, domains="example.com")
    refused = stall.call(stall.token)
    assert (refused.fault, refused.headers["RateLimit"]) == (900908, None)
    stall.change("update_key", app=stall.name, domains="")
    assert outcomes(stall, 3) == [200, 200, 900803]


def test_the_window_ends(stall):
    limit_application(stall, 1, 1)
    assert outcome(stall.call(stall.token)) == 200
    answer = stall.call(stall.token)
    for _ in range(TIMEOUT_SECONDS * 20):
        if answer.status == 200:
            break
        assert (answer.fault, answer.headers["Retry-After"]) == (900803, "1")
        select.select([], [], [], 0.05)
        answer = stall.call(stall.token)
    assert answer.headers["RateLimit"] == '"application";r=0;t=1'


def test_a_new_token_goes_on_where_the_old_one_was(stall):
    limit_application(stall, 2)
    limit_subscription(stall, 3)
    assert outcome(stall.call(stall.token)) == 200
    renewed = stall.change("renew", app=stall.name)
    assert outcomes(stall, 2, renewed) == [200, 900803]
    stall.change("rotate_key", app=stall.name)
    assert outcomes(stall, 1, stall.change("renew", app=stall.name)) == [900803]
    stall.change("delete_key", app=stall.name)
    again = stall.change("generate", app=stall.name)["access_token"]
    assert outcomes(stall, 1, again) == [900803]


def test_a_changed_tier_is_obeyed_by_the_next_request(stall):
    names = {limit(stall, 1000): name for name, (limit, _) in ROWS.items()}
    used = 0
    for step in range(20):
        for name, scope in names.items():
            requests = 100 + used + step
            stall.change("update_tier", name=name, requests=requests)
            used += 1
            assert quota(stall.call(stall.token)) == (scope, requests, requests - used)
            stall.change("update_tier", name=name, requests=1)
            assert outcome(stall.call(stall.token)) == ROWS[scope][1]
            stall.change("update_tier", name=name, requests=1000)


def test_another_tier_is_obeyed_by_the_next_request(stall, market):
    narrow, wide = tier(market, 1), tier(market, 1000)
    stall.change("create_resource", api=stall.name, pattern="/*")
    moves = {
        900803: ("update_app", {"name": stall.name}),
        900804: ("update_subscription", {"app": stall.name, "api": stall.name}),
        900802: ("update_resource", {"api": stall.name, "pattern": "/*"}),
    }
    for verb, which in moves.values():
        stall.change(verb, **which, tier=wide)
    assert outcomes(stall, 2) == [200, 200]
    for _ in range(20):
        for fault, (verb, which) in moves.items():
            stall.change(verb, **which, tier=narrow)
            assert outcome(stall.call(stall.token)) == fault
            stall.change(verb, **which, tier="Unlimited")
            assert outcome(stall.call(stall.token)) == 200
            stall.change(verb, **which, tier=wide)


def test_a_tier_by_the_command_line(market):
    stall, cli = market.stall(), market.cli
    cli.ok("tier", "create", "Mine", "--requests", 2, "--per", "1h")
    cli.ok("app", "update", stall.name, "--tier", "Mine")
    assert outcomes(stall, 3) == [200, 200, 900803]
    cli.ok("tier", "update", "Mine", "--requests", 3)
    assert outcomes(stall, 2) == [200, 900803]
    renewed = cli.data("token", "renew", "--app", stall.name)["access_token"]
    assert outcomes(stall, 1, renewed) == [900803]


def test_a_fault_of_the_backend_says_what_is_left(market):
    stall = market.stall(production_url="http://127.0.0.1:1")
    limit_application(stall, 3)
    answer = stall.call(stall.token)
    assert (answer.fault, quota(answer)) == (101503, ("application", 3, 2))


def test_what_a_backend_says_of_its_own_limits_is_replaced(wire):
    limit_application(wire.stall, 20, 60)
    client, backend = wire.request()
    backend.read_until(b"\r\n\r\n")
    backend.send(b"HTTP/1.1 204 OK\r\nratelimit: theirs\r\nX-A: 1\r\nRateLimit-Limit: 9\r\n\r\n")
    _, headers = client.read_head()
    assert [one for one in headers if b"rate" in one[0] or one[0] == b"x-a"] == [
        (b"x-a", b"1"),
        (b"ratelimit-limit", b"9"),
        (b"ratelimit-policy", b'"application";q=20;w=60'),
        (b"ratelimit", b'"application";r=19;t=60'),
    ]


def limited_store(cli, backend, requests) -> str:
    """Publish an API for an application of limited requests; return its access token."""
    cli.ok("tier", "create", "Limited", "--requests", requests, "--per", "1h")
    publish(cli, backend)
    cli.ok("app", "update", "DefaultApplication", "--tier", "Limited")
    return cli.data("key", "generate", "--production")["access_token"]


PATH = "/twitter/1.0.0/x"


def test_counters_survive_the_gateway_and_its_reload(cli, backend):
    token = limited_store(cli, backend, 3)
    for remaining in (2, 1, 0):
        with running_gateway(cli) as gateway:
            assert quota(gateway.get(PATH, token=token)) == ("application", 3, remaining)
            cli.ok("config", "set", "gateway.drain", f"{remaining + 1}s")
    with running_gateway(cli) as gateway:
        assert gateway.get(PATH, token=token).fault == 900803


def test_a_worker_that_dies_takes_no_count_with_it(cli, backend):
    token = limited_store(cli, backend, 3)
    with running_gateway(cli) as gateway, running_gateway(cli) as other:
        for one in (gateway, other):
            assert one.get(PATH, token=token).status == 200
        kill(gateway)
        assert quota(other.get(PATH, token=token)) == ("application", 3, 0)
        assert other.get(PATH, token=token).fault == 900803


def test_a_limit_of_fifty_admits_fifty_of_four_hundred_at_once(cli, backend):
    token = limited_store(cli, backend, 50)
    request = (
        f"GET {PATH} HTTP/1.1\r\nHost: gateway.test\r\nAuthorization: Bearer {token}\r\n\r\n"
    ).encode()
    statuses = []
    with contextlib.ExitStack() as stack:
        gateways = [stack.enter_context(running_gateway(cli)) for _ in range(2)]
        clients = [
            client for one in gateways for client in stack.enter_context(connections(one, 200))
        ]
        for client in clients:
            client.sendall(request[:-1])
        for client in clients:
            client.sendall(request[-1:])
        for _, status, content in answers(clients):
            statuses.append(status)
            assert status == 200 or content["fault"]["code"] == 900803
            if len(statuses) == 400:
                break
    assert (statuses.count(200), statuses.count(429)) == (50, 350)


def test_a_gateway_whose_counters_cannot_be_does_not_start(cli):
    cli.ok("app", "list")
    counters = cli.store.with_name("apimctl.db.counters")
    counters.mkdir()
    result = cli("gateway", "serve", *FREE_PORTS, "--json")
    assert result.code == 7
    assert str(counters) in json.dumps(result.error)
