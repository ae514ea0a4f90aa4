import pytest

from apimctl.domain.ldap import LdapSettings
from tests.slapd import GROUPS, PEOPLE, SEARCHER, SEARCHER_PASSWORD, TEMPLATE, free_port

URL = "ldaps://ldap.foo.com"
BY_TEMPLATE = ("--user-dn-template", TEMPLATE)
CREATE = ("userstore", "create", "FOO.COM", "--url", URL, *BY_TEMPLATE)

needs_slapd = pytest.mark.needs("slapd", "slapd")


def create_by_search(cli, slapd, *options, password=SEARCHER_PASSWORD):
    asked = ("--search-base", PEOPLE, "--bind-dn", SEARCHER, "--bind-password-stdin")
    where = ("--url", slapd.tls, "--ca-file", slapd.ca_file)
    create = ("userstore", "create", "FOO.COM", *where, *asked, *options)
    return cli.data(*create, stdin=password)


def test_the_settings_of_a_directory(cli):
    made = cli.data(*CREATE)
    assert (made["domain"], made["type"]) == ("FOO.COM", "ldap")
    assert made["settings"]["user_dn_template"] == TEMPLATE
    assert set(made["settings"]) == set(LdapSettings.__slots__)
    assert cli.data("userstore", "list")[1]["url"] == URL
    changed = cli.data("userstore", "update", "foo.com", "--timeout", "9s", "--group-base", GROUPS)
    assert changed["settings"]["timeout_seconds"] == 9
    assert changed["settings"]["group_base"] == GROUPS
    back = cli.data("userstore", "update", "foo.com", "--timeout", "5s", "--group-base", "")
    assert back == made


def test_a_bind_password_is_in_no_output_and_in_no_file(cli):
    bind = ("--bind-dn", "cn=searcher,dc=foo,dc=com", "--bind-password-stdin")
    results = [
        cli.ok(*CREATE, *bind, stdin="magnifier"),
        cli.ok("userstore", "show", "FOO.COM", "--json"),
        cli.ok("userstore", "update", "FOO.COM", "--bind-password-stdin", stdin="magnifier"),
        cli.ok("audit", "list", "--json"),
    ]
    assert results[1].json["has_bind_password"]
    for result in results:
        assert "magnifier" not in result.stdout + result.stderr
    files = list(cli.store.parent.iterdir())
    assert cli.store.with_name("apimctl.db.key") in files
    for file in files:
        assert b"magnifier" not in file.read_bytes()
    cli.ok("db", "check")


def test_a_dry_run_seals_nothing(cli):
    cli.ok("userstore", "list")
    bind = ("--bind-dn", "cn=searcher,dc=foo,dc=com", "--bind-password-stdin")
    tried = cli.data(*CREATE, *bind, "--dry-run", stdin="magnifier")
    assert tried["has_bind_password"]
    assert not cli.store.with_name("apimctl.db.key").exists()
    assert cli("userstore", "show", "FOO.COM").code == 3


@pytest.mark.parametrize(
    ("options", "code"),
    [
        (("--url", "ldap://ldap.foo.com"), 6),
        (("--user-dn-template", "uid=alice,dc=foo"), 6),
        (("--search-base", "dc=foo"), 6),
        (("--bind-dn", "cn=x"), 6),
        (("--bind-dn", "cn=x", "--bind-password-stdin"), 6),
        (("--ca-file", "nowhere.pem"), 6),
        (("--timeout", "0"), 2),
        (("--timeout", "2m"), 6),
        (("--group-filter", "(member=x)"), 6),
        (("--search-filter", "(uid={}"), 6),
        (("--type", "built-in"), 6),
    ],
)
def test_what_cannot_be(cli, options, code):
    result = cli(*CREATE, *options)
    assert (result.code, result.stdout) == (code, "")
    assert "hint:  " in result.stderr
    assert cli("userstore", "show", "FOO.COM").code == 3


def test_a_built_in_store_has_nothing_to_test(cli):
    result = cli("userstore", "test", "PRIMARY")
    assert result.code == 5
    assert "there is nothing to connect to" in result.stderr


@needs_slapd
def test_a_directory_is_tried_out(cli, slapd):
    create_by_search(cli, slapd, "--group-base", GROUPS)
    checked = cli.data("userstore", "test", "foo.com")
    assert checked == {
        "domain": "FOO.COM",
        "url": slapd.tls,
        "tls": "TLSv1.3",
        "user": None,
        "user_dn": None,
        "roles": None,
    }
    asked = ("userstore", "test", "FOO.COM", "--user", "Alice", "--password-stdin")
    alice = cli.data(*asked, stdin="ecila")
    assert alice == {
        **checked,
        "user": "alice",
        "user_dn": f"uid=alice,{PEOPLE}",
        "roles": ["FOO.COM/reader", "FOO.COM/writer"],
    }
    assert cli.data("user", "list", "--userstore", "FOO.COM") == []


@needs_slapd
@pytest.mark.parametrize(
    ("user", "search_filter", "refused"),
    [
        (
            "alice",
            "(uid={})",
            (4, "alice of FOO.COM: the password is wrong, or"),
        ),
        ("zed", "(uid={})", (3, "zed of FOO.COM: no entry is found")),
        ("shared@foo.com", "(mail={})", (5, "several entries are found")),
    ],
)
def test_an_administrator_is_told_why_somebody_is_not_let_in(
    cli, slapd, user, search_filter, refused
):
    create_by_search(cli, slapd, "--search-filter", search_filter)
    asked = ("userstore", "test", "FOO.COM", "--user", user, "--password-stdin")
    result = cli(*asked, stdin="not the word")
    code, said = refused
    assert result.code == code
    assert said in result.stderr
    assert "not the word" not in result.stderr


@needs_slapd
@pytest.mark.parametrize(
    ("options", "said"),
    [
        (("--url", "ldaps://127.0.0.1:{tls}"), "certificate of 127.0.0.1 is not to be trusted"),
        (("--ca-file", ""), "certificate of localhost is not to be trusted"),
        (("--url", "ldaps://localhost:{down}"), "cannot connect to localhost port {down}"),
        (("--url", "ldaps://localhost:{plain}", "--timeout", "2s"), "localhost"),
        (("--search-base", "ou=gone,dc=foo,dc=com"), "cannot search ou=gone"),
        (("--bind-dn", "cn=nobody,dc=foo,dc=com"), "cannot bind as cn=nobody"),
    ],
)
def test_the_step_that_failed_is_named(cli, slapd, options, said):
    create_by_search(cli, slapd)
    ports = {"plain": slapd.ports[0], "tls": slapd.ports[1], "down": free_port()}
    cli.ok("userstore", "update", "FOO.COM", *(option.format(**ports) for option in options))
    result = cli("userstore", "test", "FOO.COM", "--json")
    assert (result.code, result.stdout) == (7, "")
    assert said.format(**ports) in result.error["message"]
    assert result.error["code"] == "user_store_unavailable"


@needs_slapd
def test_a_wrong_bind_password_is_named_and_a_lost_key_file(cli, slapd):
    create_by_search(cli, slapd, password="wrong")
    result = cli("userstore", "test", "FOO.COM")
    assert result.code == 7
    assert f"cannot bind as {SEARCHER} at localhost: invalid credentials" in result.stderr
    cli.store.with_name("apimctl.db.key").unlink()
    result = cli("userstore", "test", "FOO.COM")
    assert result.code == 7
    assert "key file" in result.stderr
