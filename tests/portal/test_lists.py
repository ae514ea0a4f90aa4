from dataclasses import replace

import pytest

from apimctl.portal.lists import LONGEST_SEARCH, Asked, read_number


@pytest.mark.parametrize("text", ["", "-1", "+1", "1.0", "1 ", "\u0661", "\u00b2", "1000", "x"])
def test_what_is_no_number_is_none(text):
    assert read_number(text, most_digits=3) is None


@pytest.mark.parametrize(("text", "number"), [("0", 0), ("007", 7), ("999", 999)])
def test_a_number_is_read(text, number):
    assert read_number(text, most_digits=3) == number


def test_a_list_is_asked_for_in_its_address_or_by_one_of_its_forms(visit):
    query = {"q": " cats ", "page": "3"}
    assert Asked.of(replace(visit, query=query)) == Asked("cats", 3)
    assert Asked.of(replace(visit, fields=query)) == Asked("cats", 3)
    assert Asked.of(visit) == Asked("", 1)
    assert Asked.of(replace(visit, query={"q": "x" * 999, "page": "two"})) == Asked(
        "x" * LONGEST_SEARCH, 1
    )


@pytest.mark.parametrize(
    ("asked", "query"),
    [
        (Asked("", 1), ""),
        (Asked("a&b", 1), "?q=a%26b"),
        (Asked("", 2), "?page=2"),
        (Asked("x", 2), "?q=x&page=2"),
    ],
)
def test_what_is_asked_for_can_be_asked_for_again(asked, query):
    assert asked.query == query
