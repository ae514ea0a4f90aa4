"""What the console says of an answer."""

import json

import pytest

from apimctl.domain import faults
from apimctl.domain.faults import Fault
from apimctl.portal.caller import Response
from apimctl.portal.verdicts import MEANINGS, judge, meaning, text_of


def response(body=b"", *headers, status=200, cut=""):
    return Response(status, "OK", headers, body, cut, 1)


def test_every_fault_of_the_gateway_has_a_meaning():
    known = {each for each in vars(faults).values() if isinstance(each, Fault)}
    assert known == set(MEANINGS)
    for fault in known:
        for accept in ("application/json", "application/xml"):
            _, body = faults.render(fault, "It is so.", accept=accept)
            assert meaning(response(body, status=fault.status)) == MEANINGS[fault]


def test_what_is_no_fault_of_the_gateway_means_nothing():
    assert meaning(response(b'{"fault": {"code": 900901, "message": ""}}', status=200)) == ""
    assert meaning(response(b'{"fault": {"code": 1}}', status=401)) == ""
    assert meaning(response(b"", status=401)) == ""


@pytest.mark.parametrize(
    ("body", "headers", "text"),
    [
        (b"", (), ""),
        (b"plain", (), "plain"),
        (b'{"b":1,"a":"\xc3\xa9"}', (), '{\n  "b": 1,\n  "a": "é"\n}'),
        (b'{"a":', (), '{"a":'),
        (b"[" * 60_000, (), "[" * 60_000),
        (b"[" + b"9" * 9_000 + b"]", (), "[" + "9" * 9_000 + "]"),
        (b"\xe9", (("content-type", "text/plain; charset=ISO-8859-1"),), "é"),
        (b"\xe9", (("Content-Type", "text/plain; charset=zlib"),), None),
        (b"\xe9", (), None),
        (b"a\x00b", (), None),
        (b"packed", (("Content-Encoding", "gzip"),), None),
        (b"as it is", (("Content-Encoding", "identity"),), "as it is"),
    ],
)
def test_a_body_is_shown_as_what_it_is(body, headers, text):
    assert text_of(response(body, *headers)) == text


def test_a_body_that_would_be_far_longer_laid_out_is_shown_as_it_is():
    deep = b"[" * 400 + b",".join([b"1"] * 30_000) + b"]" * 400
    assert text_of(response(deep)) == deep.decode()
    wide = json.dumps(["x" * 20] * 2_000)
    assert text_of(response(wide.encode())) == json.dumps(json.loads(wide), indent=2)


def test_a_body_that_was_cut_is_shown_to_its_last_whole_character():
    assert text_of(response("[é".encode()[:-1], cut="so")) == "["
    assert text_of(response(b"[1]", cut="so")) == "[1]"
    assert judge(response(json.dumps("\x00").encode())).length == 8
