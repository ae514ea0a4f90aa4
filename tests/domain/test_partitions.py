import pytest

from apimctl.domain.partitions import parse_partitions
from apimctl.errors import InvalidInputError

READ = {
    "": {},
    "  ": {},
    "A:foo.com": {"FOO.COM": "A"},
    "A:foo.com, B:bar.com": {"FOO.COM": "A", "BAR.COM": "B"},
    " A : foo.com ,B:Bar-1_x.com": {"FOO.COM": "A", "BAR-1_X.COM": "B"},
    "A:foo.com,A:baz.com,Z:9": {"FOO.COM": "A", "BAZ.COM": "A", "9": "Z"},
}


@pytest.mark.parametrize(("text", "letters"), READ.items())
def test_user_stores_have_letters(text, letters):
    assert parse_partitions(text) == letters


REFUSED = {
    "foo.com": "'foo.com' is no partition",
    "A:foo.com,": "'' is no partition",
    ",": "'' is no partition",
    "A:foo.com B:bar.com": "'foo.com B:bar.com' cannot be the domain of a user store",
    "A:foo.com;B:bar.com": "'foo.com;B:bar.com' cannot be the domain of a user store",
    "a:foo.com": "'a' names no partition",
    "AB:foo.com": "'AB' names no partition",
    "0:foo.com": "'0' names no partition",
    "Ä:foo.com": "'Ä' names no partition",
    ":foo.com": "'' names no partition",
    "A:": "'' cannot be the domain of a user store",
    "A:foo/bar": "'foo/bar' cannot be the domain of a user store",
    "A:föö.com": "'föö.com' cannot be the domain of a user store",
    "A:.com": "'.com' cannot be the domain of a user store",
    f"A:{'x' * 256}": f"'{'x' * 77}...' cannot be the domain of a user store",
    "A:foo.com,B:FOO.com": "FOO.COM stands there twice",
    "A:foo.com,A:foo.com": "FOO.COM stands there twice",
    "A:primary": "PRIMARY has no partition of its own: its tokens are in the base tables",
}


@pytest.mark.parametrize(("text", "message"), REFUSED.items())
def test_what_cannot_be_says_why(text, message):
    with pytest.raises(InvalidInputError) as caught:
        parse_partitions(text)
    assert caught.value.message == message
    assert caught.value.hint
