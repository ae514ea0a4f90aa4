import pytest

from apimctl.domain.models import PRIMARY
from apimctl.domain.userstores import UserStoreType
from apimctl.errors import ConflictError, DeniedError, InvalidInputError, NotFoundError
from apimctl.services import applications, users, userstores
from apimctl.services.userstores import LdapForm
from apimctl.tables import access_tokens


@pytest.fixture
def foo(desk):
    return desk.userstore("foo.com")


def test_primary_is_always_there(desk):
    assert [store.domain for store in userstores.list_all(desk.db)] == [PRIMARY]
    assert userstores.require(desk.db, "primary").domain == PRIMARY
    with pytest.raises(ConflictError):
        desk.userstore("Primary")
    with pytest.raises(DeniedError):
        users.delete_store(desk.db, PRIMARY, with_users=True)
    with pytest.raises(DeniedError):
        userstores.update(desk.db, PRIMARY, LdapForm(url="x"), sealed_bind_password=None)


def test_a_user_store_is_found_whatever_the_case(desk, foo):
    assert foo.domain == "FOO.COM"
    assert userstores.require(desk.db, "Foo.com") == foo
    assert [store.domain for store in userstores.list_all(desk.db)] == [PRIMARY, "FOO.COM"]
    with pytest.raises(ConflictError):
        desk.userstore("FOO.com")
    with pytest.raises(NotFoundError):
        userstores.require(desk.db, "BAR.COM")


def test_two_stores_may_have_a_user_of_the_same_name(desk, foo):
    here, there = desk.user("alice"), desk.user("foo.com/alice")
    assert here.id != there.id
    assert (there.name, there.userstore, there.qualified_name) == (
        "alice",
        "FOO.COM",
        "FOO.COM/alice",
    )
    assert users.find(desk.db, "alice") == here
    assert users.find(desk.db, "Foo.Com/alice") == there
    assert users.list_all(desk.db, userstore="foo.com") == [there]
    with pytest.raises(ConflictError, match=r"FOO\.COM/alice"):
        desk.user("FOO.COM/alice")


@pytest.mark.parametrize("name", ["BAR.COM/alice", "/alice"])
def test_nobody_is_of_a_user_store_that_is_not_there(desk, foo, name):
    assert users.find(desk.db, name) is None
    with pytest.raises(NotFoundError):
        desk.user(name)
    with pytest.raises(NotFoundError):
        users.list_all(desk.db, userstore="BAR.COM")


def test_another_stores_admin_is_a_user_like_any_other(desk, foo):
    desk.user("FOO.COM/admin")
    assert users.rename(desk.db, "FOO.COM/admin", "root").qualified_name == "FOO.COM/root"
    users.delete(desk.db, "FOO.COM/root")


def test_a_name_changes_within_its_user_store(desk, foo):
    desk.user("alice")
    desk.user("FOO.COM/bob")
    assert users.rename(desk.db, "FOO.COM/bob", "alice").qualified_name == "FOO.COM/alice"
    with pytest.raises(InvalidInputError):
        users.rename(desk.db, "FOO.COM/alice", "BAR.COM/alice")


def test_a_password_belongs_to_the_user_of_one_store(desk, foo):
    desk.user("alice")
    desk.user("FOO.COM/alice")
    users.set_password_hash(desk.db, "FOO.COM/alice", users.hash_password("correct horse"))
    assert users.is_password(users.require(desk.db, "FOO.COM/alice"), "correct horse")
    assert not users.is_password(users.require(desk.db, "alice"), "correct horse")


def test_a_user_of_another_store_may_own_applications(desk, foo):
    desk.user("FOO.COM/alice")
    shop = desk.application("shop", owner="foo.com/alice")
    assert shop.owner == "FOO.COM/alice"
    assert applications.resolve(desk.db, "shop", owner="FOO.COM/alice") == shop
    with pytest.raises(ConflictError, match=r"FOO\.COM/alice. owns 1 application"):
        users.delete(desk.db, "FOO.COM/alice")
    with pytest.raises(ConflictError, match="owns 1 application"):
        users.delete_store(desk.db, "FOO.COM", with_users=True)


def test_a_store_goes_with_its_users_only_if_that_is_meant(desk, foo):
    alice, key = desk.user("FOO.COM/alice"), desk.generate().key
    theirs, other = desk.log_in(key, alice.id), desk.log_in(key, "admin")
    with pytest.raises(ConflictError, match=r"FOO\.COM has 1 user"):
        users.delete_store(desk.db, "FOO.COM", with_users=False)
    users.delete_store(desk.db, "FOO.COM", with_users=True)
    assert users.find(desk.db, "FOO.COM/alice") is None
    assert access_tokens.get(desk.db, theirs.token.id) is None
    assert desk.state(other.access_token) == "ACTIVE"
    with pytest.raises(NotFoundError):
        userstores.require(desk.db, "FOO.COM")


def test_a_built_in_store_has_no_settings(desk, foo):
    for form, sealed in ((LdapForm(url="ldaps://x"), None), (LdapForm(), "sealed")):
        with pytest.raises(InvalidInputError):
            userstores.create(
                desk.db,
                "BAR.COM",
                form=form,
                store_type=UserStoreType.BUILT_IN,
                sealed_bind_password=sealed,
                now=desk.now,
            )
    with pytest.raises(DeniedError):
        userstores.update(desk.db, "FOO.COM", LdapForm(url="ldaps://x"), sealed_bind_password=None)
