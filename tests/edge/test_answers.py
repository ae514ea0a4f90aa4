import json

from apimctl.domain import faults
from apimctl.edge import answers


def test_a_fault_is_json_and_is_not_to_be_kept():
    answer = answers.fault(faults.FORBIDDEN, "Not from there.")
    assert answer.status == 403
    assert json.loads(answer.body) == {
        "fault": {"code": 900908, "message": "Resource forbidden", "description": "Not from there."}
    }
    assert answer.headers["Content-Type"] == "application/json; charset=utf-8"
    assert answer.headers["Cache-Control"] == "no-store"
    assert "WWW-Authenticate" not in answer.headers


def test_a_fault_is_xml_where_that_is_preferred():
    answer = answers.fault(faults.FORBIDDEN, "a < b", accept="text/xml")
    assert answer.headers["Content-Type"] == "application/xml; charset=utf-8"
    assert b"<description>a &lt; b</description>" in answer.body


def test_a_401_challenges():
    missing = answers.fault(faults.MISSING_CREDENTIALS, "Send one.")
    assert missing.headers["WWW-Authenticate"] == 'Bearer realm="apimctl"'
    expired = answers.fault(faults.TOKEN_EXPIRED, "Renew it.")
    assert expired.headers["WWW-Authenticate"].endswith('error="invalid_token"')


def test_more_headers_are_added_to_a_fault():
    answer = answers.fault(faults.CIRCUIT_OPEN, "Later.", headers={"Retry-After": "3"})
    assert answer.headers["Retry-After"] == "3"
    assert answer.headers["Cache-Control"] == "no-store"


def test_headers_win_over_the_defaults_and_may_repeat():
    headers = [("Content-Type", "application/problem+json"), ("X", "1"), ("X", "2")]
    answer = answers.json_answer(201, {"a": None}, headers)
    assert (answer.status, answer.body) == (201, b'{"a": null}')
    assert answer.headers.getall("Content-Type") == ["application/problem+json"]
    assert answer.headers.getall("X")[-1] == "2"
