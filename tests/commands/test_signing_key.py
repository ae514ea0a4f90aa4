import pytest

from apimctl import sealing

FIELDS = ["id", "algorithm", "state", "created_at", "retired_at", "published_until"]


@pytest.fixture
def jwt_app(cli):
    """Make an application whose access tokens are JWTs, and its first token."""
    cli.ok("app", "create", "shop", "--token-format", "jwt")
    return cli.data("key", "generate", "--app", "shop")


def test_the_life_of_a_signing_key(cli, jwt_app):
    (first,) = cli.data("signing-key", "list")
    assert list(first) == FIELDS
    assert (first["algorithm"], first["state"], first["retired_at"]) == ("ES256", "signing", None)
    second = cli.data("signing-key", "rotate", "--algorithm", "rs256")
    assert (second["algorithm"], second["state"]) == ("RS256", "signing")
    newest, oldest = cli.data("signing-key", "list")
    assert (newest["id"], oldest["id"]) == (second["id"], first["id"])
    assert (oldest["state"], oldest["published_until"]) == ("published", jwt_app["expires_at"])
    gone = cli.data("signing-key", "delete", first["id"], "--yes")
    assert gone == oldest
    assert [key["id"] for key in cli.data("signing-key", "list")] == [second["id"]]


def test_no_key_is_made_before_it_is_needed(cli):
    cli.ok("key", "generate")
    assert cli.data("signing-key", "list") == []
    assert not sealing.key_path(cli.store).exists()


def test_what_is_done_is_audited(cli, dump):
    made = cli.data("signing-key", "rotate")
    cli.ok("signing-key", "delete", made["id"], "--yes")
    entries = [line for line in dump() if line.startswith('INSERT INTO "audit_entry"')]
    assert [made["id"] in line for line in entries] == [True, True]
    assert "signing-key.rotate" in entries[0]
    assert "signing-key.delete" in entries[1]


@pytest.mark.parametrize(
    ("arguments", "code"),
    [
        (("rotate", "--algorithm", "HS256"), 2),
        (("rotate", "--algorithm", ""), 2),
        (("delete", "apim-0", "--yes"), 3),
        (("delete",), 2),
    ],
)
def test_what_cannot_be_is_refused(cli, arguments, code):
    assert cli("signing-key", *arguments).code == code


def test_a_dry_run_signs_and_leaves_nothing_behind(cli):
    cli.ok("app", "create", "shop", "--token-format", "jwt")
    made = cli.data("key", "generate", "--app", "shop", "--dry-run")
    assert made["access_token"] is None
    cli.ok("signing-key", "rotate", "--dry-run")
    assert cli.data("signing-key", "list") == []
    assert not sealing.key_path(cli.store).exists()


def test_a_jwt_is_inspected_renewed_and_revoked_like_any_token(cli, jwt_app):
    text = jwt_app["access_token"]
    shown = cli.data("token", "inspect", "--token-stdin", stdin=text)
    assert (shown["application"], shown["state"]) == ("shop", "ACTIVE")
    assert shown["hint"] == f"...{text[-4:]}"
    renewed = cli.data("token", "renew", "--app", "shop")["access_token"]
    assert renewed.startswith("eyJ")
    assert cli.data("token", "inspect", "--token-stdin", stdin=text)["state"] == "REVOKED"
    assert cli.data("token", "revoke", "--token-stdin", stdin=renewed) == {"revoked": 1}
    assert cli.data("token", "inspect", "--token-stdin", stdin=renewed)["state"] == "REVOKED"
    assert cli("token", "inspect", "--token-stdin", stdin=renewed[:-1]).code == 6
