import pytest

from apimctl.domain.models import PRIMARY
from apimctl.domain.userstores import (
    PRIMARY_STORE,
    UserStore,
    UserStoreType,
    check_domain,
    qualify,
    split_name,
)
from apimctl.errors import InvalidInputError

DIRECTORY = UserStore("FOO.COM", UserStoreType.LDAP, created_at=1)


@pytest.mark.parametrize("text", ["foo.com", " Foo.Com ", "FOO.COM"])
def test_domains_are_written_in_capitals(text):
    assert check_domain(text) == "FOO.COM"


@pytest.mark.parametrize(
    "text", ["", " ", "foo/bar", "foo:bar", "foo bar", ".foo", "foo.", "föö.com", "x" * 65, "a\0b"]
)
def test_what_is_no_domain(text):
    with pytest.raises(InvalidInputError):
        check_domain(text)


@pytest.mark.parametrize(
    ("text", "split"),
    [
        ("alice", (PRIMARY, "alice")),
        ("foo.com/alice", ("FOO.COM", "alice")),
        ("primary/alice", (PRIMARY, "alice")),
        ("FOO.COM/bar/alice", ("FOO.COM", "bar/alice")),
        ("/alice", ("", "alice")),
        ("FOO.COM/", ("FOO.COM", "")),
    ],
)
def test_a_name_may_carry_its_user_store(text, split):
    assert split_name(text) == split


def test_the_user_store_may_be_named_apart_and_twice_if_it_is_the_same():
    assert qualify("alice", None) == "alice"
    assert qualify("alice", "foo.com") == "foo.com/alice"
    assert qualify("FOO.COM/alice", "foo.com") == "foo.com/alice"
    for name in ("BAR.COM/alice", "PRIMARY/alice"):
        with pytest.raises(InvalidInputError):
            qualify(name, "FOO.COM")


@pytest.mark.parametrize("typed", ["alice", "Alice", " ALICE", "\uff41lice", "alice\u00a0"])
def test_a_directory_has_one_user_of_a_name_however_it_is_typed(typed):
    assert DIRECTORY.name_of(typed) == "alice"
    assert PRIMARY_STORE.name_of(typed) == typed
