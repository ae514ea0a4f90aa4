import pytest

PASSWORD = "correct horse"
FIELDS = ["name", "userstore", "has_password", "roles", "created_at"]


def create(cli, name="alice"):
    return cli.data("user", "create", name, "--password-stdin", stdin=f"{PASSWORD}\n")


def test_the_life_of_a_user(cli):
    made = create(cli)
    assert list(made) == FIELDS
    assert (made["name"], made["userstore"], made["has_password"]) == ("alice", "PRIMARY", True)
    assert [row["name"] for row in cli.data("user", "list")] == ["admin", "alice"]
    renamed = cli.data("user", "update", "alice", "--name", "alicia")
    assert renamed == {**made, "name": "alicia"}
    assert cli.data("user", "show", "alicia") == renamed
    result = cli.ok("user", "password", "alicia", "--password-stdin", stdin="staple")
    assert "this password is short: 8 characters or more resist" in result.stderr
    cli.ok("user", "delete", "alicia", "--yes")
    assert cli.ok("user", "list", "--format", "value").stdout == "admin\n"


def test_roles_replace_those_a_user_has(cli):
    assert cli.data("user", "show", "admin")["roles"] == ["admin"]
    roles = ("--role", "clerk", "--role", "boss", "--role", "clerk")
    made = cli.data("user", "create", "alice", *roles, "--password-stdin", stdin=PASSWORD)
    assert made["roles"] == ["boss", "clerk"]
    assert [row["roles"] for row in cli.data("user", "list")] == [["admin"], ["boss", "clerk"]]
    renamed = cli.data("user", "update", "alice", "--name", "alicia")
    assert (renamed["name"], renamed["roles"]) == ("alicia", ["boss", "clerk"])
    both = cli.data("user", "update", "alicia", "--name", "alice", "--role", "FOO.COM/Käufer")
    assert (both["name"], both["roles"]) == ("alice", ["FOO.COM/Käufer"])
    assert cli.data("user", "update", "alice", "--role", "")["roles"] == []
    for wrong in ("two words", "a,b", "a\u00a0b", "a\u200b", "x" * 256):
        assert cli("user", "update", "alice", "--role", wrong).code == 6
    assert cli.data("user", "show", "alice")["roles"] == []


def test_a_password_is_in_no_output_and_in_no_file(cli):
    result = cli.ok("user", "create", "alice", "--password-stdin", stdin=PASSWORD)
    assert PASSWORD not in result.stdout + result.stderr
    for file in cli.store.parent.iterdir():
        assert PASSWORD.encode() not in file.read_bytes()


def test_a_password_is_asked_for_twice_at_a_terminal_and_not_shown(cli):
    answers = [("password: ", f"{PASSWORD}\n"), ("password, again: ", f"{PASSWORD}\n")]
    code, seen = cli.at_terminal("user", "create", "alice", answers=answers)
    assert code == 0
    assert PASSWORD not in seen
    assert cli.data("user", "show", "alice")["has_password"]


def test_two_entries_that_differ_make_nobody(cli):
    answers = [("password: ", "one\n"), ("password, again: ", "two\n")]
    code, seen = cli.at_terminal("user", "create", "alice", answers=answers)
    assert code == 6
    assert "the two entries of the password differ" in seen
    assert cli("user", "show", "alice").code == 3


@pytest.mark.parametrize("arguments", [(), ("--no-input",)])
def test_without_terminal_or_stdin_option_the_password_is_missing(cli, arguments):
    result = cli("user", "create", "alice", *arguments, stdin="not asked for")
    assert (result.code, result.stdout) == (2, "")
    assert "the password is missing" in result.stderr
    assert "--password-stdin" in result.stderr


def test_no_input_is_obeyed_at_a_terminal(cli):
    code, seen = cli.at_terminal("user", "create", "alice", "--no-input")
    assert code == 2
    assert "--password-stdin" in seen


@pytest.mark.parametrize(
    ("arguments", "stdin", "code"),
    [
        (("create", "admin", "--password-stdin"), PASSWORD, 5),
        (("create", "alice", "--password-stdin"), "", 6),
        (("create", "alice", "--password-stdin"), "\n", 6),
        (("create", "alice", "--password-stdin"), "x" * 2000, 6),
        (("create", "a:b", "--password-stdin"), PASSWORD, 6),
        (("create", "NO.ONE/b", "--password-stdin"), PASSWORD, 3),
        (("show", "nobody"), "", 3),
        (("password", "nobody", "--password-stdin"), PASSWORD, 3),
        (("update", "admin", "--name", "root"), "", 4),
        (("update", "admin"), "", 2),
        (("delete", "admin", "--yes"), "", 4),
    ],
)
def test_what_cannot_be(cli, arguments, stdin, code):
    result = cli("user", *arguments, stdin=stdin)
    assert (result.code, result.stdout) == (code, "")
    assert "hint:  " in result.stderr
