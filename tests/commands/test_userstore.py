import pytest

PASSWORD = "correct horse"
FIELDS = ["domain", "type", "users", "settings", "has_bind_password", "created_at"]


def test_the_life_of_a_built_in_user_store(cli):
    made = cli.data("userstore", "create", "foo.com")
    assert list(made) == FIELDS
    assert (made["domain"], made["type"], made["users"]) == ("FOO.COM", "built-in", 0)
    create = ("user", "create", "alice", "--userstore", "Foo.com", "--password-stdin")
    alice = cli.data(*create, stdin=PASSWORD)
    assert (alice["name"], alice["userstore"]) == ("FOO.COM/alice", "FOO.COM")
    cli.ok("user", "create", "alice", "--password-stdin", stdin=PASSWORD)
    listed = cli.ok("user", "list", "--userstore", "foo.com", "--format", "value")
    assert listed.stdout == "FOO.COM/alice\n"
    names = [row["name"] for row in cli.data("user", "list")]
    assert names == ["FOO.COM/alice", "admin", "alice"]
    assert cli.data("user", "show", "foo.com/alice") == alice
    assert cli.data("userstore", "show", "FOO.com") == {**made, "users": 1}
    assert [row["domain"] for row in cli.data("userstore", "list")] == ["PRIMARY", "FOO.COM"]
    refused = cli("userstore", "delete", "FOO.COM", "--yes")
    assert refused.code == 5
    assert "FOO.COM has 1 user" in refused.stderr
    assert "--with-users" in refused.stderr
    cli.ok("userstore", "delete", "FOO.COM", "--with-users", "--yes")
    assert cli("user", "show", "FOO.COM/alice").code == 3
    assert cli("userstore", "show", "FOO.COM").code == 3
    assert cli.data("user", "show", "alice")["userstore"] == "PRIMARY"


def test_a_user_of_a_user_store_goes_by_the_qualified_name_everywhere(cli):
    cli.ok("userstore", "create", "FOO.COM")
    cli.ok("user", "create", "FOO.COM/alice", "--password-stdin", stdin=PASSWORD)
    cli.ok("user", "password", "foo.com/alice", "--password-stdin", stdin="another horse")
    assert cli.data("app", "create", "shop", "--owner", "FOO.COM/alice")["owner"] == "FOO.COM/alice"
    assert cli.data("app", "list", "--owner", "foo.com/alice")[0]["name"] == "shop"
    renamed = cli.data("user", "update", "FOO.COM/alice", "--name", "alicia")
    assert renamed["name"] == "FOO.COM/alicia"
    cli.ok("app", "delete", "shop", "--yes")
    cli.ok("user", "delete", "FOO.COM/alicia", "--yes")


@pytest.mark.parametrize(
    ("arguments", "code"),
    [
        (("create", "PRIMARY"), 5),
        (("create", "foo/bar"), 6),
        (("create", "FOO.COM", "--type", "sql"), 2),
        (("create", "FOO.COM", "--type", "ldap"), 2),
        (("create", "FOO.COM", "--type", "built-in", "--url", "ldaps://ldap.foo.com"), 6),
        (("show", "FOO.COM"), 3),
        (("update", "PRIMARY", "--url", "ldaps://ldap.foo.com"), 4),
        (("update", "PRIMARY"), 2),
        (("delete", "FOO.COM", "--yes"), 3),
        (("delete", "PRIMARY", "--yes"), 4),
    ],
)
def test_what_cannot_be(cli, arguments, code):
    result = cli("userstore", *arguments)
    assert (result.code, result.stdout) == (code, "")
    assert "hint:  " in result.stderr
