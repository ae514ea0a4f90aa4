LISTED = ("key", "token", "subscription")
FIELDS = [
    *("name", "owner", "tier", "description"),
    *("callback_urls", "grants", "token_format", "public", "created_at"),
]


def test_the_life_of_an_application(cli):
    made = cli.data(
        *("app", "create", "My Shop", "--owner", "admin", "--tier", "Gold"),
        *("--description", "sells", "--callback-url", "https://127.0.0.1/back"),
    )
    assert list(made) == FIELDS
    assert cli.data("app", "show", "My Shop") == made
    changed = cli.data("app", "update", "My Shop", "--name", "shop", "--callback-url", "")
    assert changed == {**made, "name": "shop", "callback_urls": []}
    assert [row["name"] for row in cli.data("app", "list")] == ["DefaultApplication", "shop"]
    assert cli.data("app", "delete", "shop", "--yes") == changed
    assert cli.ok("app", "list", "--format", "value").stdout == "DefaultApplication\n"


def test_the_least_is_a_name(cli):
    made = cli.data("app", "create", "shop")
    assert (made["owner"], made["tier"], made["description"]) == ("admin", "Unlimited", "")
    result = cli("app", "create", "shop", "--json")
    assert (result.code, result.error["code"]) == (5, "conflict")


def test_the_same_name_of_two_owners(cli):
    cli.ok("user", "create", "alice", "--password-stdin", stdin="correct horse\n")
    for owner in ("admin", "alice"):
        cli.ok("app", "create", "shop", "--owner", owner)
    result = cli("app", "show", "shop")
    assert result.code == 5
    assert "--owner admin or --owner alice" in result.stderr
    assert cli.data("app", "show", "shop", "--owner", "alice")["owner"] == "alice"
    assert [row["name"] for row in cli.data("app", "list", "--owner", "alice")] == ["shop"]
    cli.ok("app", "delete", "shop", "--owner", "alice", "--yes")
    assert cli.data("app", "list", "--owner", "alice") == []


def test_another_users_default_application_leaves_the_default_forms_as_they_are(cli, api):
    cli.ok("user", "create", "alice", "--password-stdin", stdin="correct horse\n")
    cli.ok("app", "create", "DefaultApplication", "--owner", "alice")
    made = cli.data("key", "generate")
    assert cli.data("app", "show", "DefaultApplication")["owner"] == "admin"
    assert cli.data("key", "show")["owner"] == "admin"
    assert cli.data("token", "renew")["access_token"] != made["access_token"]
    cli.ok("subscription", "create", "--app", "DefaultApplication", "--api", api)
    theirs = cli.data("key", "generate", "--owner", "alice")
    assert theirs["consumer_key"] != made["consumer_key"]


def test_an_owner_narrows_every_list(cli, api):
    cli.ok("user", "create", "alice", "--password-stdin", stdin="correct horse\n")
    cli.ok("app", "create", "shop", "--owner", "alice")
    for app in ("shop", "DefaultApplication"):
        cli.ok("key", "generate", "--app", app)
        cli.ok("subscription", "create", "--app", app, "--api", api)
    for noun, field in (("app", "name"), *((noun, "application") for noun in LISTED)):
        found = {
            owner: [row[field] for row in cli.data(noun, "list", "--owner", owner)]
            for owner in ("alice", "PRIMARY/alice", "admin")
        }
        assert found == {
            "alice": ["shop"],
            "PRIMARY/alice": ["shop"],
            "admin": ["DefaultApplication"],
        }, noun
        assert len(cli.data(noun, "list")) == 2
        assert cli(noun, "list", "--owner", "nobody").code == 3


def test_what_cannot_be(cli):
    for arguments, code in (
        (("show", "nothing"), 3),
        (("create", "shop", "--owner", "nobody"), 3),
        (("create", "shop", "--tier", "Platinum"), 3),
        (("update", "DefaultApplication"), 2),
        (("update", "DefaultApplication", "--name", "other"), 4),
        (("delete", "DefaultApplication", "--yes"), 4),
        (("list", "--owner", ""), 3),
    ):
        result = cli("app", *arguments)
        assert (result.code, result.stdout) == (code, ""), arguments
        assert "hint:  " in result.stderr


def test_a_public_application_keeps_no_secret(cli):
    made = cli.data("app", "create", "phone", "--public", "--callback-url", "com.example.phone:/")
    assert (made["public"], made["callback_urls"]) == (True, ["com.example.phone:/"])
    result = cli.ok("key", "generate", "--app", "phone", "--json")
    assert result.json["consumer_secret"] is None
    assert result.json["access_token"].startswith("apim_atp0_")
    assert "public, it has no secret" in result.stderr
    env = cli.ok("key", "generate", "--app", "phone", "--sandbox", "--format", "env").stdout
    assert "apim_cs" not in env
    refused = cli("key", "rotate", "--app", "phone", "--json")
    assert (refused.code, refused.error["code"]) == (5, "conflict")
    assert "apimctl app update phone --confidential" in refused.error["hint"]
    changed = cli.ok("app", "update", "phone", "--confidential", "--json")
    assert "apimctl key rotate --app phone" in changed.stderr
    secret = cli.data("key", "rotate", "--app", "phone")["consumer_secret"]
    assert secret.startswith("apim_csp0_")


def test_an_application_that_becomes_public_loses_its_secrets(cli, dump):
    def count_secrets():
        return sum(line.startswith('INSERT INTO "consumer_secret"') for line in dump())

    cli.ok("key", "generate")
    assert count_secrets() == 1
    result = cli.ok("app", "update", "DefaultApplication", "--public", "--dry-run")
    assert count_secrets() == 1
    result = cli.ok("app", "update", "DefaultApplication", "--public")
    assert "its consumer secrets are over" in result.stderr
    assert count_secrets() == 0
    again = cli.ok("app", "update", "DefaultApplication", "--public", "--description", "x")
    assert "secret" not in again.stderr


def test_a_callback_url_that_cannot_be_one(cli):
    for url in (
        "http://shop.example/",
        "https://shop.example/#x",
        "javascript:alert(1)",
        "myapp:/",
    ):
        result = cli("app", "create", "shop", "--callback-url", url)
        assert (result.code, result.stdout) == (6, ""), url
        assert "callback URL" in result.stderr
