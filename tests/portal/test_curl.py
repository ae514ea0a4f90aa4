import shlex

import pytest

from apimctl.domain.models import Api, ApiState
from apimctl.portal import curl
from apimctl.portal.calls import Call
from apimctl.services.storefront import Sample

URL = "https://gateway.example:8243"
API = Api("1", "twitter", "1.0.0", "/twi'tter", ApiState.PUBLISHED, False, None, None, "", 0)


@pytest.mark.parametrize(
    ("method", "words"), [("GET", []), ("HEAD", ["--head"]), ("POST", ["-X", "POST"])]
)
def test_a_line_is_split_by_a_shell_into_what_was_meant(method, words):
    line = curl.call(
        URL,
        Sample(API, method, "/a;b&c$(d)"),
        access_token="token",
        headers={"x-'domain`": "www.example.com"},
    )
    assert shlex.split(line) == [
        "curl",
        *words,
        "-H",
        "Authorization: Bearer token",
        "-H",
        "x-'domain`: www.example.com",
        f"{URL}/twi'tter/1.0.0/a;b&c$(d)",
    ]


def test_a_line_asks_for_a_token_as_the_client():
    line = curl.ask_for_token(URL, consumer_key="key", consumer_secret="secret")
    assert shlex.split(line) == [
        *("curl", "-u", "key:secret", "-d", "grant_type=client_credentials"),
        f"{URL}/token",
    ]


@pytest.mark.parametrize(
    ("pattern", "domain"),
    [("*.example.com", "www.example.com"), ("example.com:8443", "example.com:8443")],
)
def test_a_domain_is_one_that_is_allowed(pattern, domain):
    assert curl.client_domain(pattern) == domain


def test_a_line_repeats_what_the_console_sent_and_has_no_token():
    headers = (("X-A", "it's `here`"), ("X-B", ""))
    call = Call("POST", "/x?q='$(id)'", headers, b'{"a": "\'$HOME"}', "s3cret")
    line = curl.repeat(URL, call)
    assert "s3cret" not in line
    assert shlex.split(line) == [
        *("curl", "-X", "POST", "-H", "X-A: it's `here`", "-H", "X-B;"),
        *("--data-raw", '{"a": "\'$HOME"}', f"{URL}/x?q='$(id)'"),
        *("-H", "Authorization: Bearer $TOKEN"),
    ]


@pytest.mark.parametrize(
    ("call", "line"),
    [
        (Call("GET", "/x"), "curl http://g/x"),
        (Call("GET", "/x?a[]=1"), "curl --globoff 'http://g/x?a[]=1'"),
        (Call("HEAD", "/x"), "curl --head http://g/x"),
        (Call("GET", "/x", (), b"1"), "curl --data-raw 1 -X GET http://g/x"),
    ],
)
def test_a_line_says_no_more_than_it_has_to(call, line):
    assert curl.repeat("http://g", call) == line
