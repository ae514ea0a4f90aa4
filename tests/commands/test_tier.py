import pytest

FIELDS = ["name", "requests", "per_seconds", "description", "built_in"]


def test_the_life_of_a_tier(cli):
    made = cli.data("tier", "create", "Mine", "--requests", "50", "--per", "1m")
    assert list(made) == FIELDS
    assert (made["requests"], made["per_seconds"], made["built_in"]) == (50, 60, False)
    changed = cli.data("tier", "update", "Mine", "--per", "1h", "--description", "slow")
    assert changed == {**made, "per_seconds": 3600, "description": "slow"}
    assert cli.data("tier", "show", "Mine") == changed
    assert cli.data("tier", "list")[-1] == changed
    assert cli.data("tier", "delete", "Mine", "--yes") == changed
    names = cli.ok("tier", "list", "--format", "value").stdout.split()
    assert names == ["Unlimited", "Unauthenticated", "Gold", "Silver", "Bronze"]


def test_unlimited_is_null(cli):
    unlimited = cli.data("tier", "show", "Unlimited")
    assert (unlimited["requests"], unlimited["per_seconds"]) == (None, None)
    assert "requests     unlimited\n" in cli.ok("tier", "show", "Unlimited").stdout


@pytest.mark.parametrize(
    ("arguments", "code"),
    [
        (("create", "Gold", "--requests", "1", "--per", "1m"), 5),
        (("create", "Mine", "--requests", "1", "--per", "never"), 2),
        (("create", "Mine", "--requests", "1.5", "--per", "1m"), 2),
        (("create", "Mine", "--requests", "0", "--per", "1m"), 6),
        (("create", "Mine", "--requests", "9" * 5000, "--per", "1m"), 2),
        (("create", "Mine"), 2),
        (("update", "Gold", "--requests", "1"), 4),
        (("update", "Gold"), 2),
        (("delete", "Gold", "--yes"), 4),
        (("show", "Platinum"), 3),
    ],
)
def test_what_cannot_be(cli, arguments, code):
    result = cli("tier", *arguments)
    assert (result.code, result.stdout) == (code, "")
    assert "hint:  " in result.stderr
