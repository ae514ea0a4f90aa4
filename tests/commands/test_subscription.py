import pytest

FIELDS = ["application", "owner", "api", "version", "tier", "state", "created_at"]
WHICH = ("--app", "DefaultApplication", "--api", "twitter:1.0.0")


def test_the_life_of_a_subscription(cli, api):
    made = cli.data("subscription", "create", "--app", "DefaultApplication", "--api", api)
    assert list(made) == FIELDS
    assert (made["tier"], made["state"]) == ("Unlimited", "UNBLOCKED")
    assert cli.data("subscription", "show", *WHICH) == made
    assert cli.data("subscription", "list") == [made]
    for verb, state in (
        (("block",), "BLOCKED"),
        (("block", "--production-only"), "PROD_ONLY_BLOCKED"),
        (("unblock",), "UNBLOCKED"),
        (("hold",), "ON_HOLD"),
        (("reject",), "REJECTED"),
    ):
        assert cli.data("subscription", *verb, *WHICH)["state"] == state
    assert cli.data("subscription", "update", *WHICH, "--tier", "Gold")["tier"] == "Gold"
    cli.ok("subscription", "delete", *WHICH, "--yes")
    assert cli.ok("subscription", "list", "--json").stdout == "[]\n"


def test_the_application_is_the_default_one_and_the_tier_may_be_named(cli, api):
    made = cli.data("subscription", "create", "--api", api, "--tier", "Gold")
    assert (made["application"], made["tier"]) == ("DefaultApplication", "Gold")


def test_a_list_is_narrowed(cli, api):
    cli.ok("app", "create", "shop")
    for name in ("shop", "DefaultApplication"):
        cli.ok("subscription", "create", "--app", name, "--api", api)
    found = cli.data("subscription", "list", "--app", "shop", "--api", api)
    assert [row["application"] for row in found] == ["shop"]
    assert cli("subscription", "list", "--api", "").code == 3


@pytest.mark.parametrize(
    ("arguments", "code"),
    [
        (("create", "--api", "facebook"), 3),
        (("create", "--api", "twitter", "--app", "nothing"), 3),
        (("create", "--api", "twitter", "--tier", "Platinum"), 3),
        (("create",), 2),
        (("update", *WHICH), 2),
        (("show", *WHICH), 3),
        (("block", *WHICH), 3),
        (("delete", *WHICH, "--yes"), 3),
    ],
)
def test_what_cannot_be(cli, api, arguments, code):
    result = cli("subscription", *arguments)
    assert (result.code, result.stdout) == (code, "")
    assert "hint:  " in result.stderr
