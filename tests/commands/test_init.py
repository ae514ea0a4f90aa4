def test_init_makes_the_store_and_sets_the_password(cli):
    made = cli.data("init", "--password-stdin", stdin="correct horse\n")
    assert made == {
        "store": str(cli.store),
        "config": str(cli.config),
        "admin_has_password": True,
    }
    assert cli.data("user", "show", "admin")["has_password"]


def test_init_in_a_pipe_leaves_admin_without_password_and_says_so(cli):
    result = cli.ok("init", "--json")
    assert not result.json["admin_has_password"]
    assert "admin has no password yet: apimctl user password admin" in result.stderr
    assert cli.store.exists()


def test_init_at_a_terminal_asks_once_in_a_life(cli):
    question, again = "password of admin: ", "password of admin, again: "
    answers = [(question, "correct horse\n"), (again, "correct horse\n")]
    code, seen = cli.at_terminal("init", answers=answers)
    assert code == 0
    assert "correct horse" not in seen
    code, seen = cli.at_terminal("init")
    assert (code, question in seen) == (0, False)


def test_init_keeps_what_is_there(cli):
    made = cli.data("key", "generate")
    cli.ok("init", "--password-stdin", stdin="correct horse")
    assert cli.data("key", "show")["consumer_key"] == made["consumer_key"]


def test_a_dry_run_makes_nothing(cli):
    result = cli.ok("init", "--dry-run", "--json")
    assert result.json["store"] == str(cli.store)
    assert "dry run, nothing was written" in result.stderr
    assert list(cli.home.iterdir()) == []


def test_an_empty_password_is_refused(cli):
    result = cli("init", "--password-stdin")
    assert (result.code, result.stdout) == (6, "")
    assert "empty" in result.stderr
