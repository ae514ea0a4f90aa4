import base64
import select
import xml.etree.ElementTree as ET

import pytest

from apimctl.domain import credentials
from apimctl.domain.models import KeyType
from tests.e2e.expectations import is_fault

UNKNOWN_TOKEN = credentials.encode(
    credentials.Kind.ACCESS_TOKEN, KeyType.PRODUCTION, bytes(credentials.RANDOM_BYTES)
)
INVALID_TOKEN = 'Bearer realm="apimctl", error="invalid_token"'


@pytest.fixture(scope="module")
def stall(market):
    return market.stall()


MALFORMED = {
    "garbage": "garbage",
    "empty": "",
    "mistyped": UNKNOWN_TOKEN[:-8] + "0" + UNKNOWN_TOKEN[-7:],
    "cut": UNKNOWN_TOKEN[:-1],
    "two in one header": f"{UNKNOWN_TOKEN} {UNKNOWN_TOKEN}",
    "a refresh token": credentials.encode(
        credentials.Kind.REFRESH_TOKEN, KeyType.PRODUCTION, bytes(credentials.RANDOM_BYTES)
    ),
    "very long": "x" * 8000,
}


@pytest.mark.parametrize("token", MALFORMED.values(), ids=MALFORMED)
def test_a_malformed_token_is_900901(stall, token):
    answer = stall.call(token)
    assert is_fault(answer, 401, 900901, "Invalid Credentials")
    assert answer.headers["WWW-Authenticate"] == INVALID_TOKEN


def test_an_unknown_token_is_900901(stall):
    answer = stall.call(UNKNOWN_TOKEN)
    assert is_fault(answer, 401, 900901, "Invalid Credentials")
    assert answer.headers["WWW-Authenticate"] == INVALID_TOKEN


def test_two_tokens_are_900901(stall):
    twice = [("Authorization", f"Bearer {stall.token}")] * 2
    answer = stall.call(headers=twice)
    assert is_fault(answer, 401, 900901, "Invalid Credentials")
    assert answer.headers["WWW-Authenticate"] == INVALID_TOKEN


@pytest.mark.parametrize(
    ("key_type", "endpoint"), [("sandbox", "production_url"), ("production", "sandbox_url")]
)
def test_a_key_type_without_endpoint_is_900901_with_403(market, backend, key_type, endpoint):
    urls = {"production_url": None, "sandbox_url": None, endpoint: backend}
    stall = market.stall(**urls)
    refused = stall.call(getattr(stall, key_type)["access_token"])
    assert is_fault(refused, 403, 900901, "Invalid Credentials")


def test_no_token_is_900902(stall):
    answer = stall.call()
    assert is_fault(answer, 401, 900902, "Missing Credentials")
    assert answer.headers["WWW-Authenticate"] == 'Bearer realm="apimctl"'


def test_another_scheme_is_no_token(stall):
    basic = base64.b64encode(":".join(stall.client).encode()).decode()
    answer = stall.call(headers={"Authorization": f"Basic {basic}"})
    assert is_fault(answer, 401, 900902, "Missing Credentials")


def test_a_token_in_the_query_is_no_token(stall):
    answer = stall.call(rest=f"/x?access_token={stall.token}")
    assert is_fault(answer, 401, 900902, "Missing Credentials")


def test_an_expired_token_is_900903(market):
    stall = market.stall()
    stall.change("update_key", app=stall.name, validity="1s")
    token = stall.change("renew", app=stall.name)
    while (answer := stall.call(token)).status == 200:
        select.select([], [], [], 0.02)
    assert is_fault(answer, 401, 900903, "Access Token Expired")
    assert answer.headers["WWW-Authenticate"] == INVALID_TOKEN


def test_a_renewed_token_is_900904(market):
    stall = market.stall()
    new = stall.change("renew", app=stall.name)
    answer = stall.call(stall.token)
    assert is_fault(answer, 401, 900904, "Access Token Inactive")
    assert answer.headers["WWW-Authenticate"] == INVALID_TOKEN
    assert stall.call(new).status == 200


def test_a_revoked_token_is_900904(market):
    stall = market.stall()
    stall.change("revoke", token=stall.token)
    answer = stall.call(stall.token)
    assert is_fault(answer, 401, 900904, "Access Token Inactive")
    assert answer.headers["WWW-Authenticate"] == INVALID_TOKEN
    assert stall.call(stall.sandbox["access_token"]).status == 200


@pytest.mark.parametrize(
    "path", ["/", "/nothing/1.0.0/x", "/{name}", "/{name}/2.0.0/x", "/{name}/1.0.0x/y", "/TOKEN"]
)
def test_a_path_of_no_api_is_900906(stall, path):
    path = path.format(name=stall.name)
    answer = stall.market.gateway.get(path, token=stall.token)
    message = "No matching resource found in the API for the given request"
    assert is_fault(answer, 404, 900906, message)


def test_a_blocked_subscription_is_900907(market):
    stall = market.stall()
    stall.change("change_subscription", app=stall.name, api=stall.name, to="block")
    for token in (stall.token, stall.sandbox["access_token"]):
        answer = stall.call(token)
        assert is_fault(answer, 403, 900907, "The requested API is temporarily blocked")


def test_a_subscription_blocked_for_production_keys_lets_sandbox_keys_through(market):
    stall = market.stall()
    verb = "block --production-only"
    stall.change("change_subscription", app=stall.name, api=stall.name, to=verb)
    answer = stall.call(stall.token)
    assert is_fault(answer, 403, 900907, "The requested API is temporarily blocked")
    assert stall.call(stall.sandbox["access_token"]).json["backend"] == "sandbox"


def test_no_subscription_is_900908(market):
    stall, other = market.stall(), market.stall()
    answer = other.call(stall.token)
    assert is_fault(answer, 403, 900908, "Resource forbidden")


FORGED = [
    "evil.net",
    "evilexample.com",
    "example.com.evil.net",
    "example.com@evil.net",
    "https://example.com@evil.net/",
    "example.com, evil.net",
    "sub.example.com",
    "",
]


@pytest.mark.parametrize("domain", FORGED)
def test_a_domain_that_is_not_allowed_is_900908(market, domain):
    stall = market.stall(domains="example.com,*.example.org")
    answer = stall.call(stall.token, headers={"domain": domain})
    assert is_fault(answer, 403, 900908, "Resource forbidden")


def test_a_restricted_key_without_the_domain_header_is_900908(market):
    stall = market.stall(domains="example.com")
    assert is_fault(stall.call(stall.token), 403, 900908, "Resource forbidden")


def test_two_domain_headers_are_900908(market):
    stall = market.stall(domains="example.com")
    twice = [("domain", "example.com"), ("Domain", "example.com")]
    assert is_fault(stall.call(stall.token, headers=twice), 403, 900908, "Resource forbidden")


@pytest.mark.parametrize(
    "domain", ["example.com", "EXAMPLE.com:8080", "https://example.com/page?x=1", "a.example.org"]
)
def test_an_allowed_domain_is_let_through_and_passed_on(market, domain):
    stall = market.stall(domains="example.com,*.example.org")
    answer = stall.call(stall.token, headers={"domain": domain})
    assert answer.status == 200
    assert answer.json["headers"].count(["domain", domain]) == 1


@pytest.mark.parametrize("to", ["hold", "reject"])
def test_an_inactive_subscription_is_900909(market, to):
    stall = market.stall()
    stall.change("change_subscription", app=stall.name, api=stall.name, to=to)
    answer = stall.call(stall.token)
    assert is_fault(answer, 403, 900909, "The subscription to the API is inactive")


def test_a_blocked_api_is_700700(market):
    stall = market.stall()
    stall.change("change_api", name=stall.name, to="block")
    assert is_fault(stall.call(stall.token), 503, 700700, "API blocked")
    assert is_fault(stall.call(), 503, 700700, "API blocked")


ACCEPTS = {
    "application/xml": True,
    "text/xml": True,
    "application/json;q=0.5, application/xml": True,
    "text/*;q=0.1, application/xml;q=0.2": True,
    "application/json, application/xml": False,
    "*/*": False,
    "text/html": False,
}


@pytest.mark.parametrize(("accept", "is_xml"), ACCEPTS.items())
def test_a_fault_is_xml_where_the_client_prefers_it(stall, accept, is_xml):
    answer = stall.call(UNKNOWN_TOKEN, headers={"Accept": accept})
    assert answer.status == 401
    assert answer.headers["WWW-Authenticate"] == INVALID_TOKEN
    if is_xml:
        assert answer.headers["Content-Type"] == "application/xml; charset=utf-8"
        fault = ET.fromstring(answer.body)  # our own answer
        found = [(part.tag, part.text) for part in fault]
        assert fault.tag == "fault"
        assert found[:2] == [("code", "900901"), ("message", "Invalid Credentials")]
        assert found[2][0] == "description"
    else:
        assert is_fault(answer, 401, 900901, "Invalid Credentials")
