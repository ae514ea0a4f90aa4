import pytest

FIELDS = ["api", "version", "methods", "pattern", "auth_type", "tier", "scopes"]


@pytest.fixture
def resource(cli, api):
    """Run `api resource VERB` on the API of the store."""

    def resource(verb, *arguments, run=cli.data):
        return run("api", "resource", verb, api, *arguments)

    return resource


def test_create_with_everything(cli, resource):
    created = resource(
        *("create", "--method", "get", "--method", "POST", "--pattern", "/users/{id}"),
        *("--auth-type", "application_user", "--tier", "Gold"),
    )
    assert list(created) == FIELDS
    assert created == {
        "api": "twitter",
        "version": "1.0.0",
        "methods": ["GET", "POST"],
        "pattern": "/users/{id}",
        "auth_type": "Application_User",
        "tier": "Gold",
        "scopes": [],
    }
    assert resource("show", "--pattern", "/users/{id}") == created
    assert resource("list") == [created]


def test_the_first_and_the_last_one_say_what_they_change(cli, resource):
    first = resource("create", "--method", "GET", "--pattern", "/a", run=cli.ok)
    assert "from now on the API serves only what it declares" in first.stderr
    second = resource("create", "--method", "GET", "--pattern", "/b", run=cli.ok)
    assert "created GET /b of twitter:1.0.0\n" in second.stderr
    asked = resource("delete", "--pattern", "/a", run=cli)
    assert "any token" not in asked.stderr
    resource("delete", "--pattern", "/a", "--yes")
    asked = resource("delete", "--pattern", "/b", run=cli)
    assert (asked.code, "every path and method to any token" in asked.stderr) == (2, True)


def test_none_is_no_failure(cli, resource):
    assert resource("list") == []
    listed = resource("list", run=cli.ok)
    assert listed.stdout == ""
    assert "serves every path and method to any token" in listed.stderr


def test_a_list_is_a_table_and_bare_patterns(cli, resource):
    for method in ("GET", "POST"):
        resource("create", "--method", method, "--pattern", "/users", "--auth-type", "None")
    table = resource("list", run=cli.ok).stdout.splitlines()
    assert table[0].split() == ["methods", "pattern", "auth", "type", "tier", "scopes"]
    assert table[1].split() == ["GET", "/users", "None", "Unlimited", "-"]
    assert resource("list", "--format", "value", run=cli.ok).stdout == "/users\n/users\n"


def test_update_and_delete_name_one_by_a_method_where_there_are_several(cli, resource):
    for method in ("GET", "POST"):
        resource("create", "--method", method, "--pattern", "/users/{id}")
    which = ("--pattern", "/users/{id}")
    ambiguous = resource("update", *which, "--tier", "Gold", run=cli)
    assert (ambiguous.code, "--method" in ambiguous.stderr) == (5, True)
    updated = resource("update", *which, "--method", "POST", "--tier", "Gold")
    assert (updated["methods"], updated["tier"]) == (["POST"], "Gold")
    updated = resource("update", *which, "--method", "GET", "--auth-type", "None")
    assert (updated["auth_type"], updated["tier"]) == ("None", "Unlimited")
    assert resource("delete", *which, "--method", "GET", "--yes")["methods"] == ["GET"]
    assert [row["methods"] for row in resource("list")] == [["POST"]]


def test_what_cannot_be_is_said(cli, resource):
    resource("create", "--method", "GET", "--pattern", "/users/{id}")
    again = resource("create", "--method", "GET", "--pattern", "/users/{name}", run=cli)
    assert (again.code, "has a resource GET /users/{id} already" in again.stderr) == (5, True)
    nothing = resource("update", "--pattern", "/users/{id}", run=cli)
    assert (nothing.code, "nothing to change" in nothing.stderr) == (2, True)
    unknown = resource("delete", "--pattern", "/x", "--yes", run=cli)
    assert unknown.code == 3


def test_a_tier_that_a_resource_names_stays(cli, resource):
    cli.ok("tier", "create", "Mine", "--requests", "1", "--per", "1m")
    resource("create", "--method", "GET", "--pattern", "/x", "--tier", "Mine")
    result = cli("tier", "delete", "Mine", "--yes")
    assert (result.code, "is used 1 time" in result.stderr) == (5, True)


def test_the_group_shows_its_verbs(cli):
    shown = cli.ok("api", "resource").stdout
    assert shown.startswith("Usage: apimctl api resource")
    for verb in ("create", "list", "show", "update", "delete"):
        assert f"  {verb} " in shown
    assert "  resource " in cli.ok("api", "--help").stdout
