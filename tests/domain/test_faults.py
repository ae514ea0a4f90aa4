import json
from xml.etree import ElementTree as ET

import pytest
from hypothesis import given
from hypothesis import strategies as st

from apimctl.domain import faults
from apimctl.domain.faults import Fault, challenge, prefers_xml, render, scope_challenge

from .strategies import any_text, deterministic

ROWS = {
    "STORE_UNAVAILABLE": (900900, 503),
    "INVALID_CREDENTIALS": (900901, 401),
    "NO_ENDPOINT": (900901, 403),
    "MISSING_CREDENTIALS": (900902, 401),
    "TOKEN_EXPIRED": (900903, 401),
    "TOKEN_INACTIVE": (900904, 401),
    "WRONG_TOKEN_TYPE": (900905, 403),
    "NO_RESOURCE": (900906, 404),
    "WRONG_METHOD": (900906, 405),
    "SUBSCRIPTION_BLOCKED": (900907, 403),
    "FORBIDDEN": (900908, 403),
    "SUBSCRIPTION_INACTIVE": (900909, 403),
    "INSUFFICIENT_SCOPE": (900910, 403),
    "THROTTLED_UNAUTHENTICATED": (900800, 429),
    "THROTTLED_RESOURCE": (900802, 429),
    "THROTTLED_APPLICATION": (900803, 429),
    "THROTTLED_SUBSCRIPTION": (900804, 429),
    "API_BLOCKED": (700700, 503),
    "BACKEND_FAILED": (101503, 502),
    "BACKEND_TIMED_OUT": (101504, 504),
    "CIRCUIT_OPEN": (303001, 503),
}
"""SPEC section 5."""

XML = [
    "application/xml",
    "text/xml",
    "Application/XML; charset=utf-8",
    "application/xml;q=0.5, application/json;q=0.4",
    "application/json;q=0.4, application/xml;q=0.5",
    "text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8",
    "application/xml, */*;q=0.1",
    "application/xml, application/json;q=0",
    "application/xml;q=0.001",
    "text/xml;q=0.2, application/xml;q=0.9, application/json;q=0.5",
    "application/xml ; q = 0.5 , application/json ; q=0.1",
    "application/xml;q=7, application/json;q=0.9",
]
JSON = [
    "",
    "*/*",
    "application/json",
    "application/*",
    "text/html",
    "application/xml, application/json",
    "application/xml, */*",
    "application/xml, application/*",
    "application/xml;q=0.5, */*;q=0.5",
    "application/xml;q=0",
    "application/xml;q=0, */*",
    "application/xml ; q = 0.4 , application/json ; q=0.5",
    "application/xml;q=nonsense, application/json;q=0.1",
    "application/xml;q=nan",
    "application/xml;q=-1",
    "application/xhtml+xml",
    "application/soap+xml",
    "application/xmlish",
    "xml",
    ",;,=;q",
]


@pytest.mark.parametrize(("name", "row"), ROWS.items(), ids=ROWS)
def test_a_fault_has_its_code_and_status(name, row):
    fault = getattr(faults, name)
    assert (fault.code, fault.status) == row


@pytest.mark.parametrize("accept", XML)
def test_xml_is_sent_to_who_prefers_it(accept):
    content_type, body = render(faults.FORBIDDEN, "No.", accept=accept)
    assert content_type == "application/xml; charset=utf-8"
    assert body == (
        b"<fault><code>900908</code><message>Resource forbidden</message>"
        b"<description>No.</description></fault>"
    )


@pytest.mark.parametrize("accept", JSON)
def test_json_is_sent_to_everybody_else(accept):
    content_type, body = render(faults.FORBIDDEN, "No.", accept=accept)
    assert content_type == "application/json; charset=utf-8"
    assert body == (
        b'{"fault": {"code": 900908, "message": "Resource forbidden", "description": "No."}}'
    )


@given(any_text | st.text(alphabet="aplictonxm/tejs*;,q=.019 "))
@deterministic
def test_any_accept_header_is_answered(accept):
    assert prefers_xml(accept) in {True, False}
    assert not prefers_xml(f"{accept.replace('json', '')},application/json;q=1")


SENDABLE = st.text(st.characters(min_codepoint=32, exclude_categories=["Cs"]))


@given(SENDABLE.filter(lambda text: not {"\ufffe", "\uffff"} & set(text)))
@deterministic
def test_json_and_xml_carry_any_description_unharmed(text):
    fault = Fault(900908, f"<{text}>", 403)
    _, as_json = render(fault, text)
    _, as_xml = render(fault, text, accept="text/xml")
    content = json.loads(as_json)["fault"]
    assert content == {"code": 900908, "message": f"<{text}>", "description": text}
    assert {child.tag: child.text or "" for child in ET.fromstring(as_xml)} == {
        "code": "900908",
        "message": f"<{text}>",
        "description": text,
    }


@pytest.mark.parametrize("name", ROWS)
def test_only_a_401_challenges_and_blames_a_token_only_if_one_was_sent(name):
    fault = getattr(faults, name)
    expected = {
        "MISSING_CREDENTIALS": 'Bearer realm="apimctl"',
        "INVALID_CREDENTIALS": 'Bearer realm="apimctl", error="invalid_token"',
        "TOKEN_EXPIRED": 'Bearer realm="apimctl", error="invalid_token"',
        "TOKEN_INACTIVE": 'Bearer realm="apimctl", error="invalid_token"',
    }
    assert challenge(fault) == expected.get(name)


def test_a_token_of_too_narrow_a_scope_is_challenged_with_those_that_would_do():
    asked = 'Bearer realm="apimctl", error="insufficient_scope", scope="orders:read orders:write"'
    assert scope_challenge(["orders:read", "orders:write"]) == asked
