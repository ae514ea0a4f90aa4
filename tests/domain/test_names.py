from functools import partial

import pytest
from hypothesis import event, given
from hypothesis import strategies as st

from apimctl.domain.names import (
    LONGEST_NAME,
    RESERVED_CONTEXTS,
    check_context,
    check_name,
    check_text,
    check_url,
    check_version,
    parse_roles,
    printable,
)
from apimctl.errors import InvalidInputError

from .strategies import any_text, deterministic

CONTROLS = ["\0", "\n", "\r\n", "\t", "\x1b[31m", "\x7f", "\x85", "\u2028", "\ud800", "\uffff"]


def refusal_of(check, text, **options):
    with pytest.raises(InvalidInputError) as caught:
        check(text, **options)
    assert caught.value.hint
    return caught.value.message


@pytest.mark.parametrize(
    ("name", "kept"),
    [
        ("DefaultApplication", "DefaultApplication"),
        ("  my app ", "my app"),
        ("Bücher & 本 <3", "Bücher & 本 <3"),
        ("a", "a"),
        ("ü" * LONGEST_NAME, "ü" * LONGEST_NAME),
        (" " * 300 + "a", "a"),
    ],
    ids=lambda name: ascii(name[:20]),
)
def test_a_name_is_kept_without_the_blanks_around_it(name, kept):
    assert check_name(name, what="application") == kept


@pytest.mark.parametrize(
    ("name", "complaint"),
    [
        ("", "the application name is empty"),
        (" \t ", "the application name is empty"),
        ("a" * (LONGEST_NAME + 1), "the application name is 256 characters long"),
        ("team/app:1", "the application name 'team/app:1' has a ':'"),
    ],
    ids=["empty", "blank", "long", "colon"],
)
def test_a_name_that_cannot_be_is_refused(name, complaint):
    assert refusal_of(check_name, name, what="application", without=":/") == complaint


@pytest.mark.parametrize("control", CONTROLS, ids=ascii)
def test_control_characters_are_neither_taken_nor_echoed(control):
    checks = {"name": check_name, "text": check_text, "url": check_url}
    for what, check in checks.items():
        assert control not in refusal_of(check, f"http://host/a{control}b", what=what)
    for check in (check_context, check_version):
        assert control not in refusal_of(check, f"/a{control}b")


FORMATS = ["\u202e", "\u200b", "\u2066", "\ufeff", "\u00ad", "\u200d", "\U000e0041"]


@pytest.mark.parametrize("unseen", FORMATS, ids=ascii)
def test_what_is_not_seen_but_turns_or_joins_letters_is_no_part_of_a_name(unseen):
    for name in (f"admin{unseen}", f"{unseen}admin", f"ad{unseen}min", unseen):
        assert unseen not in refusal_of(check_name, name, what="user")


@pytest.mark.parametrize(
    ("text", "roles"),
    [
        ("", ()),
        (" , ,", ()),
        ("editors", ("editors",)),
        (" readers,editors , readers,", ("readers", "editors")),
        ("CORP/staff", ("CORP/staff",)),
    ],
)
def test_roles_are_a_list_with_commas_each_once(text, roles):
    assert parse_roles(text) == roles


@pytest.mark.parametrize("text", ["two words", "editors, two words", "a\nb", "x" * 256])
def test_a_list_with_a_role_that_cannot_be_is_refused(text):
    assert "role name" in refusal_of(parse_roles, text)


def test_a_text_is_one_line_of_at_most_1024_characters():
    assert check_text(" Tweets, and more. ", what="description") == "Tweets, and more."
    assert check_text("", what="description") == ""
    assert check_text("a" * 1024, what="description")
    assert "too long" in refusal_of(check_text, "a" * 1025, what="description")


@pytest.mark.parametrize(
    "context",
    [
        "/twitter",
        "/team/search",
        "/a.b_c~d-e",
        "/tokens",
        "/Token",
        "/x/token",
        "/.hidden",
        "/1.0.0",
        "/" + "a" * (LONGEST_NAME - 1),
    ],
)
def test_a_context_is_a_path_of_plain_segments(context):
    assert check_context(context) == context


@pytest.mark.parametrize(
    ("context", "complaint"),
    [
        ("twitter", "does not start with /"),
        ("", "does not start with /"),
        (" /twitter", "does not start with /"),
        ("http://host/x", "does not start with /"),
        ("/", "is not a plain path"),
        ("//", "is not a plain path"),
        ("//x", "is not a plain path"),
        ("/a/", "is not a plain path"),
        ("/a//b", "is not a plain path"),
        ("/a b", "is not a plain path"),
        ("/../x", "is not a plain path"),
        ("/x/..", "is not a plain path"),
        ("/./x", "is not a plain path"),
        ("/...", "is not a plain path"),
        ("/%2e%2e/x", "is not a plain path"),
        ("/a\\b", "is not a plain path"),
        ("/a;b", "is not a plain path"),
        ("/a?b", "is not a plain path"),
        ("/a#b", "is not a plain path"),
        ("/{version}", "is not a plain path"),
        ("/*", "is not a plain path"),
        ("/bücher", "is not a plain path"),
        ("/a\n", "is not a plain path"),
        ("/" + "a" * LONGEST_NAME, "256 characters long"),
        *((f"/{name}", "the gateway's own") for name in RESERVED_CONTEXTS),
        ("/token/x", "the gateway's own"),
    ],
    ids=lambda text: ascii(text[:30]),
)
def test_a_context_that_cannot_be_routed_is_refused(context, complaint):
    assert complaint in refusal_of(check_context, context)


def test_the_refusal_of_a_context_without_its_slash_tells_how_to_write_it():
    with pytest.raises(InvalidInputError) as caught:
        check_context("twitter")
    assert caught.value.hint == "Try '/twitter'."


@pytest.mark.parametrize("version", ["1.0.0", "v2", "2024-01-01", "1.0.0~rc_1", "a" * LONGEST_NAME])
def test_a_version_is_one_plain_segment(version):
    assert check_version(version) == version


@pytest.mark.parametrize(
    "version",
    ["", " ", ".", "..", "1/2", "1 0", "1.0\n", "1%2e0", "1:0", "{version}", "\uff11", "a" * 256],
    ids=lambda version: ascii(version[:20]),
)
def test_a_version_that_is_no_segment_is_refused(version):
    assert "cannot be part of a path" in refusal_of(check_version, version)


@pytest.mark.parametrize(
    "url",
    [
        "http://127.0.0.1:8000",
        "https://api.example.com/base/path/",
        "HTTPS://Example.COM",
        "http://my_backend:8080/v1",
        "http://[::1]:8080/x",
        "http://localhost/a/..b/.well-known/...",
        "http://localhost/users/@me",
        "http://localhost/a%20b;c=1",
        "https://xn--bcher-kva.example",
    ],
)
def test_a_backend_url_is_kept_as_it_is(url):
    assert check_url(url, what="production URL") == url


@pytest.mark.parametrize(
    ("url", "complaint"),
    [
        ("", "is not an http or https URL"),
        ("example.com", "is not an http or https URL"),
        ("localhost:8000", "is not an http or https URL"),
        ("//example.com", "is not an http or https URL"),
        ("ftp://example.com", "is not an http or https URL"),
        ("file:///etc/passwd", "is not an http or https URL"),
        ("javascript:alert(1)", "is not an http or https URL"),
        ("http:", "has no usable host"),
        ("http://", "has no usable host"),
        ("http:///path", "has no usable host"),
        ("http://:8000", "has no usable host"),
        ("http:/example.com", "has no usable host"),
        ("http://example.com:0", "has no usable host"),
        ("http://a,b", "has no usable host"),
        ("http://a%2fb", "has no usable host"),
        ("http://example.com:65536", "is not a URL"),
        ("http://example.com:http", "is not a URL"),
        ("http://[::1", "is not a URL"),
        ("http://exa mple.com", "characters a URL cannot have"),
        (" http://example.com", "characters a URL cannot have"),
        ("http://example.com/a b", "characters a URL cannot have"),
        ("http://example.com\\@evil.net", "holds a user name or a password"),
        ("http://example.com/a\\b", "characters a URL cannot have"),
        ("http://bücher.example", "characters a URL cannot have"),
        ("http://example.com/{id}", "characters a URL cannot have"),
        ("http://example.com?", "has a query or a fragment"),
        ("http://example.com/#", "has a query or a fragment"),
        ("http://example.com/a?b=c", "has a query or a fragment"),
        ("http://example.com/a/../b", "has dot segments"),
        ("http://example.com/.%2E", "has dot segments"),
        ("http://user@example.com", "holds a user name or a password"),
        ("http://@example.com", "holds a user name or a password"),
    ],
)
def test_a_url_that_cannot_be_a_backend_is_refused(url, complaint):
    assert complaint in refusal_of(check_url, url, what="production URL")


@pytest.mark.parametrize(
    "url",
    [
        "http://admin:hunter2@example.com",
        "https://hunter2@example.com/a?b#c",
        "ftp://admin:hunter2@example.com",
        "admin:hunter2@example.com",
        "//admin:hunter2@example.com",
        "http:/admin:hunter2@example.com",
        "http:\\\\admin:hunter2@example.com",
        "http://admin:hunter2#@example.com",
        "http://admin#hunter2@example.com",
        "http://admin:80/hunter2@example.com/..",
        "http://admin:hun/ter2@example.com hunter2",
        "http://ad min:hunter2@example.com",
        "http://[admin:hunter2@example.com",
        "http://example.com/?api_key=hunter2",
        "http://example.com/#hunter2",
        "ftp://example.com?password=hunter2",
    ],
)
def test_no_refusal_of_a_url_tells_a_password(url):
    assert "hunter2" not in refusal_of(check_url, url, what="production URL")


@given(any_text | st.text(alphabet="htps:/@.%2e[]1?#\\a \n").map("http://a".__add__))
@deterministic
def test_any_text_is_kept_or_refused_on_one_short_line(text):
    named = partial(check_name, what="API", without=":")
    for check in (check_context, check_version, named, partial(check_url, what="URL")):
        try:
            answer = check(text)
        except InvalidInputError as refused:
            answer = refused.message
        else:
            event("kept")
            assert answer == text.strip()
        assert len(answer.splitlines()) == 1
        assert len(answer) < 400


def test_what_is_printed_is_short_and_has_no_control_characters():
    assert printable("a\x1b[31m\nb") == "a\ufffd[31m\ufffdb"
    assert printable("a" * 80) == "a" * 80
    assert printable("a" * 81) == "a" * 77 + "..."
