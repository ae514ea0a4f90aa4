import re

import pytest
from hypothesis import event, given
from hypothesis import strategies as st

from apimctl.domain.client_domains import (
    MOST_DOMAINS,
    is_allowed,
    parse_client_domain,
    parse_domains,
)
from apimctl.errors import InvalidInputError

from .strategies import any_text, deterministic

LONG_LABEL = "a" * 63
LONGEST = f"{LONG_LABEL}.{LONG_LABEL}.{LONG_LABEL}.{'a' * 61}"
AUTHORITY = "aAeE.-_*@:[]%,;=\\0189é。\uff1a\udcff"


def near_misses(alphabet):
    """Draw a host with something in front of it and behind it that may make it another one."""
    tricks = st.text(alphabet=alphabet, max_size=4)
    hosts = st.sampled_from(["", "x.", "EXAMPLE.com", "example.com", "example.com:80", "[::1]:80"])
    return st.tuples(tricks, hosts, tricks).map("".join)


AUTHORITIES = near_misses(AUTHORITY)
VALUES = near_misses(AUTHORITY + "/?# \t")
SUBDOMAINS = st.from_regex(
    r"(\*\.)?([a-zA-Z0-9-]{1,4}\.){0,3}example\.com\.?(:[0-9]{1,5})?", fullmatch=True
)

ALLOWED = {
    "exact": ("example.com", "example.com"),
    "case of the header": ("example.com", "EXAMPLE.Com"),
    "case of the pattern": ("EXAMPLE.com", "example.com"),
    "one of several": ("a.example,b.example", "b.example"),
    "blanks around": (" a.example , b.example ", "\tb.example "),
    "trailing dot of the header": ("example.com", "example.com."),
    "trailing dot of the pattern": ("example.com.", "example.com"),
    "subdomain": ("*.example.com", "www.example.com"),
    "deep subdomain": ("*.example.com", "a.b.c.example.com"),
    "subdomain that repeats the apex": ("*.example.com", "example.com.example.com"),
    "wildcard and apex": ("*.example.com,example.com", "example.com"),
    "origin": ("example.com", "https://example.com"),
    "origin with a port": ("example.com", "https://example.com:8443"),
    "referer": ("example.com", "https://example.com/a/b?c=d@e#f"),
    "referer with an @ in its path": ("example.com", "https://example.com/@evil.net"),
    "other scheme": ("example.com", "capacitor+app://example.com"),
    "any port": ("example.com", "example.com:8443"),
    "port asked for": ("example.com:8443", "example.com:8443"),
    "port of a URL": ("example.com:8443", "https://example.com:8443/x"),
    "port of https": ("example.com:443", "https://example.com"),
    "port of http": ("example.com:80", "HTTP://example.com/"),
    "port of wss": ("example.com:443", "wss://example.com"),
    "port of ws": ("example.com:80", "ws://example.com"),
    "port of a wildcard": ("*.example.com:8443", "www.example.com:8443"),
    "IDNA header": ("xn--bcher-kva.example", "bücher.example"),
    "IDNA pattern": ("bücher.example", "xn--bcher-kva.example"),
    "IDNA case": ("bücher.example", "BÜCHER.example"),
    "IDNA decomposed": ("bücher.example", "bu\u0308cher.example"),
    "IDNA full stop": ("bücher.example", "bücher。example"),
    "IDNA wildcard": ("*.bücher.example", "https://www.bücher.example"),
    "IPv4": ("192.0.2.1", "http://192.0.2.1:8080/"),
    "IPv6": ("[2001:db8::1]", "http://[2001:DB8:0:0::1]:8080/"),
    "IPv6 with its port": ("[::1]:8080", "[::1]:8080"),
    "single label": ("localhost", "http://localhost:3000"),
    "underscore": ("my_app.example", "my_app.example"),
    "longest host": (LONGEST, LONGEST),
    "unrestricted, no header": ("", None),
    "unrestricted, any header": (" , ", "not a host"),
}
FORBIDDEN = {
    "no header": ("example.com", None),
    "empty header": ("example.com", ""),
    "blank header": ("example.com", "  "),
    "other domain": ("example.com", "evil.net"),
    "suffix": ("example.com", "evilexample.com"),
    "prefix": ("example.com", "example.com.evil.net"),
    "user name": ("example.com", "example.com@evil.net"),
    "user name in a URL": ("example.com", "https://example.com@evil.net/"),
    "password in a URL": ("example.com", "https://example.com:80@evil.net"),
    "user name before the right host": ("example.com", "https://evil.net@example.com"),
    "host in the path": ("example.com", "https://evil.net/example.com"),
    "host in the query": ("example.com", "https://evil.net?example.com"),
    "host in the fragment": ("example.com", "https://evil.net#example.com"),
    "backslash": ("example.com", "https://evil.net\\@example.com"),
    "backslash after": ("example.com", "https://example.com\\.evil.net"),
    "URL without a host": ("example.com", "https:///example.com"),
    "no scheme": ("example.com", "//example.com"),
    "one slash": ("example.com", "https:/example.com"),
    "path without a scheme": ("example.com", "example.com/"),
    "list": ("example.com", "example.com, evil.net"),
    "two hosts": ("example.com", "example.com evil.net"),
    "line break": ("example.com", "example.com\nevil.net"),
    "NUL": ("example.com", "example.com\0.evil.net"),
    "two trailing dots": ("example.com", "example.com.."),
    "subdomain of an exact host": ("example.com", "www.example.com"),
    "apex of a wildcard": ("*.example.com", "example.com"),
    "dotted apex of a wildcard": ("*.example.com", ".example.com"),
    "suffix of a wildcard": ("*.example.com", "evilexample.com"),
    "wildcard not at the end": ("*.example.com", "www.example.com.evil.net"),
    "wildcard as a header": ("*.example.com", "*.example.com"),
    "other port": ("example.com:8443", "example.com:443"),
    "no port": ("example.com:443", "example.com"),
    "port of another scheme": ("example.com:443", "http://example.com"),
    "port 0": ("example.com", "example.com:0"),
    "port too high": ("example.com", "example.com:65536"),
    "port of six digits": ("example.com", "example.com:000443"),
    "port missing": ("example.com", "example.com:"),
    "port in other digits": ("example.com", "example.com:٤٤٣"),
    "look-alike": ("example.com", "\u0435xample.com"),
    "other address": ("[::1]", "[::2]"),
    "address without brackets": ("[::1]", "::1"),
    "address with a zone": ("[fe80::1]", "[fe80::1%eth0]"),
    "null": ("example.com", "null"),
    "undecodable bytes": ("example.com", "example.com\udcff"),
    "longer than any host": (LONGEST, f"{LONGEST}a"),
}
REFUSED = [
    "*",
    "*.",
    "x.*",
    "www.*.com",
    "*.*.example.com",
    "*example.com",
    "**.example.com",
    "http://example.com",
    "//example.com",
    "example.com/path",
    "example.com?query",
    "user@example.com",
    "exa mple.com",
    "a.example b.example",
    '"example.com"',
    "'example.com'",
    "example.com;b.example",
    ".example.com",
    "example..com",
    "-example.com",
    "example-.com",
    "example.com:",
    "example.com:0",
    "example.com:65536",
    "example.com:http",
    ":80",
    "::1",
    "[::1",
    "[::g]",
    "[192.0.2.1]",
    '[::1%" x]',
    "*.[::1]",
    "*.192.0.2.1",
    "bü cher.example",
    "\u200b.example",
    "ex\0ample.com",
    "a" * 64 + ".example",
    LONGEST + "a",
]


def headers(value):
    return () if value is None else (value,)


@pytest.mark.parametrize(("domains", "header"), ALLOWED.values(), ids=ALLOWED)
def test_a_covered_domain_is_allowed(domains, header):
    assert is_allowed(parse_domains(domains), headers(header))


@pytest.mark.parametrize(("domains", "header"), FORBIDDEN.values(), ids=FORBIDDEN)
def test_any_other_domain_is_forbidden(domains, header):
    assert not is_allowed(parse_domains(domains), headers(header))


@pytest.mark.parametrize("second", ["example.com", "", "evil.net"])
def test_two_headers_are_forbidden_whatever_they_say(second):
    assert not is_allowed(("example.com",), ("example.com", second))


@pytest.mark.parametrize("pattern", REFUSED, ids=ascii)
def test_what_is_no_domain_is_refused(pattern):
    with pytest.raises(InvalidInputError, match="is not a domain") as caught:
        parse_domains(f"example.com, {pattern}")
    assert caught.value.hint


@pytest.mark.parametrize(
    ("text", "patterns"),
    [
        ("", ()),
        (" ,, ", ()),
        ("b.example,a.example", ("b.example", "a.example")),
        ("A.example, a.example., a.EXAMPLE", ("a.example",)),
        ("*.BÜCHER.example:08443", ("*.xn--bcher-kva.example:8443",)),
        ("[2001:DB8:0::1]:80", ("[2001:db8::1]:80",)),
    ],
)
def test_a_list_is_normalised_in_its_order_without_repeats(text, patterns):
    assert parse_domains(text) == patterns


def test_a_key_has_only_so_many_domains():
    most = [f"host-{number}.example" for number in range(MOST_DOMAINS)]
    assert parse_domains(",".join([*most, most[0]])) == tuple(most)
    with pytest.raises(InvalidInputError, match="101 allowed domains"):
        parse_domains(",".join([*most, "example.com"]))


@given(any_text | st.lists(VALUES | SUBDOMAINS, max_size=2).map(",".join))
@deterministic
def test_normalising_is_idempotent_and_leaves_only_plain_patterns_that_match_themselves(text):
    try:
        patterns = parse_domains(text)
    except InvalidInputError:
        event("refused")
        return
    event("accepted" if patterns else "blank")
    assert parse_domains(",".join(patterns)) == patterns
    for pattern in patterns:
        assert re.fullmatch(r"(\*\.)?([a-z0-9._-]+|\[[0-9a-f:.]+\])(:[0-9]+)?", pattern)
        assert is_allowed((pattern,), [pattern]) is not pattern.startswith("*")


@given(any_text | VALUES)
@deterministic
def test_any_header_names_one_plain_host_or_none(value):
    host = parse_client_domain(value)
    assert host is None or re.fullmatch(r"[a-z0-9._-]+|\[[0-9a-f:.]+\]", host.name)


@given(VALUES | SUBDOMAINS)
@deterministic
def test_a_wildcard_matches_only_what_ends_in_its_dotted_apex(value):
    is_subdomain = is_allowed(("*.example.com",), [value])
    event(f"subdomain: {is_subdomain}")
    name = re.sub(r":[0-9]+$", "", value.strip(" \t").lower()).removesuffix(".")
    assert not is_subdomain or re.fullmatch(r"[a-z0-9._-]+\.example\.com", name)


@given(
    st.sampled_from(["http", "https", "WSS", "app+x"]),
    AUTHORITIES | SUBDOMAINS,
    st.just("") | st.tuples(st.sampled_from("/?#"), VALUES, st.just("x")).map("".join),
)
@deterministic
def test_a_url_is_worth_exactly_what_its_host_is_worth(scheme, host, tail):
    bare = parse_client_domain(host)
    url = parse_client_domain(f"{scheme}://{host}{tail}")
    event(f"a host: {bare is not None}")
    assert (url and url.name) == (bare and bare.name)
