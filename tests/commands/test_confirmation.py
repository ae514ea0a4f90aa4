import pytest

DESTROYS = [
    ("api", "delete", "twitter"),
    ("api", "resource", "delete", "twitter", "--pattern", "/*"),
    ("api", "scope", "delete", "twitter", "read"),
    ("app", "delete", "shop"),
    ("subscription", "delete", "--api", "twitter"),
    ("key", "delete"),
    ("tier", "delete", "Mine"),
    ("user", "delete", "bob"),
    ("userstore", "delete", "FOO.COM"),
]


@pytest.fixture
def full(cli, api):
    """Fill the store with something to destroy of every kind."""
    cli.ok("api", "resource", "create", api, "--method", "*", "--pattern", "/*")
    cli.ok("api", "scope", "create", api, "read")
    cli.ok("subscription", "create", "--api", api)
    cli.ok("key", "generate")
    cli.ok("app", "create", "shop")
    cli.ok("tier", "create", "Mine", "--requests", "1", "--per", "1m")
    cli.ok("user", "create", "bob", "--password-stdin", stdin="correct horse")
    cli.ok("userstore", "create", "FOO.COM")
    return cli


def test_without_a_terminal_nothing_is_destroyed_and_yes_is_named(full, dump):
    before = dump()
    for arguments in DESTROYS:
        result = full(*arguments, stdin="y\n")
        assert (result.code, result.stdout) == (2, ""), arguments
        assert "Nobody can be asked here" in result.stderr
        assert "--yes" in result.stderr
        assert dump() == before


def test_at_a_terminal_a_question_is_asked_and_yes_is_an_answer(full):
    for arguments in reversed(DESTROYS):
        code, seen = full.at_terminal(*arguments, answers=[("? [y/N] ", "y\n")])
        assert code == 0, seen
        assert "deleted" in seen or "unsubscribed" in seen


@pytest.mark.parametrize("answer", ["\n", "n\n", "yeah\n", "\x04"])
def test_any_other_answer_changes_nothing(full, dump, answer):
    before = dump()
    code, seen = full.at_terminal("key", "delete", answers=[("? [y/N] ", answer)])
    assert code == 4
    assert "\nerror: not confirmed, nothing was changed\n" in seen
    assert dump() == before


def test_a_signing_key_is_not_deleted_unasked(cli):
    key_id = cli.data("signing-key", "rotate")["id"]
    assert cli("signing-key", "delete", key_id).code == 2
    asked = [("? [y/N] ", "y\n")]
    assert cli.at_terminal("signing-key", "delete", key_id, answers=asked)[0] == 0


def test_at_a_terminal_without_input_nobody_is_asked(full, dump):
    before = dump()
    code, seen = full.at_terminal("key", "delete", "--no-input")
    assert (code, "--yes" in seen) == (2, True)
    assert dump() == before


def test_what_is_not_there_is_not_asked_about(full):
    code, seen = full.at_terminal("app", "delete", "nothing")
    assert (code, "[y/N]" in seen) == (3, False)
