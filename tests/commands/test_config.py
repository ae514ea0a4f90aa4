import sqlite3
import tomllib
from contextlib import closing

import pytest


def test_set_get_unset(cli):
    changed = cli.data("config", "set", "tokens.application_validity", "30d")
    origin = f"file {cli.config}"
    assert changed == {"key": "tokens.application_validity", "value": "30d", "origin": origin}
    assert cli.data("config", "get", "tokens.application_validity") == changed
    assert tomllib.loads(cli.config.read_text()) == {"tokens": {"application_validity": "30d"}}
    assert cli.data("key", "generate")["validity_seconds"] == 30 * 86_400
    assert cli.data("config", "unset", "tokens.application_validity")["origin"] == "default"
    assert cli.ok("config", "get", "tokens.application_validity", "--format", "value").stdout == (
        "3600\n"
    )


def test_list_shows_where_each_setting_comes_from(cli, tmp_path):
    cli.ok("config", "set", "gateway.client_domain_header", "Origin")
    cli.environment["APIMCTL_GATEWAY_PORT"] = "8281"
    rows = cli.data("config", "list", "--db", tmp_path / "x.db")
    assert all(list(row) == ["key", "value", "origin", "description"] for row in rows)
    found = {row["key"]: (row["value"], row["origin"]) for row in rows}
    assert found["db"] == (str(tmp_path / "x.db"), "flag --db")
    assert found["gateway.port"] == ("8281", "environment APIMCTL_GATEWAY_PORT")
    assert found["gateway.client_domain_header"] == ("Origin", f"file {cli.config}")
    assert found["gateway.host"] == ("127.0.0.1", "default")


def test_settings_make_no_store(cli):
    cli.ok("config", "list")
    cli.ok("config", "set", "gateway.port", "8281")
    assert not cli.store.exists()


def test_a_change_is_announced_to_gateways_of_this_store(cli, dump):
    cli.ok("app", "list")
    cli.ok("config", "set", "gateway.port", "8281")
    assert any("INSERT INTO" in row and "'settings'" in row for row in dump())


def tables(cli):
    with closing(sqlite3.connect(cli.store)) as db:
        rows = db.execute("SELECT name FROM sqlite_master WHERE name LIKE '%_token%' AND sql > ''")
        return {name for (name,) in rows if name.startswith(("access_token_A", "refresh_token_A"))}


PARTITIONS = ("tokens.partitions", "A:foo.com, B:bar.com")


def test_partitions_get_their_tables_when_they_are_set(cli):
    cli.ok("userstore", "create", "FOO.COM")
    cli.ok("userstore", "create", "BAR.COM")
    rehearsed = cli.ok("config", "set", *PARTITIONS, "--dry-run")
    assert rehearsed.stderr == (
        "dry run, nothing was written: tokens.partitions would be A:foo.com, B:bar.com;"
        " new tables for partition A, B\n"
    )
    assert tables(cli) == set()
    said = cli.ok("config", "set", *PARTITIONS).stderr
    assert said.endswith("; new tables for partition A, B\n")
    made = tables(cli)
    assert {"access_token_A", "refresh_token_A"} < made
    assert "new tables" not in cli.ok("config", "set", *PARTITIONS).stderr
    assert "new tables" not in cli.ok("config", "set", *PARTITIONS, "--dry-run").stderr
    cli.ok("config", "unset", "tokens.partitions")
    assert tables(cli) == made


def test_a_partition_of_no_user_store_is_remarked_upon(cli):
    cli.ok("userstore", "create", "FOO.COM")
    said = cli.ok("config", "set", "tokens.partitions", "A:foo.com, A:fo.com").stderr
    assert said.endswith("; new tables for partition A; there is no user store FO.COM yet\n")


def test_partitions_are_set_where_there_is_no_store_yet(cli):
    cli.ok("config", "set", *PARTITIONS)
    assert not cli.store.exists()
    assert cli.data("config", "get", "tokens.partitions")["value"] == PARTITIONS[1]


@pytest.mark.parametrize(
    "value", ["foo.com", "a:foo.com", "A:primary", "A:x,B:X", "A:", ":", "0:x", "A:x y"]
)
def test_partitions_that_cannot_be_make_no_tables(cli, value):
    cli.ok("app", "list")
    for dry_run in ((), ("--dry-run",)):
        result = cli("config", "set", "tokens.partitions", value, *dry_run)
        assert (result.code, result.stdout) == (6, "")
        assert "hint:  " in result.stderr
    assert not cli.config.exists()


def test_another_file_may_be_named(cli, tmp_path):
    file = tmp_path / "other.toml"
    cli.ok("config", "set", "gateway.port", "8281", "--config", file)
    assert tomllib.loads(file.read_text()) == {"gateway": {"port": 8281}}
    assert not cli.config.exists()
    cli.environment["APIMCTL_CONFIG"] = str(file)
    assert cli.data("config", "get", "gateway.port")["value"] == "8281"


def test_what_cannot_be(cli):
    for arguments, code in (
        (("get", "gateway.prot"), 3),
        (("set", "gateway.prot", "1"), 3),
        (("set", "db", "/x.db"), 3),
        (("unset", "gateway.prot"), 3),
        (("set", "gateway.port", "http"), 6),
        (("set", "tokens.user_validity", "0"), 2),
        (("set", "gateway.port"), 2),
    ):
        result = cli("config", *arguments)
        assert (result.code, result.stdout) == (code, ""), arguments
        assert "hint:  " in result.stderr
    assert not cli.config.exists()


SPOILT = """# mine
[gateway]
port = "http" # a bad value
prot = 8280
[tokens]
user_validity = "1h"
"""


def test_a_file_with_a_bad_value_and_an_unknown_key_is_mended_step_by_step(cli):
    cli.config.parent.mkdir(parents=True)
    cli.config.write_text(SPOILT)
    result = cli("key", "generate", "--json")
    assert (result.code, result.error["hint"]) == (6, "Did you mean gateway.port?")
    # What is written counts, though the file is still bad behind it.
    assert cli("config", "set", "gateway.port", "8281").code == 6
    unset = cli.data("config", "unset", "gateway.prot")
    assert unset == {"key": "gateway.prot", "value": None, "origin": f"file {cli.config}"}
    assert cli.data("config", "get", "gateway.port")["value"] == "8281"
    assert cli.config.read_text() == (
        '# mine\n[gateway]\nport = 8281 # a bad value\n[tokens]\nuser_validity = "1h"\n'
    )


@pytest.mark.parametrize("mend", [("set", "gateway.port", "8281"), ("unset", "gateway.port")])
def test_a_file_with_one_bad_value_is_mended_by_one_command(cli, mend):
    cli.config.parent.mkdir(parents=True)
    cli.config.write_text('[gateway]\nport = "http"\n')
    assert cli("config", "list").code == 6
    cli.ok("config", *mend)
    cli.ok("config", "list")


def test_a_setting_outside_every_section_is_unset_too(cli):
    cli.config.parent.mkdir(parents=True)
    cli.config.write_text("port = 1\n")
    assert cli("config", "list").code == 6
    cli.ok("config", "unset", "port")
    assert cli.config.read_text() == ""


@pytest.mark.parametrize("value", ["007", "1_0", "x-domain"])
def test_a_header_name_reads_back_as_it_was_set(cli, value):
    cli.ok("config", "set", "gateway.client_domain_header", value)
    found = cli.ok("config", "get", "gateway.client_domain_header", "--format", "value")
    assert found.stdout == f"{value}\n"


@pytest.mark.parametrize("value", ["authorization", "Authorization", "host", "HOST", "cookie"])
def test_a_header_that_says_something_else_names_no_domain(cli, value):
    result = cli("config", "set", "gateway.client_domain_header", value, "--json")
    assert (result.code, result.stdout) == (6, "")
    assert result.error["message"] == f"{value!r} cannot name the client's domain"
    assert not cli.config.exists()


def test_a_rehearsal_mends_nothing(cli):
    cli.config.parent.mkdir(parents=True)
    cli.config.write_text(SPOILT)
    said = cli.data("config", "unset", "gateway.prot", "--dry-run")
    assert said == {"key": "gateway.prot", "value": None, "origin": f"file {cli.config}"}
    assert cli.config.read_text() == SPOILT


def test_a_bad_file_stops_every_command_but_tells_where_it_is(cli):
    cli.config.parent.mkdir(parents=True)
    cli.config.write_text("[gateway\n")
    result = cli("key", "generate", "--json")
    assert (result.code, result.stdout) == (6, "")
    assert str(cli.config) in result.error["message"]
    assert not cli.store.exists()


def test_what_cannot_be_announced_is_not_written(cli):
    cli.ok("config", "set", "gateway.port", "9000")
    cli.store.parent.mkdir(parents=True, exist_ok=True)
    cli.store.write_text("no store at all" * 100)
    for verb in (("set", "gateway.port", "9001"), ("unset", "gateway.port")):
        assert cli("config", *verb).code == 7
        assert cli.data("config", "get", "gateway.port")["value"] == "9000"
