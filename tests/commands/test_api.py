import pytest

URL = "http://127.0.0.1:9000/feed"
CREATE = ("api", "create", "twitter", "--context", "/twitter", "--version", "1.0.0")
FIELDS = [
    *("name", "version", "context", "state", "default_version", "production_url", "sandbox_url"),
    *("tiers", "paths", "cors_origins", "cors_credentials", "description", "created_at"),
]


def test_create_with_everything(cli):
    made = cli.data(
        *(*CREATE, "--production-url", URL, "--sandbox-url", f"{URL}/sandbox"),
        *("--tier", "Gold", "--tier", "Silver", "--description", "Search", "--default"),
        *("--cors-origin", "https://App.example.com:443"),
        "--publish",
    )
    assert list(made) == FIELDS
    created_at = made.pop("created_at")
    assert created_at.endswith("Z")
    assert made == {
        "name": "twitter",
        "version": "1.0.0",
        "context": "/twitter",
        "state": "PUBLISHED",
        "default_version": True,
        "production_url": URL,
        "sandbox_url": f"{URL}/sandbox",
        "tiers": ["Gold", "Silver"],
        "paths": ["/twitter/1.0.0", "/twitter"],
        "cors_origins": ["https://app.example.com"],
        "cors_credentials": False,
        "description": "Search",
    }
    assert cli.data("api", "show", "twitter") == {**made, "created_at": created_at}
    assert cli.data("api", "list") == [{**made, "created_at": created_at}]


def test_create_with_the_least_says_how_to_serve_it(cli):
    result = cli.ok(*CREATE, "--sandbox-url", URL, "--format", "value")
    assert result.stdout == "twitter\n"
    assert "created twitter:1.0.0; serve it with: apimctl api publish twitter:1.0.0" in (
        result.stderr
    )
    assert cli.data("api", "show", "twitter")["state"] == "CREATED"


def test_create_as_a_prototype(cli):
    assert cli.data(*CREATE, "--sandbox-url", URL, "--prototype")["state"] == "PROTOTYPED"
    result = cli(*CREATE, "--sandbox-url", URL, "--prototype", "--publish")
    assert (result.code, result.stdout) == (2, "")


def test_no_apis_is_no_failure(cli):
    assert cli.ok("api", "list", "--json").stdout == "[]\n"
    assert cli.ok("api", "list", "--format", "value").stdout == ""
    result = cli.ok("api", "list")
    assert result.stdout == ""
    assert "apimctl api create --help" in result.stderr


@pytest.mark.parametrize(
    ("reference", "code", "error"),
    [(name, 3, "not_found") for name in ("facebook", "twitter:2", "twitter:")],
)
def test_an_unknown_api(cli, api, reference, code, error):
    for verb in ("show", "publish"):
        result = cli("api", verb, reference, "--json")
        assert (result.code, result.stdout, result.error["code"]) == (code, "", error)


def test_update_names_what_changes(cli, api):
    changed = cli.data(
        *("api", "update", api, "--sandbox-url", URL, "--tier", "Gold", "--description", "new")
    )
    assert (changed["sandbox_url"], changed["tiers"]) == (URL, ["Gold"])
    assert cli.data("api", "update", api, "--production-url", "")["production_url"] is None
    assert cli.data("api", "update", api, "--default")["paths"] == ["/twitter/1.0.0", "/twitter"]
    assert cli.data("api", "update", api, "--no-default")["paths"] == ["/twitter/1.0.0"]
    result = cli("api", "update", api)
    assert (result.code, "nothing to change" in result.stderr) == (2, True)


def test_update_of_cors(cli, api):
    update = ("api", "update", api)
    one, two = "https://app.example.com", "http://localhost:3000"
    changed = cli.data(*update, "--cors-origin", one, "--cors-origin", two, "--cors-credentials")
    assert (changed["cors_origins"], changed["cors_credentials"]) == ([one, two], True)
    assert cli.data(*update, "--no-cors-credentials")["cors_origins"] == [one, two]
    assert cli.data(*update, "--cors-origin", "*")["cors_origins"] == ["*"]
    result = cli(*update, "--cors-credentials")
    assert (result.code, "exclude each other" in result.stderr) == (6, True)
    assert cli.data(*update, "--cors-origin", "")["cors_origins"] == []


def test_the_life_of_an_api(cli, api):
    life = [
        ("block", "BLOCKED"),
        ("unblock", "PUBLISHED"),
        ("deprecate", "DEPRECATED"),
        ("publish", "PUBLISHED"),
        ("publish", "PUBLISHED"),
        ("block", "BLOCKED"),
        ("retire", "RETIRED"),
    ]
    for verb, state in life:
        assert cli.data("api", verb, "twitter:1.0.0")["state"] == state
    result = cli("api", "publish", api)
    assert result.code == 5
    assert "twitter:1.0.0 is RETIRED: it cannot publish" in result.stderr


def test_delete(cli, api):
    assert cli.data("api", "delete", api, "--yes")["name"] == "twitter"
    assert cli.data("api", "list") == []
