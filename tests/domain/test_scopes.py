import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from apimctl.domain.models import Scope
from apimctl.domain.scopes import (
    DEFAULT_SCOPE,
    LEGACY_SCOPES,
    LONGEST_SCOPE,
    Granted,
    check_scope,
    covers,
    living,
    parse,
    permitted,
    written,
)
from apimctl.errors import InvalidInputError

from .strategies import NOW, any_text, deterministic

NAMES = st.sampled_from(["read", "write", "admin", "orders:read", "a"])
ROLES = st.lists(st.sampled_from(["clerk", "boss", "guest"]), unique=True)
TEXTS = st.lists(st.sampled_from(["read", "write", "a", "b", *sorted(LEGACY_SCOPES), ""])).map(
    " ".join
)


def scope(name, *roles):
    return Scope(name, "shop", "", roles, NOW)


SCOPES = st.lists(
    st.builds(lambda name, roles: scope(name, *roles), NAMES, ROLES), unique_by=lambda one: one.name
)


@pytest.mark.parametrize(
    "name", ["read", "orders:read", "https://a.b/c?d#e", "!", "~", "#[]", "x" * LONGEST_SCOPE]
)
def test_a_scope_token_may_be_declared(name):
    assert check_scope(name) == name


@pytest.mark.parametrize(
    "name",
    [
        *("", " ", "a b", "a\tb", "a\n", 'a"b', "a\\b", "\u00e9", "\x7f", "\ud800", "a\x00"),
        "x" * (LONGEST_SCOPE + 1),
        *sorted(LEGACY_SCOPES),
    ],
)
def test_what_is_none_or_is_ignored_anyway_may_not(name):
    with pytest.raises(InvalidInputError):
        check_scope(name)


@given(any_text)
@deterministic
def test_what_may_be_declared_is_what_rfc_6749_calls_a_scope_token(name):
    try:
        check_scope(name)
    except InvalidInputError:
        return
    assert re.fullmatch(r"[!#-\[\]-~]+", name)
    assert parse(name) == (name,)
    assert written([name]) == name


@pytest.mark.parametrize(
    ("text", "names"),
    [
        (None, ()),
        ("", ()),
        ("default", ()),
        ("PRODUCTION default SANDBOX", ()),
        ("write read", ("read", "write")),
        ("read read  read ", ("read",)),
        ("read PRODUCTION", ("read",)),
        ("Default production", ("Default", "production")),
        ("a\tb\u00a0c", ("a\tb\u00a0c",)),
    ],
)
def test_a_scope_is_read_as_names_without_order(text, names):
    assert parse(text) == names


@given(TEXTS, TEXTS)
@deterministic
def test_the_normal_form_says_the_same_whatever_the_order(text, more):
    names = parse(text)
    assert parse(written(names)) == names
    assert written(reversed([*names, *names])) == written(names)
    assert parse(f"{text} {more}") == parse(f"{more} {text}")
    assert (written(names) == DEFAULT_SCOPE) == (names == ())


@given(SCOPES, ROLES, ROLES)
@deterministic
def test_roles_narrow_and_never_widen(scopes, roles, more):
    granted = permitted(scopes, roles)
    assert set(granted.scopes) <= set(scopes)
    assert set(granted.scopes) <= set(permitted(scopes, [*roles, *more]).scopes)
    for one in scopes:
        assert (one in granted.scopes) == (not one.roles or bool({*one.roles} & {*roles}))
    assert [one.name for one in granted.scopes] == sorted(one.name for one in granted.scopes)


def test_what_was_granted_is_written_by_name():
    assert permitted([scope("write"), scope("read")], ()).text == "read write"
    assert permitted([scope("read", "boss")], ["clerk"]).text == "default"
    assert Granted().text == "default"


@given(TEXTS, st.dictionaries(st.sampled_from(["read", "write", "a"]), st.integers(0, 4)))
@deterministic
def test_a_scope_lives_as_long_as_its_declaration_and_never_grows(text, declared):
    left = living(written(parse(text)), issued_at=2, declared=declared)
    assert set(parse(left)) == {name for name in parse(text) if declared.get(name, 3) <= 2}
    assert left == written(parse(left))
    assert left == living(left, issued_at=3, declared=declared)


def test_a_scope_that_is_declared_anew_does_not_come_back():
    assert living("read write", issued_at=7, declared={"read": 7, "write": 8}) == "read"
    assert living("read", issued_at=7, declared={}) == "default"
    assert living("default", issued_at=7, declared={"default": 0}) == "default"


@pytest.mark.parametrize(
    ("text", "wanted", "is_covered"),
    [
        ("read", ("read",), True),
        ("read write", ("admin", "write"), True),
        ("read", ("write",), False),
        ("default", ("read",), False),
        ("", ("read",), False),
        ("reader", ("read",), False),
        ("read", ("reader",), False),
        ("READ", ("read",), False),
    ],
)
def test_one_of_the_names_is_enough_and_only_whole_names_count(text, wanted, is_covered):
    assert covers(text, wanted) is is_covered
