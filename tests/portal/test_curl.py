import shlex

import pytest

from apimctl.domain.models import Api, ApiState
from apimctl.portal import curl
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
