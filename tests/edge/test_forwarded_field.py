"""`Forwarded` as RFC 7239 has it, and as it is written."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from apimctl.edge.forwarded_field import node, parse, write

READ = {
    "": [],
    " , ,": [],
    ";;": [],
    "for=192.0.2.60;proto=http;by=203.0.113.43": [
        {"for": "192.0.2.60", "proto": "http", "by": "203.0.113.43"}
    ],
    "for=192.0.2.43, for=198.51.100.17": [{"for": "192.0.2.43"}, {"for": "198.51.100.17"}],
    'For="[2001:db8:cafe::17]:4711"': [{"for": "[2001:db8:cafe::17]:4711"}],
    "for=[2001:db8::1]:80 ; proto=https": [{"for": "[2001:db8::1]:80", "proto": "https"}],
    "for=_hidden, for=unknown": [{"for": "_hidden"}, {"for": "unknown"}],
    r'for="a, b;c=\"d\\";host=x': [{"for": r'a, b;c="d' + "\\", "host": "x"}],
    "for=;proto=http": [{"for": "", "proto": "http"}],
    "for=a;;proto=b,": [{"for": "a", "proto": "b"}],
}


@pytest.mark.parametrize(("line", "elements"), READ.items())
def test_elements_are_read_in_order(line, elements):
    assert parse(line) == elements


BROKEN = [
    'for="open',
    'for="open, for=192.0.2.1',
    'for="a\\',
    "for",
    "for = a",
    "for=a b",
    'for=a"b"',
    'for="a"b',
    "for=a;for=a",
    "for=a;FOR=b",
    "=a",
    "é=a",
]


@pytest.mark.parametrize("line", BROKEN)
def test_what_breaks_the_rules_says_nothing(line):
    assert parse(line) is None


def test_an_address_becomes_a_node():
    assert [node(each) for each in ("192.0.2.1", "2001:db8::1", None)] == [
        "192.0.2.1",
        "[2001:db8::1]",
        "unknown",
    ]


def test_long_lines_are_read_in_a_moment():
    assert parse('for="' + "\\" * 100_001) is None
    assert len(parse("for=a," * 10_000)) == 10_000
    assert parse(" " * 100_000 + "x") is None


NAMES = st.sampled_from(["for", "by", "host", "proto", "x-y"])
VALUES = st.text(st.characters(codec="latin-1", exclude_characters="\r\n\0"))


@given(st.lists(st.dictionaries(NAMES, VALUES, min_size=1)))
def test_what_is_written_is_read_again(elements):
    assert parse(", ".join(map(write, elements))) == elements
