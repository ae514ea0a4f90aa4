"""Who the client is, and what the backend is told, by what comes along with a request."""

import ipaddress

import pytest
from aiohttp.test_utils import make_mocked_request
from multidict import CIMultiDict

from apimctl.edge.forwarded import client_address, forwarding_headers, plain_address

TRUSTED = (ipaddress.ip_network("10.0.0.0/8"), ipaddress.ip_network("fd00::/8"))


def request(*lines, peer="10.0.0.1", target="/"):
    headers = CIMultiDict([("Host", "gateway.test"), *(line.split(": ", 1) for line in lines)])
    return make_mocked_request("GET", target, headers).clone(remote=peer)


def told(*lines, **how) -> list[str]:
    """Return what the backend is told: addresses, scheme, host, and all at once."""
    return [value.decode() for _, value in forwarding_headers(request(*lines, **how), TRUSTED)]


@pytest.mark.parametrize(
    ("text", "address"),
    [
        ("203.0.113.7", "203.0.113.7"),
        ("203.0.113.7:4711", "203.0.113.7"),
        (" 203.0.113.7 ", "203.0.113.7"),
        ("2001:DB8::1", "2001:db8::1"),
        ("[2001:db8::1]:4711", "2001:db8::1"),
        ("fe80::1%eth0", "fe80::1"),
        ("::ffff:127.0.0.1", "127.0.0.1"),
        ("unknown", None),
        ("_hidden", None),
        ("", None),
        ("203.0.113.7.example.com", None),
        (
            "[2001:db8:1234:5678:9abc:def0:1234:5678%interface0]:65535",
            "2001:db8:1234:5678:9abc:def0:1234:5678",
        ),
        ("fe80::1%" + "x" * 1000, None),
    ],
)
def test_an_address_is_read_without_what_stands_around_it(text, address):
    assert plain_address(text) == address


CLIENTS = {
    "nobody told": ((), "10.0.0.1"),
    "the older header": (("X-Forwarded-For: 203.0.113.7",), "203.0.113.7"),
    "the newer header": (("Forwarded: for=203.0.113.7",), "203.0.113.7"),
    "with a port": (('Forwarded: for="203.0.113.7:80"',), "203.0.113.7"),
    "of IPv6": (('Forwarded: proto=https;For="[2001:DB8::7]:80"',), "2001:db8::7"),
    "through more proxies": (("Forwarded: for=203.0.113.7, for=10.0.0.3",), "203.0.113.7"),
    "in several lines": (("Forwarded: for=203.0.113.7", "Forwarded: for=10.0.0.3"), "203.0.113.7"),
    "all trusted": (("Forwarded: for=10.0.0.2, for=10.0.0.3",), "10.0.0.2"),
    "with a claim in front": (("Forwarded: for=10.9.9.9, for=203.0.113.7",), "203.0.113.7"),
    "with a comma in quotes": (
        ('Forwarded: for=203.0.113.7;by="a, for=192.0.2.1"',),
        "203.0.113.7",
    ),
    "with a quote escaped": (
        (r'Forwarded: for=203.0.113.7;by="\", for=192.0.2.1;"',),
        "203.0.113.7",
    ),
    "hidden": (("Forwarded: for=_hidden",), "10.0.0.1"),
    "hidden behind a proxy": (("Forwarded: for=_hidden, for=10.0.0.3",), "10.0.0.3"),
    "unknown": (("Forwarded: for=192.0.2.1, for=unknown",), "10.0.0.1"),
    "not said": (("Forwarded: for=192.0.2.1, proto=https",), "10.0.0.1"),
    "an open quote": (('Forwarded: for="192.0.2.1, for=203.0.113.7',), "10.0.0.1"),
    "an open quote in a line before": (
        ('Forwarded: for="192.0.2.1', "Forwarded: for=203.0.113.7"),
        "203.0.113.7",
    ),
    "both, and they agree": (
        ("Forwarded: for=203.0.113.7", "X-Forwarded-For: 203.0.113.7"),
        "203.0.113.7",
    ),
    "both, and they do not": (
        ("Forwarded: for=192.0.2.1", "X-Forwarded-For: 203.0.113.7"),
        "203.0.113.7",
    ),
    "both, and the older one is no address": (
        ("Forwarded: for=192.0.2.1", "X-Forwarded-For: unknown"),
        "10.0.0.1",
    ),
}


@pytest.mark.parametrize(("lines", "address"), CLIENTS.values(), ids=CLIENTS)
def test_the_client_is_the_nearest_one_that_is_no_trusted_proxy(lines, address):
    assert client_address(request(*lines), TRUSTED) == address


@pytest.mark.parametrize("trusted", [(), TRUSTED], ids=["nobody trusted", "somebody trusted"])
def test_a_stranger_is_the_client_whatever_it_claims(trusted):
    lines = ("Forwarded: for=192.0.2.1", "X-Forwarded-For: 192.0.2.1")
    assert client_address(request(*lines, peer="203.0.113.7"), trusted) == "203.0.113.7"


OWN = 'for=10.0.0.1;host="gateway.test";proto=http'
SHOP = 'for="[2001:db8::7]";host="shop.test:8443";proto=https'
TOLD = {
    "nothing": ((), ["10.0.0.1", "http", "gateway.test", OWN]),
    "scheme and host": (
        ("X-Forwarded-Proto: https", "X-Forwarded-Host: shop.test"),
        ["10.0.0.1", "https", "shop.test", OWN],
    ),
    "the newer header alone": (
        ('Forwarded: for="[2001:db8::7]:80";host=shop.test;proto=https, for=10.0.0.3',),
        [
            "2001:db8::7, 10.0.0.3, 10.0.0.1",
            "https",
            "shop.test",
            f'for="[2001:db8::7]:80";host=shop.test;proto=https, for=10.0.0.3, {OWN}',
        ],
    ),
    "the older ones alone": (
        (
            "X-Forwarded-For: 2001:db8::7, 10.0.0.3:80, 10.0.0.4",
            "X-Forwarded-Host: shop.test:8443",
            "X-Forwarded-Proto: https",
        ),
        [
            "2001:db8::7, 10.0.0.3:80, 10.0.0.4, 10.0.0.1",
            "https",
            "shop.test:8443",
            f"{SHOP}, for=10.0.0.3, for=10.0.0.4, {OWN}",
        ],
    ),
    "both": (
        ("X-Forwarded-For: 203.0.113.7", "Forwarded: for=192.0.2.1;host=evil.test;proto=https"),
        ["203.0.113.7, 10.0.0.1", "http", "gateway.test", f"for=203.0.113.7, {OWN}"],
    ),
    "claims in front": (
        ("Forwarded: for=192.0.2.1;host=evil.test, for=203.0.113.7;host=shop.test",),
        [
            "192.0.2.1, 203.0.113.7, 10.0.0.1",
            "http",
            "shop.test",
            f"for=192.0.2.1;host=evil.test, for=203.0.113.7;host=shop.test, {OWN}",
        ],
    ),
    "what would begin an element": (
        ('X-Forwarded-For: x;host="a', 'X-Forwarded-Host: a"b;c\\d'),
        [
            'x;host="a, 10.0.0.1',
            "http",
            'a"b;c\\d',
            f'for=unknown;host="a\\"b;c\\\\d", {OWN}',
        ],
    ),
    "what would begin an address": (
        ('Forwarded: for="192.0.2.1, 192.0.2.2"',),
        ["unknown, 10.0.0.1", "http", "gateway.test", f'for="192.0.2.1, 192.0.2.2", {OWN}'],
    ),
    "what cannot be read": (
        ('Forwarded: for="192.0.2.1',),
        ["10.0.0.1", "http", "gateway.test", OWN],
    ),
}


@pytest.mark.parametrize(("lines", "expected"), TOLD.values(), ids=TOLD)
def test_what_trusted_proxies_say_is_continued_in_both_forms(lines, expected):
    assert told(*lines) == expected


def test_a_stranger_is_not_believed():
    lines = ("Forwarded: for=192.0.2.1;host=evil.test", "X-Forwarded-Host: evil.test")
    assert told(*lines, peer="2001:db8::7") == [
        "2001:db8::7",
        "http",
        "gateway.test",
        'for="[2001:db8::7]";host="gateway.test";proto=http',
    ]


def test_the_host_is_the_one_that_the_target_names():
    assert told(target="http://else.test:99/x?y")[2] == "else.test:99"
    assert told(target="HTTPS://else.test?y")[2] == "else.test"
    assert told(target="/http://else.test/")[2] == "gateway.test"
