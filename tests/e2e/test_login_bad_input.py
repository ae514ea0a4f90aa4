"""Whatever is sent to the Login API, it is answered, in its own form, and never with a defect."""

import base64
import json
import socket
from contextlib import closing
from urllib.parse import urlencode

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.binary import TIMEOUT_SECONDS
from tests.e2e.conftest import Answer
from tests.e2e.expectations import is_error
from tests.e2e.wire import Peer

FORM = b"Content-Type: application/x-www-form-urlencoded"
FORMS = {
    "/token": b"grant_type=client_credentials",
    "/revoke": b"token=x",
    "/introspect": b"token=x",
}
"""What each endpoint answers with 200."""


@pytest.fixture(scope="module")
def stall(market):
    return market.stall()


@pytest.fixture(params=FORMS)
def path(request):
    return request.param


def basic(pair: str | bytes) -> bytes:
    data = pair if isinstance(pair, bytes) else pair.encode()
    return b"Authorization: Basic " + base64.b64encode(data)


def exchange(gateway, *lines, method=b"POST", path="/token", body=b"") -> Answer:
    """Send a request as it stands here, and return the answer to it."""
    head = b"%s %s HTTP/1.1\r\nHost: gateway.test" % (method, path.encode())
    address = ("127.0.0.1", gateway.port)
    with closing(socket.create_connection(address, TIMEOUT_SECONDS)) as connection:
        peer = Peer(connection)
        peer.send_what_is_taken(b"\r\n".join([head, *lines, b"", b""]) + body)
        first, pairs = peer.read_head()
        headers = {name.decode().title(): value.decode() for name, value in pairs}
        headers = {
            "WWW-Authenticate" if "Www" in name else name: value for name, value in headers.items()
        }
        length = 0 if method == b"HEAD" else int(headers["Content-Length"])
        return Answer(int(first.split()[1]), headers, peer.read(length))


def post(stall, path, body, *lines, authorization=None) -> Answer:
    """Post a form as the stall's client, or with another Authorization."""
    own = basic(":".join(stall.client)) if authorization is None else authorization
    length = b"Content-Length: %d" % len(body)
    sent = [line for line in (own, *(lines or [FORM]), length) if line]
    return exchange(stall.market.gateway, *sent, path=path, body=body)


def test_each_form_is_good_as_it_is(stall, path):
    assert post(stall, path, FORMS[path]).status == 200


REST = {
    "a repeated parameter": b"&a=1&a=2",
    "a repeated parameter, once empty": b"&scope=&scope=x",
    "a NUL": b"&scope=a%00b",
    "a raw NUL": b"&scope=a\x00b",
    "bytes that are no UTF-8": b"&scope=%ff",
    "bytes that are no UTF-8, cut short": b"&scope=%e2%82",
    "a surrogate": b"&scope=%ed%a0%80",
    "raw bytes that are no UTF-8": b"&scope=\xff",
    "10,000 parameters": b"".join(b"&p%d=1" % number for number in range(10_000)),
    "10,000 empty parameters": b"&=" * 10_000,
    "a name of 70,000 bytes": b"&" + b"n" * 70_000 + b"=1",
    "10 MB": b"&scope=" + b"x" * 10_000_000,
}


@pytest.mark.parametrize("rest", REST.values(), ids=REST)
def test_a_form_with_this_in_it_is_invalid_request(stall, path, rest):
    assert is_error(post(stall, path, FORMS[path] + rest), 400, "invalid_request")


BODIES = {
    "empty": b"",
    "nothing of ours": b"a=b",
    "only separators": b"&&&;=;&=&",
    "percent signs": b"%%%&%=%&%4=%",
    "the parameters of others": b"scope=default&response_type=code",
    "an empty one": b"grant_type=&token=",
    "one in capitals": b"GRANT_TYPE=client_credentials&TOKEN=x",
    "JSON": json.dumps({"grant_type": "client_credentials", "token": "x"}).encode(),
    "multipart": b'--x\r\nContent-Disposition: form-data; name="token"\r\n\r\nx\r\n--x--',
    "UTF-16": "grant_type=client_credentials&token=x".encode("utf-16"),
    "gzip": b"\x1f\x8b\x08\x00\x00\x00\x00\x00\x00\x03\x2b\xc9\xcf\x4e\xcd\xb3\xad\x00\x00",
    "white space": b" \r\n\t",
}


@pytest.mark.parametrize("body", BODIES.values(), ids=BODIES)
def test_a_body_like_this_is_invalid_request(stall, path, body):
    assert is_error(post(stall, path, body), 400, "invalid_request")


@pytest.mark.parametrize("form", FORMS.values())
def test_parameters_in_the_query_count_for_nothing(stall, path, form):
    answer = post(stall, f"{path}?{form.decode()}", b"a=b")
    assert is_error(answer, 400, "invalid_request")


CONTENT_TYPES = {
    "none": b"X-Nothing: 1",
    "an empty one": b"Content-Type:",
    "JSON": b"Content-Type: application/json",
    "multipart": b"Content-Type: multipart/form-data; boundary=x",
    "multipart without a boundary": b"Content-Type: multipart/form-data",
    "text": b"Content-Type: text/plain",
    "a parameter only": b"Content-Type: ; charset=utf-8",
    "two in one": b"Content-Type: application/x-www-form-urlencoded, text/plain",
    "one that begins like ours": b"Content-Type: application/x-www-form-urlencodedx",
    "bytes": b"Content-Type: \xff\xfe",
}


@pytest.mark.parametrize("content_type", CONTENT_TYPES.values(), ids=CONTENT_TYPES)
def test_another_content_type_is_invalid_request(stall, path, content_type):
    answer = post(stall, path, FORMS[path], content_type)
    assert is_error(answer, 400, "invalid_request")


@pytest.mark.parametrize(
    "parameters", [b"", b"; charset=UTF-8", b";charset=iso-8859-1", b"; charset=klingon", b"; ;;="]
)
def test_a_form_is_utf_8_whatever_its_type_says(stall, path, parameters):
    line = b"Content-Type: Application/X-WWW-Form-Urlencoded" + parameters
    assert post(stall, path, FORMS[path], line).status == 200
    # In ISO-8859-1 this would be a letter (RFC 6749 appendix B says UTF-8).
    assert is_error(post(stall, path, FORMS[path] + b"&a=%e9", line), 400, "invalid_request")


AUTHORIZATIONS = {
    "an empty one": b"Authorization:",
    "a scheme only": b"Authorization: Basic",
    "no base64": b"Authorization: Basic !!!",
    "base64 without its padding": b"Authorization: Basic YTpi" + b"Yg",
    "base64 with spaces": b"Authorization: Basic YT pi",
    "no colon": basic("nocolon"),
    "nothing but a colon": basic(":"),
    "no UTF-8": basic(b"\xff\xff:\xff"),
    "a NUL": basic("a\0b:c\0d"),
    "line ends": basic("a\r\nb:c\r\nd"),
    "broken form encoding": basic("%zz%:%f"),
    "form encoding that is no UTF-8": basic("%ff:%ff"),
    "20,000 bytes": basic("x" * 15_000 + ":y"),
    "a bearer token": b"Authorization: Bearer abc",
    "another scheme": b'Authorization: Digest username="x"',
    "letters beyond ASCII": "Authorization: Basic é".encode("latin-1"),
    "a letter like B": "Authorization: \u0392asic YTpi".encode(),
    "no scheme": b"Authorization: " + base64.b64encode(b"a:b"),
}


@pytest.mark.parametrize("authorization", AUTHORIZATIONS.values(), ids=AUTHORIZATIONS)
def test_credentials_that_cannot_be_read_are_invalid_client(stall, path, authorization):
    answer = post(stall, path, FORMS[path], authorization=authorization)
    assert is_error(answer, 401, "invalid_client")


def test_credentials_are_sent_once(stall, path):
    right = basic(":".join(stall.client))
    in_body = urlencode({"client_id": stall.client[0], "client_secret": stall.client[1]}).encode()
    for lines, form in (
        ([right, FORM], FORMS[path]),
        ([basic("a:b"), FORM], FORMS[path]),
        ([b"Authorization:", FORM], FORMS[path]),
        ([FORM], FORMS[path] + b"&" + in_body),
        ([FORM], FORMS[path] + b"&client_secret=x"),
        ([FORM], FORMS[path] + b"&client_id=another"),
    ):
        assert is_error(post(stall, path, form, *lines), 400, "invalid_request")


@pytest.mark.parametrize(
    "method",
    [b"GET", b"HEAD", b"PUT", b"PATCH", b"DELETE", b"OPTIONS", b"TRACE", b"PROPFIND"],
)
def test_another_method_is_405(stall, path, method):
    for lines in ((), (FORM, b"Content-Length: 0")):
        answer = exchange(stall.market.gateway, *lines, method=method, path=path)
        assert (answer.status, answer.headers["Allow"]) == (405, "POST")
        assert answer.headers["Cache-Control"] == "no-store"
        assert method == b"HEAD" or is_error(answer, 405, "invalid_request")


CHUNKED = b"Transfer-Encoding: chunked"
FRAMINGS = {
    "a chunk of no length": ([CHUNKED], b"zz\r\nx\r\n0\r\n\r\n"),
    "a chunk of negative length": ([CHUNKED], b"-1\r\nx\r\n0\r\n\r\n"),
    "a chunk that is longer than it says": ([CHUNKED], b"1\r\nxyz\r\n0\r\n\r\n"),
    "a chunk without end": ([CHUNKED], b"f" * 100 + b"\r\n"),
    "another coding": ([b"Transfer-Encoding: gzip"], b""),
    "two codings": ([b"Transfer-Encoding: gzip, chunked"], b"0\r\n\r\n"),
    "chunks and a length": ([CHUNKED, b"Content-Length: 5"], b"0\r\n\r\n"),
    "two lengths": ([b"Content-Length: 1", b"Content-Length: 2"], b"xx"),
    "a length that is none": ([b"Content-Length: x"], b""),
    "a negative length": ([b"Content-Length: -1"], b""),
    "a line of 40,000 bytes": ([b"X: " + b"x" * 40_000, b"Content-Length: 0"], b""),
    "300 headers": ([b"X-%d: 1" % number for number in range(300)], b""),
    "a header without a name": ([b": x", b"Content-Length: 0"], b""),
    "a header with a NUL": ([b"X: \x00", b"Content-Length: 0"], b""),
    "another host": ([b"Host: another", b"Content-Length: 0"], b""),
}


@pytest.mark.parametrize(("lines", "body"), FRAMINGS.values(), ids=FRAMINGS)
def test_a_request_that_is_not_framed_is_refused(stall, path, lines, body):
    right = basic(":".join(stall.client))
    answer = exchange(stall.market.gateway, right, FORM, *lines, path=path, body=body)
    assert answer.status in {400, 431}
    assert answer.headers["Cache-Control"] == "no-store"
    assert {"error", "fault"} & set(answer.json)


@pytest.mark.parametrize("size", [b"fa0\r\n" + b"x" * 4000 + b"\r\n", b"1\r\nx\r\n"])
def test_a_form_in_endless_chunks_is_refused_once_it_is_too_long(stall, path, size):
    right = basic(":".join(stall.client))
    body = size * (200_000 // len(size)) * 5
    answer = exchange(stall.market.gateway, right, FORM, CHUNKED, path=path, body=body)
    assert is_error(answer, 400, "invalid_request")


def test_a_form_in_chunks_is_as_good_as_any(stall, path):
    right = basic(":".join(stall.client))
    pieces = b"".join(b"1\r\n%c\r\n" % byte for byte in FORMS[path])
    answer = exchange(
        stall.market.gateway, right, FORM, CHUNKED, path=path, body=pieces + b"0\r\n\r\n"
    )
    assert answer.status == 200


LACKING = {
    "password": {"username": "x", "password": "y"},
    "refresh_token": {"refresh_token": "x"},
}


@pytest.mark.parametrize("grant", LACKING)
def test_each_parameter_of_a_grant_is_needed_once(stall, grant):
    for name in LACKING[grant]:
        others = {key: value for key, value in LACKING[grant].items() if key != name}
        lacking = urlencode({"grant_type": grant, **others})
        for form in (lacking, f"{lacking}&{name}=", f"{lacking}&{name}=x&{name}=x"):
            assert is_error(post(stall, "/token", form.encode()), 400, "invalid_request")


names = st.sampled_from(
    [
        *("grant_type", "token", "token_type_hint", "scope", "validity_period", "refresh_token"),
        *("client_id", "client_secret", "code", "redirect_uri", "code_verifier", "username"),
    ]
)
values = st.sampled_from(
    ["client_credentials", "refresh_token", "authorization_code", "password", "default", "x", "-1"]
)
texts = st.text(max_size=40)
forms = st.lists(st.tuples(names | texts, values | texts), max_size=6).map(
    lambda pairs: urlencode(pairs, errors="replace").encode()
)
bodies = st.one_of(
    forms,
    st.binary(max_size=200),
    st.tuples(st.sampled_from(list(FORMS.values())), forms).map(b"&".join),
)
line_bytes = st.binary(max_size=60).map(
    lambda data: bytes(byte for byte in data if byte >= 0x20 and byte != 0x7F)
)
authorizations = st.one_of(
    st.just(None),
    line_bytes.map(lambda data: b"Authorization: " + data),
    line_bytes.map(lambda data: b"Authorization: Basic " + data),
    st.binary(max_size=60).map(basic),
)
content_types = st.one_of(
    st.sampled_from([FORM] * 6), line_bytes.map(lambda data: b"Content-Type: " + data)
)


@settings(
    deadline=None,
    derandomize=True,
    max_examples=400,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
@given(
    path=st.sampled_from(list(FORMS)),
    body=bodies,
    content_type=content_types,
    authorization=authorizations,
)
def test_anything_at_all_is_answered(stall, path, body, content_type, authorization):
    answer = post(stall, path, body, content_type, authorization=authorization)
    assert answer.status == 200 or is_error(answer, answer.status, answer.json["error"])
    assert answer.status in {200, 400, 401}
    assert answer.headers["Cache-Control"] == "no-store"
    assert answer.headers["Content-Type"] == "application/json"
    assert isinstance(answer.json, dict)


def test_none_of_it_was_a_defect(stall, market):
    assert "a request failed" not in market.gateway.log
    assert post(stall, "/token", FORMS["/token"]).status == 200
