import re
import subprocess

import pytest

GENERATED = [
    *("application", "key_type", "consumer_key", "consumer_secret", "access_token"),
    *("validity_seconds", "expires_at", "allowed_domains"),
]
SHOWN = [
    *("application", "owner", "key_type", "consumer_key", "allowed_domains", "validity_seconds"),
    "created_at",
]


def test_generate_with_everything(cli):
    cli.ok("app", "create", "shop")
    result = cli.ok(
        *("key", "generate", "--app", "shop", "--production"),
        *("--domains", "a.com, *.B.com", "--validity", "never", "--json"),
    )
    made = result.json
    assert list(made) == GENERATED
    assert (made["application"], made["key_type"]) == ("shop", "PRODUCTION")
    assert made["allowed_domains"] == ["a.com", "*.b.com"]
    assert (made["validity_seconds"], made["expires_at"]) == (None, None)
    assert re.fullmatch(r"apim_atp0_[0-9A-Za-z]{36}", made["access_token"])
    assert "not shown again" in result.stderr
    shown = cli.data("key", "show", "--app", "shop")
    assert list(shown) == SHOWN
    assert shown["consumer_key"] == made["consumer_key"]
    assert cli.data("key", "list", "--app", "shop") == [shown]


@pytest.mark.parametrize(("option", "key_type"), [((), "PRODUCTION"), (("--sandbox",), "SANDBOX")])
def test_the_key_type_is_production_unless_it_is_said(cli, option, key_type):
    made = cli.data("key", "generate", *option)
    assert (made["key_type"], made["validity_seconds"]) == (key_type, 3600)
    assert made["allowed_domains"] == []


def test_generate_in_the_formats_of_scripts(cli, tmp_path):
    value = cli.ok("key", "generate", "--format", "value").stdout
    assert re.fullmatch(r"apim_atp0_\w{36}\n", value)
    env = cli.ok("key", "generate", "--sandbox", "--domains", "a.com", "--format", "env").stdout
    (tmp_path / "vars").write_text(env)
    shell = subprocess.run(
        ["sh", "-c", '. ./vars; echo "$APIMCTL_ACCESS_TOKEN $APIMCTL_ALLOWED_DOMAINS"'],
        cwd=tmp_path,
        capture_output=True,
        text=True,
        check=True,
    )
    assert re.fullmatch(r"apim_ats0_\w{36} a\.com\n", shell.stdout)


def test_generate_in_a_github_job_masks_each_secret_before_it_is_written(cli, tmp_path):
    cli.environment["GITHUB_OUTPUT"] = str(tmp_path / "output")
    result = cli.ok("key", "generate", "--format", "github")
    written = dict(line.split("=", 1) for line in (tmp_path / "output").read_text().splitlines())
    assert list(written) == GENERATED
    masked = result.stdout.splitlines()
    for name in ("consumer_secret", "access_token"):
        assert f"::add-mask::{written[name]}" in masked
    assert all(line.startswith("::add-mask::") for line in masked)
    assert written["access_token"] not in result.stderr


def test_a_key_that_cannot_be_shown_is_not_lost_silently(cli):
    with open("/dev/full", "w") as full, cli.start("key", "generate", stdout=full) as process:  # noqa: PTH123
        stderr = process.stderr.read()
        assert process.wait(60) == 1
    said, hint = stderr.splitlines()[-2:]
    assert said.startswith("error: generated the production key of DefaultApplication")
    assert "could not show it: No space left on device" in said
    assert "apimctl token renew" in hint
    assert "apimctl key rotate" in hint
    assert "apim_" not in stderr
    assert [row["key_type"] for row in cli.data("key", "list")] == ["PRODUCTION"]
    assert cli.data("token", "renew")["access_token"]
    assert cli.data("key", "rotate")["consumer_secret"]


def test_a_dry_run_that_cannot_be_shown_made_nothing(cli):
    arguments = ("key", "generate", "--dry-run")
    with open("/dev/full", "w") as full, cli.start(*arguments, stdout=full) as process:  # noqa: PTH123
        stderr = process.stderr.read()
        assert process.wait(60) == 1
    assert stderr == "error: the system refused: [Errno 28] No space left on device\n"


def test_an_output_of_github_that_is_full_is_a_key_that_cannot_be_shown(cli):
    cli.environment["GITHUB_OUTPUT"] = "/dev/full"
    result = cli("key", "generate", "--format", "github")
    assert result.code == 1
    assert "could not show it: No space left on device" in result.stderr
    assert "apimctl token renew" in result.stderr
    assert all(line.startswith("::add-mask::") for line in result.stdout.splitlines())
    assert len(cli.data("key", "list")) == 1


def test_a_format_that_cannot_be_changes_nothing(cli):
    for arguments in (("--format", "github"), ("--format", "xml"), ("--json", "--format", "csv")):
        assert cli("key", "generate", *arguments).code == 2
    assert not cli.store.exists()


def test_a_second_generation_is_a_conflict_or_unchanged(cli):
    made = cli.data("key", "generate")
    result = cli("key", "generate", "--json")
    assert (result.code, result.stdout) == (5, "")
    assert result.error["code"] == "conflict"
    assert "token renew" in result.error["hint"]
    assert "key rotate" in result.error["hint"]
    result = cli.ok("key", "generate", "--if-not-exists", "--domains", "b.com", "--json")
    assert list(result.json) == GENERATED
    assert result.json == {**made, "consumer_secret": None, "access_token": None}
    assert result.stderr.startswith("unchanged: ")


def test_if_not_exists_makes_what_does_not_exist(cli):
    assert cli.data("key", "generate", "--if-not-exists")["access_token"]


def test_update(cli):
    cli.ok("key", "generate", "--sandbox", "--domains", "a.com")
    changed = cli.data("key", "update", "--sandbox", "--validity", "1h30m")
    assert (changed["validity_seconds"], changed["allowed_domains"]) == (5400, ["a.com"])
    changed = cli.data("key", "update", "--sandbox", "--domains", "")
    assert (changed["validity_seconds"], changed["allowed_domains"]) == (5400, [])


def test_rotate(cli):
    made = cli.data("key", "generate")
    rotated = cli.data("key", "rotate")
    assert list(rotated) == ["application", "key_type", "consumer_key", "consumer_secret"]
    assert rotated["consumer_key"] == made["consumer_key"]
    assert rotated["consumer_secret"] != made["consumer_secret"]
    result = cli.ok("key", "rotate", "--grace", "10m", "--format", "value")
    assert re.fullmatch(r"apim_csp0_\w{36}\n", result.stdout)
    assert re.search(r"the old one ends at \d{4}-\d\d-\d\dT", result.stderr)


def test_delete(cli):
    made = cli.data("key", "generate")
    deleted = cli.data("key", "delete", "--yes")
    assert deleted["consumer_key"] == made["consumer_key"]
    assert cli.ok("key", "list", "--json").stdout == "[]\n"
    inspected = cli("token", "inspect", "--token-stdin", stdin=made["access_token"])
    assert inspected.code == 3


@pytest.mark.parametrize(
    ("arguments", "code"),
    [
        (("show",), 3),
        (("rotate",), 3),
        (("delete", "--yes"), 3),
        (("update", "--domains", "a.com"), 3),
        (("update",), 2),
        (("generate", "--app", "nothing"), 3),
        (("generate", "--production", "--sandbox"), 2),
        (("list", "--app", ""), 3),
    ],
)
def test_what_cannot_be(cli, arguments, code):
    result = cli("key", *arguments)
    assert (result.code, result.stdout) == (code, "")
    assert "hint:  " in result.stderr
