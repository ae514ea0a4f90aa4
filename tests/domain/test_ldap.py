from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st
from sansldap import FilterEquality, LDAPFilter

from apimctl.domain.ldap import (
    LdapSettings,
    check_settings,
    escape_dn_value,
    escape_filter_value,
)
from apimctl.errors import InvalidInputError

TEMPLATE = "uid={},ou=people,dc=foo,dc=com"
GOOD = LdapSettings("ldaps://ldap.foo.com", user_dn_template=TEMPLATE)
SEARCH = replace(GOOD, user_dn_template="", search_base="dc=foo,dc=com")


@given(st.text())
def test_a_name_in_a_filter_is_a_value_and_nothing_else(name):
    parsed = LDAPFilter.from_string(SEARCH.user_filter(name)) if name else None
    assert parsed is None or parsed == FilterEquality("uid", name.encode())


@given(st.text())
def test_what_is_escaped_is_plain_and_can_be_read_back(text):
    for escaped in (escape_dn_value(text), escape_filter_value(text)):
        assert set(escaped) <= set("\\0123456789") | set(map(chr, range(65, 123)))
        octets = escaped.encode().decode("unicode_escape") if "\\" not in escaped else None
        assert octets in {None, text}


@pytest.mark.parametrize(
    ("text", "escaped"),
    [
        ("alice", "alice"),
        ("a,b", "a\\2cb"),
        ("*", "\\2a"),
        (")(", "\\29\\28"),
        ("\\", "\\5c"),
        ("\0", "\\00"),
        ("#x", "\\23x"),
        (" x ", "\\20x\\20"),
        ("\u00fc", "\\c3\\bc"),
    ],
)
def test_whatever_is_no_letter_or_digit_is_written_as_its_octets(text, escaped):
    assert escape_dn_value(text) == escape_filter_value(text) == escaped


def test_templates_are_filled_in_wherever_they_have_a_place():
    asked = replace(
        SEARCH,
        search_filter="(|(uid={})(mail={}))",
        group_filter="(|(member={})(memberUid={name}))",
    )
    assert GOOD.user_dn("a,b") == "uid=a\\2cb,ou=people,dc=foo,dc=com"
    assert asked.user_filter("{}") == "(|(uid=\\7b\\7d)(mail=\\7b\\7d))"
    assert asked.groups_filter("uid={name}", "{}") == (
        "(|(member=uid\\3d\\7bname\\7d)(memberUid=\\7b\\7d))"
    )


def test_a_name_is_not_filled_in_twice():
    """A user called {name} or {} is a value like any other."""
    asked = replace(SEARCH, group_filter="(|(memberUid={name})(member={}))")
    assert "{" not in asked.groups_filter("cn={name},{}", "{name}")


@pytest.mark.parametrize(
    ("search_filter", "attribute"),
    [
        ("(uid={})", "uid"),
        ("(&(objectClass=user)(sAMAccountName={}))", "sAMAccountName"),
        ("(userPrincipalName={}@foo.com)", None),
        ("(uid=*{}*)", None),
    ],
)
def test_the_attribute_that_holds_the_name(search_filter, attribute):
    assert replace(SEARCH, search_filter=search_filter).name_attribute == attribute


@pytest.mark.parametrize(
    ("url", "address"),
    [
        ("ldaps://ldap.foo.com", ("ldap.foo.com", 636)),
        ("ldaps://ldap.foo.com:1636/", ("ldap.foo.com", 1636)),
        ("ldap://127.0.0.1", ("127.0.0.1", 389)),
        ("ldap://[::1]:1389", ("::1", 1389)),
        ("ldap://localhost", ("localhost", 389)),
    ],
)
def test_where_a_directory_is(url, address):
    assert check_settings(replace(GOOD, url=url)).address == address


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"url": "https://ldap.foo.com"}, "not an ldap or ldaps URL"),
        ({"url": ""}, "not an ldap or ldaps URL"),
        ({"url": "ldaps://"}, "not just a host"),
        ({"url": "ldaps://a..b"}, "not just a host"),
        ({"url": "ldaps://f\u00f6\u00f6.com"}, "not just a host"),
        ({"url": "ldaps://foo.com/dc=foo??sub"}, "not just a host"),
        ({"url": "ldaps://foo.com:0"}, "not just a host"),
        ({"url": "ldaps://foo.com:99999"}, "no usable host"),
        ({"url": "ldaps://cn=x:secret@foo.com"}, "holds a user name or a password"),
        ({"url": "ldap://ldap.foo.com"}, "in clear"),
        ({"url": "ldap://127.0.0.1.foo.com"}, "in clear"),
        ({"start_tls": True}, "has TLS from the start"),
        ({"without_tls": True}, "has TLS from the start"),
        (
            {"url": "ldap://foo.com", "start_tls": True, "without_tls": True},
            "exclude each other",
        ),
        ({"search_base": "dc=foo"}, "either named by a DN template or found"),
        ({"user_dn_template": ""}, "either named by a DN template or found"),
        ({"user_dn_template": "uid=alice,dc=foo"}, "no place for the user"),
        ({"user_dn_template": "{}"}, "not a distinguished name"),
        ({"user_dn_template": "uid={},dc=\n"}, "control characters"),
        ({"search_filter": "(uid=alice)"}, "no place for the user"),
        ({"group_filter": "(member=x)"}, "no place for the user"),
        ({"group_base": "groups"}, "not a distinguished name"),
        ({"group_attribute": "c n"}, "no name of an attribute"),
        ({"timeout_seconds": 61}, "too long"),
    ],
)
def test_settings_that_make_no_sense(changes, said):
    with pytest.raises(InvalidInputError, match=said) as raised:
        check_settings(replace(GOOD, **changes))
    assert "secret" not in raised.value.message + raised.value.hint


@pytest.mark.parametrize("how", ["start_tls", "without_tls"])
def test_how_a_plain_url_may_leave_the_machine(how):
    check_settings(replace(GOOD, url="ldap://ldap.foo.com", **{how: True}))
