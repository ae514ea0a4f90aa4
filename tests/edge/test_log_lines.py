import json
import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from apimctl import config_values
from apimctl.edge.application_names import ApplicationName
from apimctl.edge.log_lines import LONGEST_LINE_BYTES, RENDERERS, combined_line, json_line
from tests.domain.strategies import deterministic
from tests.edge.observations import observed

NAME = ApplicationName("DefaultApplication", "admin")
COMBINED = re.compile(
    rb'(\S+) - - \[(\d\d/\w{3}/\d{4}:\d\d:\d\d:\d\d \+0000)\] "((?:[^"\\]|\\.)*)" (\d{3}) (\d+|-)'
    rb' "((?:[^"\\]|\\.)*)" "((?:[^"\\]|\\.)*)" "((?:[^"\\]|\\.)*)"\n'
)
client_texts = st.binary(max_size=3000).map(lambda raw: raw.decode("utf-8", "surrogateescape"))
sent_by_clients = st.fixed_dictionaries(
    dict.fromkeys(
        ("method", "target", "user_agent", "referer", "traceparent", "request_id"), client_texts
    )
)
names = st.builds(ApplicationName, *(st.text(max_size=255).filter(str.isprintable),) * 2)


def test_a_line_of_json_tells_all_there_is():
    assert json.loads(json_line(observed(), NAME)) == {
        "time": "2027-01-15T08:00:00.123Z",
        "request_id": "abc-1",
        "client": "203.0.113.7",
        "method": "GET",
        "path": "/twitter/1.0.0/search?q=cat",
        "protocol": "HTTP/1.1",
        "status": 200,
        "fault": None,
        "api": "twitter",
        "version": "1.0.0",
        "application": "DefaultApplication",
        "owner": "admin",
        "key_type": "PRODUCTION",
        "bytes": 1234,
        "seconds": 0.012346,
        "backend_seconds": 0.01,
        "user_agent": "curl/8",
        "referer": "https://example.com/",
        "traceparent": "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01",
    }


def test_what_is_not_known_is_null():
    refused = observed(
        traceparent="",
        user_agent="",
        referer="",
        api=None,
        application_id=None,
        key_type=None,
        status=404,
        fault=900906,
        backend_seconds=None,
        body_bytes=None,
    )
    line = json.loads(json_line(refused, None))
    assert {key for key, value in line.items() if value is None} == {
        *("api", "version", "application", "owner", "key_type", "bytes", "backend_seconds"),
        *("user_agent", "referer", "traceparent"),
    }
    assert (line["status"], line["fault"]) == (404, 900906)


def test_there_is_a_line_for_every_format_that_can_be_chosen():
    assert set(RENDERERS) == set(config_values._LOG_FORMATS)


def test_an_application_that_has_no_name_any_more_bears_its_id():
    line = json.loads(json_line(observed(), ApplicationName("0123", "")))
    assert (line["application"], line["owner"]) == ("0123", None)


def test_the_combined_format_is_that_of_apache_with_the_request_id():
    assert combined_line(observed(), NAME) == (
        b"203.0.113.7 - - [15/Jan/2027:08:00:00 +0000]"
        b' "GET /twitter/1.0.0/search?q=cat HTTP/1.1" 200 1234'
        b' "https://example.com/" "curl/8" "abc-1"\n'
    )
    unknown = observed(client="", user_agent="", referer="", body_bytes=None)
    assert combined_line(unknown, None) == (
        b'- - - [15/Jan/2027:08:00:00 +0000] "GET /twitter/1.0.0/search?q=cat HTTP/1.1" 200 -'
        b' "-" "-" "abc-1"\n'
    )


@pytest.mark.parametrize(
    ("sent", "written"),
    [
        (b'" 200 1 "', rb"\" 200 1 \""),
        (b"back\\slash", rb"back\\slash"),
        (b"a\nb\r\0\x1b[31m\x7f", rb"a\x0ab\x0d\x00\x1b[31m\x7f"),
        (b"\xff\xc3\xa9", rb"\xff\xc3\xa9"),
    ],
)
def test_the_combined_format_escapes_what_would_break_it(sent, written):
    agent = observed(user_agent=sent.decode("utf-8", "surrogateescape"))
    assert COMBINED.fullmatch(combined_line(agent, NAME))[7] == written


def test_json_shows_text_as_such_and_other_bytes_as_such():
    agent = observed(user_agent=b'\xff\xc3\xa9"\n'.decode("utf-8", "surrogateescape"))
    assert json.loads(json_line(agent, NAME))["user_agent"] == '\\xff\u00e9"\n'


def test_secrets_are_taken_out_before_anything_is_cut():
    secret = "hunter2" * 1000
    sent = observed(
        target=f"/a?{'x' * 2030}&access_token={secret}&y=1",
        referer=f"https://example.com/?code={secret}",
        user_agent=f"token={secret}",
        traceparent=f"password={secret}",
        request_id=f"token={secret}",
    )
    for render in (json_line, combined_line):
        line = render(sent, NAME)
        assert b"hunter" not in line
        assert b"redacted" in line


@deterministic
@given(sent_by_clients, names)
def test_whatever_bytes_come_there_is_one_line_that_can_be_parsed(sent, name):
    observation = observed(**sent, api=f"{name.name}:{name.owner}")
    line = json_line(observation, name)
    assert line.count(b"\n") == 1
    assert line.endswith(b"\n")
    assert line[:-1].decode("ascii").isprintable()
    assert len(line) <= LONGEST_LINE_BYTES
    assert json.loads(line)["status"] == 200

    line = combined_line(observation, name)
    assert line[:-1].decode("ascii").isprintable()
    assert len(line) <= LONGEST_LINE_BYTES
    assert COMBINED.fullmatch(line)


@pytest.mark.parametrize("letter", ["x", "\x00", "\udcff", "\U0001f600"])
def test_a_line_that_is_too_long_is_cut_where_the_client_made_it_long(letter):
    long = letter * 40_000
    sent = observed(target=f"/{long}", user_agent=long, referer=long, traceparent=long)
    for render in (json_line, combined_line):
        line = render(sent, ApplicationName(letter * 255, letter * 255))
        assert len(line) <= LONGEST_LINE_BYTES
        assert b"..." in line
    content = json.loads(json_line(sent, NAME))
    assert content["path"].endswith("...")
    assert (content["request_id"], content["application"]) == ("abc-1", "DefaultApplication")
