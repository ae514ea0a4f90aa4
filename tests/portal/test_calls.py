"""What may be typed into the console, and what is refused before anything is sent."""

import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from yarl import URL

from apimctl.domain import credentials
from apimctl.domain.credentials import Kind
from apimctl.domain.models import KeyType
from apimctl.errors import InvalidInputError
from apimctl.portal.calls import (
    read_header_value,
    read_headers,
    read_path,
    read_query,
    read_token,
    typed,
)

BASE = "https://gateway.test:8243/twitter/1.0.0"


@pytest.mark.parametrize(
    ("text", "sent"),
    [
        ("", ""),
        ("/", "/"),
        ("/users/7", "/users/7"),
        ("/a b/é/%C3%A9", "/a%20b/%C3%A9/%C3%A9"),
        ("/100%/x", "/100%25/x"),
        ("//evil.example/x", "//evil.example/x"),
        ("/@evil.example", "/@evil.example"),
        ("/x;y=1,2:3", "/x;y=1,2:3"),
    ],
)
def test_a_path_is_sent_below_that_of_the_api(text, sent):
    assert read_path(text) == sent
    url = URL(BASE + read_path(text), encoded=True)
    assert (url.host, url.port) == ("gateway.test", 8243)
    assert url.raw_path.startswith("/twitter/1.0.0")


@pytest.mark.parametrize(
    "text",
    [
        "users",
        "@evil.example/",
        ".evil.example",
        ":80/x",
        "http://evil.example/",
        "/..",
        "/../other/1.0.0",
        "/%2e%2E/x",
        "/a/..%2f..%2fx",
        "/..\\x",
        "/a\\..\\x",
        "/..;/x",
        "/x\r\nHost: evil.example",
        "/x\nGET / HTTP/1.1",
        "/x\x00",
        "/x\x85",
        "/x\ud800",
        "/x?q=1",
        "/x#y",
        "/users/{id}",
    ],
)
def test_a_path_that_could_lead_elsewhere_is_refused(text):
    with pytest.raises(InvalidInputError):
        read_path(text)


@given(st.text(max_size=40), st.text(max_size=40))
@example("/", "?")
def test_whatever_is_typed_stays_below_the_api_and_in_one_line(path, query):
    try:
        target = f"{read_path('/' + path)}?{read_query(query)}"
    except InvalidInputError:
        return
    assert target.isascii()
    assert target.isprintable()
    assert " " not in target
    url = URL(BASE + target, encoded=True)
    assert url.host == "gateway.test"
    assert url.raw_path.startswith("/twitter/1.0.0/")
    assert not url.fragment
    assert {".", ".."}.isdisjoint(url.raw_path.split("/"))


@pytest.mark.parametrize(
    ("text", "sent"),
    [("", ""), ("?q=cat", "q=cat"), ("q=a b&c[]=é", "q=a%20b&c[]=%C3%A9"), ("u=http://x/?y", None)],
)
def test_a_query_is_encoded_where_it_has_to_be(text, sent):
    assert read_query(text) == (text if sent is None else sent)


@pytest.mark.parametrize("text", ["a#b", "a\r\nX: 1", "a\x00"])
def test_a_query_that_is_more_than_one_is_refused(text):
    with pytest.raises(InvalidInputError):
        read_query(text)


def test_headers_come_one_a_line():
    assert read_headers("Accept: text/plain\r\n\r\n X: \nY:  a: b ".replace(" X", "X")) == (
        ("Accept", "text/plain"),
        ("X", ""),
        ("Y", "a: b"),
    )
    assert read_headers("") == ()


@pytest.mark.parametrize(
    "text",
    [
        "Accept",
        ": x",
        "A b: x",
        " Accept: x",
        "Accept : x",
        "X: a\rInjected: b",
        "X: a\x00",
        "X: a\x0bY: b",
        "X: \u2028",
        "X: é",
        *(
            f"{name}: x"
            for name in (
                *("Host", "host", "Content-Length", "Transfer-Encoding", "Connection", "TE"),
                *("Upgrade", "Keep-Alive", "Trailer", "Expect", "Authorization", "AUTHORIZATION"),
                *("Proxy-Authorization", "Proxy-Connection", "Forwarded", "X-Forwarded-For"),
                *("X_Forwarded_For", "X-Forwarded-Host", "X-Real-IP"),
            )
        ),
        "\n".join(f"X{number}: 1" for number in range(51)),
    ],
)
def test_a_header_that_is_none_or_not_ones_own_is_refused(text):
    with pytest.raises(InvalidInputError):
        read_headers(text)


@pytest.mark.parametrize("text", ["a\r\nb", "a\nb", "\x7f", "ä"])
def test_a_value_of_a_header_is_one_line_of_ascii(text):
    assert read_header_value("https://app.example") == "https://app.example"
    with pytest.raises(InvalidInputError):
        read_header_value(text)


def test_a_token_is_sent_as_it_is_typed_and_never_another_credential():
    def made(kind):
        return credentials.encode(kind, KeyType.PRODUCTION, bytes(range(22)))

    token = made(Kind.ACCESS_TOKEN)
    assert read_token(token) == token
    assert read_token(f"Bearer  {token}") == token
    assert read_token(token[:-1]) == token[:-1]
    assert read_token("") == ""
    for kind in set(Kind) - {Kind.ACCESS_TOKEN}:
        with pytest.raises(InvalidInputError, match="this is a"):
            read_token(made(kind))
    for text in ("a b", "a\r\nX: 1", "ä", "a\x00"):
        with pytest.raises(InvalidInputError):
            read_token(text)


def test_a_body_without_a_type_has_that_of_what_it_is():
    assert typed((), "") == ()
    assert typed((), '{"a": 1}') == (("Content-Type", "application/json"),)
    assert typed((), "{a") == (("Content-Type", "text/plain; charset=utf-8"),)
    assert typed((), "[" * 60_000) == (("Content-Type", "text/plain; charset=utf-8"),)
    assert typed((("content-type", "x/y"),), "{}") == (("content-type", "x/y"),)
