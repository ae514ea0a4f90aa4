import pytest

from apimctl.domain.userstores import UserStoreType
from apimctl.errors import ConflictError, InvalidInputError, StoreUnreadableError
from apimctl.services import directory_users, users, userstores
from apimctl.services.userstores import LdapForm
from apimctl.tables import access_tokens

LDAP = UserStoreType.LDAP
TEMPLATE = "uid={},dc=foo,dc=com"
URL = "ldaps://ldap.foo.com"


@pytest.fixture
def foo(desk):
    return desk.userstore("foo.com", LDAP, url=URL, user_dn_template=TEMPLATE)


def admit(desk, store, name="alice", groups=None):
    return directory_users.admit(desk.db, store, name=name, groups=groups, **desk.moment)


def test_a_directory_is_asked_about_its_own_users_only(desk, foo):
    desk.userstore("bar.com")
    assert directory_users.directory_of(desk.db, "Foo.com/a  b ") == directory_users.Typed(
        foo, "a b"
    )
    for name in ("alice", "PRIMARY/alice", "BAR.COM/alice", "BAZ.COM/alice", "FOO.COM"):
        assert directory_users.directory_of(desk.db, name) is None


def test_a_user_is_known_from_the_first_log_in_on(desk, foo):
    alice = admit(desk, foo)
    assert (alice.qualified_name, alice.password_hash) == ("FOO.COM/alice", None)
    assert admit(desk, foo, "ALICE ") == alice
    assert users.require(desk.db, "foo.com/Alice") == alice
    assert not users.is_password(alice, "")
    entries = desk.db.execute("SELECT action, actor FROM audit_entry").fetchall()
    assert entries == [("user.create", "FOO.COM/alice")]


@pytest.mark.parametrize("name", ["a/b", "a:b", "", "x" * 256, "a\u200bb"])
def test_some_names_a_user_cannot_have(desk, foo, name):
    assert admit(desk, foo, name) is None


def test_nobody_is_let_into_a_store_that_is_gone(desk, foo):
    users.delete_store(desk.db, "FOO.COM", with_users=False)
    assert admit(desk, foo) is None
    desk.userstore("FOO.COM")
    assert admit(desk, foo) is None


def test_groups_are_roles_with_their_user_store_from_log_in_to_log_in(desk, foo):
    alice = admit(desk, foo, groups=["writer", "admin", "two words", "a,b", "", " x", "y\n"])
    assert users.roles_of(desk.db, alice) == ("FOO.COM/admin", "FOO.COM/writer")
    admit(desk, foo, groups=["writer", "x" * 248])
    assert users.roles_of(desk.db, alice) == ("FOO.COM/writer",)
    admit(desk, foo, groups=None)
    assert users.roles_of(desk.db, alice) == ("FOO.COM/writer",)
    admit(desk, foo, groups=[])
    assert users.roles_of(desk.db, alice) == ()


def test_a_log_in_leaves_the_roles_that_were_given_here(desk, foo):
    alice = admit(desk, foo)
    users.set_roles(desk.db, alice, ["mine", "FOO.COM/old", "FOO.COMMON/x", "BAR.COM/boss"])
    admit(desk, foo, groups=["writer"])
    assert users.roles_of(desk.db, alice) == (
        "BAR.COM/boss",
        "FOO.COM/writer",
        "FOO.COMMON/x",
        "mine",
    )


def test_a_user_of_a_directory_is_changed_there_but_can_go_here(desk, foo):
    alice = admit(desk, foo)
    issued = desk.log_in(desk.generate().key, alice.id)
    with pytest.raises(ConflictError, match="live in its directory"):
        users.set_password_hash(desk.db, "FOO.COM/alice", "x")
    with pytest.raises(ConflictError, match="live in its directory"):
        users.rename(desk.db, "FOO.COM/alice", "alicia")
    with pytest.raises(ConflictError, match="live in its directory"):
        desk.user("FOO.COM/bob")
    users.delete(desk.db, "FOO.COM/Alice")
    assert access_tokens.get(desk.db, issued.token.id) is None
    assert admit(desk, foo).id != alice.id


def test_settings_are_kept_and_changed(desk, foo):
    changed = userstores.update(
        desk.db,
        "foo.com",
        LdapForm(user_dn_template="", search_base="dc=foo", timeout_seconds=9),
        sealed_bind_password=None,
    )
    assert userstores.require(desk.db, "FOO.COM") == changed
    assert (changed.ldap.url, changed.ldap.search_base) == (URL, "dc=foo")
    assert changed.ldap.timeout_seconds == 9


def test_bind_dn_and_password_come_and_go_together(desk, foo):
    for form, sealed in ((LdapForm(bind_dn="cn=x"), None), (LdapForm(), "sealed")):
        with pytest.raises(InvalidInputError, match="belong together"):
            userstores.update(desk.db, "FOO.COM", form, sealed_bind_password=sealed)
    named = LdapForm(bind_dn="cn=x")
    store = userstores.update(desk.db, "FOO.COM", named, sealed_bind_password="sealed")
    assert store.sealed_bind_password == "sealed"
    assert "sealed" not in repr(store).replace("sealed_bind", "")
    kept = userstores.update(desk.db, "FOO.COM", LdapForm(url=URL), sealed_bind_password=None)
    assert kept.sealed_bind_password == "sealed"
    gone = userstores.update(desk.db, "FOO.COM", LdapForm(bind_dn=""), sealed_bind_password=None)
    assert gone.sealed_bind_password is None


def test_a_bind_password_is_one_stores_alone(desk, foo, store_path):
    sealed = userstores.seal_bind_password(store_path, "foo.com", "magnifier")
    named = LdapForm(bind_dn="cn=x")
    store = userstores.update(desk.db, "FOO.COM", named, sealed_bind_password=sealed)
    assert userstores.unseal_bind_password(store_path, store) == "magnifier"
    other = desk.userstore(
        "bar.com", LDAP, sealed=sealed, url=URL, user_dn_template=TEMPLATE, bind_dn="cn=x"
    )
    with pytest.raises(StoreUnreadableError):
        userstores.unseal_bind_password(store_path, other)


@pytest.mark.parametrize(
    ("form", "said"),
    [
        ({"search_filter": "(uid={}"}, "search filter cannot be read"),
        ({"search_filter": "(&(a=b)(uid={}))(x=y)"}, "search filter cannot be read"),
        ({"group_filter": "member={})"}, "group filter cannot be read"),
        ({"ca_file": "/nowhere/ca.pem"}, "CA file /nowhere/ca.pem cannot be used: No such file"),
        ({"ca_file": __file__}, "cannot be used: no certificate is in it"),
    ],
)
def test_what_cannot_be_is_said_at_once(desk, form, said):
    with pytest.raises(InvalidInputError, match=said):
        desk.userstore("foo.com", LDAP, **{"url": URL, "user_dn_template": TEMPLATE, **form})
