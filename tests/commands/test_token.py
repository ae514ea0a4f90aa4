import re
import sqlite3
from contextlib import closing

import pytest

from apimctl.config import TokenSettings
from apimctl.domain.models import KeyType
from apimctl.services import applications, keys, tokens, users
from apimctl.store import open_store

RENEWED = ["application", "key_type", "access_token", "validity_seconds", "expires_at"]
SHOWN = [
    *("id", "application", "key_type", "user", "state", "scope", "hint", "partition"),
    *("issued_at", "expires_at"),
]
INSPECTED = [
    *("type", "id", "application", "owner", "key_type", "consumer_key", "user", "state", "scope"),
    *("format", "hint", "partition", "family", "issued_at", "expires_at"),
    *("allowed_domains", "apis"),
]


def listed(inspected) -> dict:
    """Return what a list shows of a token that was inspected."""
    return {name: inspected[name] for name in SHOWN}


@pytest.fixture
def pair(cli):
    """Log alice in, with the production key of the default application."""
    cli.ok("user", "create", "alice", "--password-stdin", stdin="correct horse")
    cli.ok("key", "generate")
    with closing(open_store(cli.store, now=1)) as store, store.reading() as db:
        user_id = users.require(db, "alice").id
    return issue(cli, user_id)


def issue(cli, user_id):
    """Issue a token to a user, into the base partition."""
    now = 4_000_000_000
    with closing(open_store(cli.store, now=now)) as store, store.transaction() as db:
        key = keys.require(db, applications.resolve(db, "DefaultApplication"), KeyType.PRODUCTION)
        return tokens.issue_user_token(
            db,
            key,
            user_id,
            settings=TokenSettings(3600, 3600, 86_400, 0, 300),
            now=now,
            random=lambda count: bytes(range(count)) if count == 22 else b"f" * count,
        )


@pytest.fixture
def inspect(cli):
    def inspect(text):
        return cli.data("token", "inspect", "--token-stdin", stdin=f"{text}\n")

    return inspect


def test_renew_replaces_the_token(cli, inspect):
    made = cli.data("key", "generate", "--domains", "a.com")
    renewed = cli.data("token", "renew", "--app", "DefaultApplication", "--validity", "30d")
    assert list(renewed) == RENEWED
    assert renewed["validity_seconds"] == 30 * 86_400
    old, new = inspect(made["access_token"]), inspect(renewed["access_token"])
    assert (old["state"], new["state"]) == ("REVOKED", "ACTIVE")
    assert cli.data("key", "show")["allowed_domains"] == ["a.com"]


def test_renew_with_grace_lets_the_old_one_live_on(cli, inspect):
    made = cli.data("key", "generate", "--sandbox", "--validity", "never")
    result = cli.ok("token", "renew", "--sandbox", "--grace", "10m", "--format", "value")
    assert re.fullmatch(r"apim_ats0_\w{36}\n", result.stdout)
    old = inspect(made["access_token"])
    assert old["state"] == "ACTIVE"
    assert f"the old one ends at {old['expires_at']}" in result.stderr


def test_renew_a_user_token(cli, pair, inspect):
    result = cli.ok("token", "renew", "--refresh-token-stdin", "--json", stdin=pair.refresh_token)
    renewed = result.json
    assert sorted(renewed) == sorted([*RENEWED, "refresh_token"])
    assert inspect(pair.access_token)["state"] == "INACTIVE"
    new = inspect(renewed["access_token"])
    assert (new["state"], new["user"]) == ("ACTIVE", "alice")
    replay = cli("token", "renew", "--refresh-token-stdin", "--json", stdin=pair.refresh_token)
    assert (replay.code, replay.error["code"]) == (4, "denied")
    assert inspect(renewed["access_token"])["state"] == "REVOKED"


def test_a_dry_run_of_a_replay_revokes_nothing(cli, pair, inspect):
    renewed = cli.data("token", "renew", "--refresh-token-stdin", stdin=pair.refresh_token)
    arguments = ("token", "renew", "--refresh-token-stdin", "--dry-run")
    assert cli(*arguments, stdin=pair.refresh_token).code == 4
    assert inspect(renewed["access_token"])["state"] == "ACTIVE"


def test_list_and_its_filters(cli, pair):
    everything = cli.data("token", "list")
    assert [list(row) for row in everything] == [SHOWN, SHOWN]
    assert [row["user"] for row in everything] == ["alice", None]
    assert cli.data("token", "list", "--state", "revoked") == []
    assert cli.data("token", "list", "--app", "DefaultApplication") == everything
    assert cli.data("token", "list", "--limit", "1") == everything[:1]
    ids = cli.ok("token", "list", "--state", "ACTIVE", "--format", "value").stdout.split()
    assert ids == [row["id"] for row in everything]
    cli.ok("app", "create", "shop")
    assert cli.data("token", "list", "--app", "shop") == []


@pytest.mark.parametrize("from_environment", [False, True])
def test_tokens_of_a_partition(cli, from_environment, inspect):
    if from_environment:
        cli.environment["APIMCTL_TOKENS_PARTITIONS"] = "A:foo.com"
    else:
        cli.ok("config", "set", "tokens.partitions", "A:foo.com")
    cli.ok("key", "generate")
    with closing(sqlite3.connect(cli.store)) as db:
        db.execute("INSERT INTO user_account VALUES ('1', 'alice', 'FOO.COM', NULL, 1)")
        db.commit()
    assert cli.data("token", "list", "--partition", "a") == []
    old = issue(cli, "1")
    renewed = cli.data("token", "renew", "--refresh-token-stdin", stdin=old.refresh_token)
    assert inspect(old.access_token)["partition"] == "0"
    (row,) = cli.data("token", "list", "--partition", "A")
    assert row == listed(inspect(renewed["access_token"]))
    assert (row["user"], row["partition"], row["state"]) == ("FOO.COM/alice", "A", "ACTIVE")
    assert [one["partition"] for one in cli.data("token", "list", "--partition", "0")] == ["0"] * 2
    assert len(cli.data("token", "list")) == 3
    assert cli.data("token", "revoke", "--id", row["id"]) == {"revoked": 1}
    assert inspect(renewed["access_token"])["state"] == "REVOKED"


def test_inspect_shows_everything_but_the_token(cli):
    made = cli.data("key", "generate")
    result = cli.ok("token", "inspect", "--token-stdin", "--json", stdin=made["access_token"])
    assert list(result.json) == INSPECTED
    assert result.json["hint"] == f"...{made['access_token'][-4:]}"
    assert made["access_token"] not in result.stdout + result.stderr


def test_revoke_each_way(cli, pair, inspect):
    first = cli.data("token", "renew")["access_token"]
    assert cli.data("token", "revoke", "--token-stdin", stdin=first) == {"revoked": 1}
    second = inspect(cli.data("token", "renew")["access_token"])
    assert cli.data("token", "revoke", "--id", second["id"]) == {"revoked": 1}
    assert cli.data("token", "list", "--state", "ACTIVE") == [listed(inspect(pair.access_token))]
    assert cli.data("token", "revoke", "--token-stdin", stdin=pair.refresh_token) == {"revoked": 1}
    cli.ok("token", "renew")
    result = cli.ok("token", "revoke", "--app", "DefaultApplication", "--all")
    assert result.stderr == "revoked 1 token of DefaultApplication\n"
    assert cli.data("token", "list", "--state", "ACTIVE") == []
    assert cli.data("token", "revoke", "--production", "--all") == {"revoked": 0}


@pytest.mark.parametrize(
    ("arguments", "stdin", "code"),
    [
        (("renew",), "", 3),
        (("renew", "--grace", "x"), "", 2),
        (("renew", "--refresh-token-stdin"), "", 6),
        (("renew", "--refresh-token-stdin"), "nonsense", 3),
        (("renew", "--refresh-token-stdin", "--sandbox"), "x", 2),
        (("renew", "--refresh-token-stdin", "--validity", "1h"), "x", 2),
        (("inspect",), "", 2),
        (("inspect", "--token-stdin"), "", 6),
        (("inspect", "--token-stdin"), "nonsense", 6),
        (("inspect", "--token-stdin"), "x" * 100_000, 6),
        (("revoke",), "", 2),
        (("revoke", "--id", "x", "--all"), "", 2),
        (("revoke", "--id", "x"), "", 3),
        (("revoke", "--token-stdin"), "nonsense", 6),
        (("revoke", "--all", "--sandbox"), "", 3),
        (("list", "--state", "DEAD"), "", 2),
        (("list", "--app", ""), "", 3),
        (("list", "--partition", "A"), "", 3),
    ],
)
def test_what_cannot_be(cli, arguments, stdin, code):
    result = cli("token", *arguments, stdin=stdin)
    assert (result.code, result.stdout) == (code, "")
    assert "hint:  " in result.stderr
    assert "x" * 100 not in result.stderr


def test_inspect_tells_what_a_token_is_for(cli, pair, api, inspect):
    cli.ok("subscription", "create", "--api", api)
    cli.ok("key", "update", "--domains", "a.com")
    shown = inspect(pair.access_token)
    assert (shown["type"], shown["format"], shown["owner"]) == ("access_token", "opaque", "admin")
    assert (shown["allowed_domains"], shown["apis"]) == (["a.com"], ["twitter:1.0.0"])
    assert shown["family"] == pair.token.family_id
    cli.ok("subscription", "block", "--api", api)
    assert inspect(pair.access_token)["apis"] == []


def test_inspect_knows_refresh_tokens_too(cli, pair, inspect):
    shown = inspect(pair.refresh_token)
    assert (shown["type"], shown["user"], shown["state"]) == ("refresh_token", "alice", "ACTIVE")
    assert (shown["id"], shown["format"], shown["family"]) == (None, None, pair.token.family_id)
    cli.ok("token", "renew", "--refresh-token-stdin", stdin=pair.refresh_token)
    assert inspect(pair.refresh_token)["state"] == "INACTIVE"
    for text, code in (("apim_rtp0_" + "x" * 36, 3), ("nonsense", 6)):
        result = cli("token", "inspect", "--token-stdin", stdin=text)
        assert (result.code, result.stdout) == (code, "")


def test_a_list_is_read_page_by_page(cli, pair):
    for _ in range(2):
        cli.ok("token", "renew")
    for options in ([], ["--sort", "expires_at", "--reverse"]):
        whole = cli.data("token", "list", *options)
        assert len(whole) == 4
        first = cli.ok("token", "list", *options, "--limit", "3", "--json")
        (after,) = re.findall(r"--after (\S+)", first.stderr)
        last = cli.ok("token", "list", *options, "--limit", "3", "--after", after, "--json")
        assert first.json + last.json == whole
        assert "--after" not in last.stderr
    assert cli("token", "list", "--after", "3").code == 6


def test_a_list_is_narrowed(cli, pair):
    cli.ok("key", "generate", "--sandbox", "--validity", "never")
    sandbox, *_ = cli.data("token", "list", "--sandbox")
    assert (sandbox["key_type"], sandbox["expires_at"]) == ("SANDBOX", None)
    assert [row["user"] for row in cli.data("token", "list", "--user", "alice")] == ["alice"]
    assert len(cli.data("token", "list", "--production")) == 2
    assert len(cli.data("token", "list", "--issued-since", "2090-01-01")) == 1  # alice's
    assert len(cli.data("token", "list", "--expires-before", "2090-01-01")) == 1
    for options in (("--user", "bob"), ("--owner", "bob")):
        assert cli("token", "list", *options).code == 3
    for options in (("--sort", "hint"), ("--production", "--sandbox"), ("--issued-since", "x")):
        assert cli("token", "list", *options).code == 2


def test_issue_gives_what_a_log_in_would(cli, pair, inspect):
    made = cli.data("token", "issue", "--user", "alice", "--validity", "15m")
    assert list(made) == [
        *("application", "key_type", "user", "access_token", "refresh_token", "scope"),
        *("validity_seconds", "expires_at"),
    ]
    assert (made["user"], made["validity_seconds"]) == ("alice", 900)
    assert inspect(made["access_token"])["state"] == "ACTIVE"
    longer = cli.data("token", "issue", "--user", "alice", "--validity", "30d")
    assert longer["validity_seconds"] == 3600
    renewed = cli.data("token", "renew", "--refresh-token-stdin", stdin=made["refresh_token"])
    assert inspect(renewed["access_token"])["user"] == "alice"
    row = cli.data("audit", "list", "--action", "token.issue")[0]
    assert (row["target"], row["via"]) == ("alice", "cli")
    dry = cli.data("token", "issue", "--user", "alice", "--dry-run")
    assert (dry["access_token"], dry["refresh_token"]) == (None, None)


def test_issue_gives_scopes_that_the_user_may_have(cli, pair, api):
    cli.ok("api", "scope", "create", api, "read")
    cli.ok("api", "scope", "create", api, "write", "--role", "clerk")
    made = cli.data("token", "issue", "--user", "alice", "--scope", "read")
    assert made["scope"] == "read"
    both = ("--user", "alice", "--scope", "read", "--scope", "write")
    assert cli("token", "issue", *both).code == 4
    cli.ok("user", "update", "alice", "--role", "clerk")
    assert cli.data("token", "issue", *both)["scope"] == "read write"
    for arguments, code in (
        (("--user", "alice", "--scope", "nothing"), 3),
        (("--user", "bob"), 3),
        (("--user", "alice", "--sandbox"), 3),
        (("--user", "alice", "--app", "none"), 3),
    ):
        result = cli("token", "issue", *arguments)
        assert (result.code, result.stdout) == (code, ""), arguments
