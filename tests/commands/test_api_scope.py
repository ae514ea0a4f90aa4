import pytest

FIELDS = ["api", "name", "description", "roles", "created_at"]


@pytest.fixture
def scope(cli, api):
    """Run `api scope VERB` on the API of the store."""

    def scope(verb, *arguments, run=cli.data):
        return run("api", "scope", verb, api, *arguments)

    return scope


def test_the_life_of_a_scope(cli, scope):
    made = scope("create", "tweets:read", "--description", "Read tweets", "--role", "clerk")
    assert list(made) == FIELDS
    assert (made["api"], made["name"]) == ("twitter", "tweets:read")
    assert (made["description"], made["roles"]) == ("Read tweets", ["clerk"])
    assert scope("show", "tweets:read") == made
    assert scope("list") == cli.data("api", "scope", "list") == [made]
    updated = scope("update", "tweets:read", "--role", "boss", "--role", "")
    assert updated == {**made, "roles": ["boss"]}
    assert scope("update", "tweets:read", "--role", "")["roles"] == []
    assert scope("update", "tweets:read", "--description", "")["description"] == ""
    assert scope("delete", "tweets:read", "--yes")["name"] == "tweets:read"
    assert scope("list") == []


def test_none_is_no_failure_and_a_list_is_a_table_or_bare_names(cli, scope):
    listed = scope("list", run=cli.ok)
    assert (listed.stdout, "no scopes" in listed.stderr) == ("", True)
    for name in ("write", "read"):
        scope("create", name)
    table = scope("list", run=cli.ok).stdout.splitlines()
    assert table[0].split() == ["api", "name", "roles", "description"]
    assert table[1].split()[:2] == ["twitter", "read"]
    assert scope("list", "--format", "value", run=cli.ok).stdout == "read\nwrite\n"


def test_a_resource_asks_for_it_and_then_it_stays(cli, scope):
    scope("create", "read")
    which = ("twitter", "--pattern", "/x")
    made = cli.data("api", "resource", "create", *which, "--method", "GET", "--scope", "read")
    assert made["scopes"] == ["read"]
    assert cli.data("api", "resource", "show", *which)["scopes"] == ["read"]
    used = scope("delete", "read", "--yes", run=cli)
    assert (used.code, "is asked for by GET /x of twitter:1.0.0" in used.stderr) == (5, True)
    unknown = cli("api", "resource", "update", *which, "--scope", "nothing")
    assert (unknown.code, "declares no scope 'nothing'" in unknown.stderr) == (3, True)
    open_to_all = cli("api", "resource", "update", *which, "--auth-type", "None")
    assert (open_to_all.code, '--scope ""' in open_to_all.stderr) == (6, True)
    assert cli.data("api", "resource", "update", *which, "--scope", "")["scopes"] == []
    scope("delete", "read", "--yes")


@pytest.mark.parametrize(
    ("arguments", "code"),
    [
        (("create", "twitter", "read"), 5),
        (("create", "twitter", "default"), 6),
        (("create", "twitter", "a b"), 6),
        (("create", "twitter", ""), 6),
        (("create", "twitter", "write", "--role", "two words"), 6),
        (("create", "twitter:1.0.0", "write"), 6),
        (("create", "nothing", "write"), 3),
        (("list", "nothing"), 3),
        (("show", "twitter", "nothing"), 3),
        (("update", "twitter", "read"), 2),
        (("update", "twitter", "nothing", "--role", "x"), 3),
        (("delete", "twitter", "nothing", "--yes"), 3),
    ],
)
def test_what_cannot_be_is_said(cli, scope, arguments, code):
    scope("create", "read")
    result = cli("api", "scope", *arguments)
    assert (result.code, result.stdout) == (code, "")
    assert "hint:  " in result.stderr


def test_every_change_is_in_the_audit_log(cli, scope):
    scope("create", "read", "--role", "clerk")
    scope("update", "read", "--description", "x")
    scope("delete", "read", "--yes")
    entries = reversed(cli.data("audit", "list", "--action", "api.scope."))
    assert [(entry["action"], entry["target"], entry["details"]) for entry in entries] == [
        ("api.scope.create", "twitter", {"scope": "read", "roles": ["clerk"]}),
        ("api.scope.update", "twitter", {"scope": "read", "description": "x"}),
        ("api.scope.delete", "twitter", {"scope": "read"}),
    ]
