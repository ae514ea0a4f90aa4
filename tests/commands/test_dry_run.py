import pytest

URL = "http://127.0.0.1:9000"
WHICH = ("--api", "twitter")

WRITES = [
    ("api", "create", "other", "--context", "/o", "--version", "1", "--sandbox-url", URL),
    ("api", "update", "twitter", "--description", "x"),
    ("api", "update", "twitter", "--cors-origin", "*"),
    ("api", "resource", "create", "twitter", "--method", "GET", "--pattern", "/x"),
    ("api", "resource", "update", "twitter", "--pattern", "/*", "--tier", "Gold"),
    ("api", "resource", "delete", "twitter", "--pattern", "/*"),
    ("api", "scope", "create", "twitter", "write", "--role", "clerk"),
    ("api", "scope", "update", "twitter", "read", "--role", "boss"),
    ("api", "scope", "delete", "twitter", "read"),
    *(("api", verb, "twitter") for verb in ("publish", "block", "deprecate", "delete")),
    ("app", "create", "other"),
    ("app", "update", "shop", "--tier", "Gold"),
    ("app", "delete", "shop"),
    ("subscription", "create", "--app", "shop", *WHICH),
    ("subscription", "update", *WHICH, "--tier", "Gold"),
    *(("subscription", verb, *WHICH) for verb in ("block", "unblock", "hold", "reject", "delete")),
    ("key", "generate", "--sandbox"),
    ("key", "update", "--domains", "a.com"),
    ("key", "rotate"),
    ("key", "delete"),
    ("token", "renew"),
    ("token", "issue", "--user", "admin"),
    ("token", "revoke", "--all"),
    ("token", "purge", "--older-than", "0"),
    ("signing-key", "rotate"),
    ("tier", "create", "Other", "--requests", "1", "--per", "1m"),
    ("tier", "update", "Mine", "--requests", "2"),
    ("tier", "delete", "Mine"),
    ("user", "create", "alice", "--password-stdin"),
    ("user", "password", "admin", "--password-stdin"),
    ("user", "update", "bob", "--name", "rob"),
    ("user", "update", "bob", "--role", "clerk"),
    ("user", "delete", "bob"),
    ("userstore", "create", "BAR.COM"),
    ("userstore", "delete", "FOO.COM"),
    ("init", "--password-stdin"),
    ("config", "set", "gateway.port", "1"),
    ("config", "unset", "gateway.port"),
    ("config", "set", "tokens.partitions", "A:foo.com"),
    ("db", "migrate"),
]


@pytest.fixture
def full(cli, api):
    """Fill the store with something of everything."""
    cli.ok("api", "resource", "create", api, "--method", "*", "--pattern", "/*")
    cli.ok("api", "scope", "create", api, "read")
    cli.ok("subscription", "create", *WHICH)
    cli.ok("key", "generate")
    cli.ok("app", "create", "shop")
    cli.ok("tier", "create", "Mine", "--requests", "1", "--per", "1m")
    cli.ok("user", "create", "bob", "--password-stdin", stdin="correct horse")
    cli.ok("userstore", "create", "FOO.COM")
    cli.ok("config", "set", "gateway.port", "8281")
    return cli


def test_a_dry_run_of_any_write_changes_nothing(full, dump):
    before = dump(), full.config.read_text()
    for arguments in WRITES:
        result = full.ok(*arguments, "--dry-run", "--json", stdin="correct horse")
        assert result.json, arguments
        assert (dump(), full.config.read_text()) == before, arguments
        assert "dry run" in result.stderr, arguments


def test_a_dry_run_shows_no_secret(cli):
    for arguments, secrets in (
        (("key", "generate"), ("consumer_key", "consumer_secret", "access_token")),
        (("key", "rotate"), ("consumer_secret",)),
        (("token", "renew"), ("access_token",)),
    ):
        shown = cli.data(*arguments, "--dry-run")
        assert all(shown[name] is None for name in secrets)
        if arguments == ("key", "generate"):
            assert not cli.store.exists()
            cli.ok("key", "generate")


def test_a_dry_run_fails_as_the_real_one_would(full, dump):
    before = dump()
    for arguments, code in (
        (("key", "generate"), 5),
        (("api", "publish", "facebook"), 3),
        (("api", "retire", "twitter"), 5),
        (("tier", "delete", "Gold"), 4),
    ):
        assert full(*arguments, "--dry-run").code == code
    assert dump() == before
