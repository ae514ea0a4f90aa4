import pytest

from apimctl.domain.redirects import check_redirect_uri, is_registered, origin_of
from apimctl.errors import InvalidInputError

GOOD = [
    "https://shop.example/back",
    "https://shop.example",
    "https://shop.example:8443/back?a=b%20c",
    "https://[2001:db8::1]/back",
    "http://127.0.0.1/back",
    "http://127.0.0.1:8080/",
    "http://[::1]:3000/back?x",
    "http://localhost:3000/back",
    "com.example.app:/back",
    "com.example.my-app:/a/b?c=d",
    "com.example.app://host/back",
]

BAD = {
    "": "not an http or https",
    "shop.example/back": "not an http or https",
    "/back": "not an http or https",
    "ftp://shop.example/": "not an http or https",
    "javascript:alert(1)": "not an http or https",
    "data:text/html,x": "not an http or https",
    "file:///etc/passwd": "not an http or https",
    "myapp:/back": "not an http or https",
    "com.example.app:back": "not an http or https",
    "Com.Example:/back": "not an http or https",
    "https://shop.example/back#top": "fragment",
    "com.example.app:/back#top": "fragment",
    "https://shop.example/back?a=b#": "fragment",
    "http://shop.example/back": "another machine",
    "http://127.0.0.2/back": "another machine",
    "http://localhost.example/back": "another machine",
    "https://user:secret@shop.example/": "user name or a password",
    "http://127.0.0.1:80@evil.example/": "user name or a password",
    "https://shop.example/a/../b": "dot segments",
    "https://shop.example/a b": "characters a URL cannot have",
    "https://shop.example/\n": "characters a URL cannot have",
    "https://shop.example/?a=b c": "characters a URL cannot have",
    "https://shop.example/?a=\u00e4": "characters a URL cannot have",
    "com.example.app:/a\\b": "not an http or https",
    "https://*.example/back": "no usable host",
    "https:///back": "no usable host",
    "https://shop.example/" + "x" * 2048: "characters long",
}


@pytest.mark.parametrize("uri", GOOD)
def test_what_can_be_registered(uri):
    assert check_redirect_uri(uri, what="callback URL") == uri


@pytest.mark.parametrize(("uri", "why"), BAD.items(), ids=lambda text: text[:30])
def test_what_cannot_be_registered_and_why(uri, why):
    with pytest.raises(InvalidInputError, match=why) as caught:
        check_redirect_uri(uri, what="callback URL")
    assert "secret" not in caught.value.message
    assert caught.value.hint


@pytest.mark.parametrize("uri", GOOD)
def test_a_registered_uri_is_that_one(uri):
    assert is_registered(uri, [uri])
    assert is_registered(uri, ["https://other.example/", uri])
    assert not is_registered(uri, [])
    for other in (uri + "/", uri + "x", uri[:-1], uri.upper(), uri + "\n", f" {uri}", ""):
        assert not is_registered(other, [uri])


@pytest.mark.parametrize(
    ("uri", "registered", "is_it"),
    [
        ("http://127.0.0.1:5000/back", "http://127.0.0.1/back", True),
        ("http://127.0.0.1/back", "http://127.0.0.1:5000/back", True),
        ("http://127.0.0.1:1/back", "http://127.0.0.1:2/back", True),
        ("http://127.0.0.1:1", "http://127.0.0.1", True),
        ("http://[::1]:1/?a", "http://[::1]/?a", True),
        ("http://[::1]:1/?a", "http://[::1]/?b", False),
        ("http://[::1]:1/back", "http://127.0.0.1:1/back", False),
        ("http://localhost:1/back", "http://localhost:2/back", False),
        ("https://127.0.0.1:1/back", "https://127.0.0.1:2/back", False),
        ("http://127.0.0.1:1/back", "https://127.0.0.1:1/back", False),
        ("http://127.0.0.1:/back", "http://127.0.0.1/back", False),
        ("http://127.0.0.1:1@evil.example/back", "http://127.0.0.1/back", False),
        ("http://127.0.0.1.evil.example/back", "http://127.0.0.1/back", False),
        ("http://127.0.0.1:1\\@evil.example/back", "http://127.0.0.1/back", False),
        ("http://127.0.0.1:\u0661/back", "http://127.0.0.1/back", False),
        ("https://shop.example:1/back", "https://shop.example/back", False),
    ],
)
def test_only_the_port_of_a_loopback_address_may_differ(uri, registered, is_it):
    assert is_registered(uri, [registered]) is is_it


@pytest.mark.parametrize(
    ("uri", "origin"),
    [
        ("https://shop.example/back?a=b", "https://shop.example"),
        ("http://127.0.0.1:5000/back", "http://127.0.0.1:5000"),
        ("http://[::1]/", "http://[::1]"),
        ("com.example.app:/https://bank.example", "com.example.app:"),
        ("com.example.app://bank.example/", "com.example.app:"),
    ],
)
def test_what_a_person_is_shown_of_it(uri, origin):
    assert origin_of(uri) == origin
