"""The audit log: that every command leaves its row, and how it is read."""

import io
import os
import pwd
import sys

import pytest
import typer

from apimctl.cli import root, run
from apimctl.commands.forms import Destroys, Writes
from apimctl.domain.models import Actor, AuditEntry, Via
from apimctl.invocation import Invocation
from apimctl.store import open_store
from apimctl.tables import audit
from tests.commands.test_db import make_older
from tests.conftest import NOW

PASSWORD = "correct horse battery"
URL = "http://127.0.0.1:9000"
CONTEXT = ("--context", "/o", "--version", "1", "--sandbox-url", URL)
PIPED = "--password-stdin"
TO_OTHER = ("--api", "other")
LDAP = ("--type", "ldap", "--url", "ldaps://127.0.0.1", "--user-dn-template", "uid={},dc=foo")

SAMPLES = {
    "init": [PIPED],
    "tier.create": ["Mine", "--requests", "1", "--per", "1m"],
    "tier.update": ["Mine", "--requests", "2"],
    "tier.delete": ["Mine", "--yes"],
    "user.create": ["alice", PIPED],
    "user.update": ["alice", "--name", "alicia"],
    "user.password": ["alicia", PIPED],
    "user.delete": ["alicia", "--yes"],
    "app.create": ["shop"],
    "app.update": ["shop", "--tier", "Gold"],
    "app.delete": ["shop", "--yes"],
    "api.create": ["other", *CONTEXT],
    "api.update": ["other", "--description", "x"],
    "api.publish": ["other"],
    "api.resource.create": ["other", "--method", "GET", "--pattern", "/x"],
    "api.resource.update": ["other", "--pattern", "/x", "--tier", "Gold"],
    "api.resource.delete": ["other", "--pattern", "/x", "--yes"],
    "api.scope.create": ["other", "read"],
    "api.scope.update": ["other", "read", "--role", "reader"],
    "api.scope.delete": ["other", "read", "--yes"],
    "subscription.create": [*TO_OTHER],
    "subscription.update": [*TO_OTHER, "--tier", "Gold"],
    "subscription.block": [*TO_OTHER, "--production-only"],
    "subscription.hold": [*TO_OTHER],
    "subscription.unblock": [*TO_OTHER],
    "subscription.reject": [*TO_OTHER],
    "subscription.delete": [*TO_OTHER, "--yes"],
    "api.block": ["other"],
    "api.unblock": ["other"],
    "api.deprecate": ["other"],
    "api.retire": ["other"],
    "api.delete": ["other", "--yes"],
    "key.generate": [],
    "key.update": ["--domains", "a.com"],
    "key.rotate": ["--grace", "10m"],
    "token.renew": [],
    "token.revoke": ["--all"],
    "token.issue": ["--user", "admin"],
    "token.purge": [],
    "key.delete": ["--yes"],
    "signing-key.rotate": [],
    "signing-key.delete": ["{target}", "--yes"],
    "userstore.create": ["FOO.COM", *LDAP],
    "userstore.update": ["FOO.COM", "--timeout", "2s"],
    "userstore.delete": ["FOO.COM", "--yes"],
    "config.set": ["gateway.port", "1"],
    "config.unset": ["gateway.port"],
}
"""A sample of every command that writes, in an order in which each finds what it needs.

``{target}`` is what the one before was done to.
"""

ELSEWHERE = {"db.migrate"}
"""It has a test of its own: it needs a store of another kind."""


@pytest.fixture
def here(tmp_path, monkeypatch):
    """Run the command line in this process, and return the rows that a command left."""
    path = tmp_path / "store.db"
    monkeypatch.setenv("APIMCTL_DB", str(path))

    def left(*arguments) -> list[AuditEntry]:
        monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(PASSWORD.encode())))
        before = everything(path)
        assert run(arguments) == 0, arguments
        return [entry for entry in everything(path) if entry not in before]

    return left


def everything(path) -> list[AuditEntry]:
    store = open_store(path, now=NOW)
    try:
        with store.reading() as db:
            return audit.list_newest(db, audit.AuditFilter(), limit=1000)
    finally:
        store.close()


def writing_commands(command, path=()):
    context = typer.Context(command, info_name="apimctl", obj=Invocation())
    if not hasattr(command, "list_commands"):
        if isinstance(command, Writes | Destroys):
            yield ".".join(path)
        return
    for name in command.list_commands(context):
        yield from writing_commands(command.get_command(context, name), (*path, name))


def test_every_command_that_writes_has_a_sample_here():
    missing = set(writing_commands(root())) - set(SAMPLES) - ELSEWHERE
    assert not missing, f"add to SAMPLES a call of {missing} and let it leave a row: call.audit"


def test_every_command_that_writes_leaves_one_row_with_its_name_and_no_secret(here, capsys):
    me = Actor(pwd.getpwuid(os.getuid()).pw_name, Via.CLI)
    target = ""
    for action, arguments in SAMPLES.items():
        given = [argument.replace("{target}", target) for argument in arguments]
        left = here(*action.split("."), *given, "--json")
        assert [(entry.action, entry.actor) for entry in left] == [(action, me)]
        assert PASSWORD not in repr(left)
        assert "apim_" not in repr(left)
        target = left[0].target


def test_a_dry_run_leaves_no_row(here):
    assert here("app", "create", "shop", "--dry-run") == []


def test_a_row_says_what_was_changed_and_of_whom(here):
    here("app", "create", "shop")
    (made,) = here("app", "update", "shop", "--name", "Shop", "--tier", "Gold")
    assert (made.target, made.details) == (
        "shop",
        {"owner": "admin", "name": "Shop", "tier": "Gold"},
    )
    (set_row,) = here("config", "set", "tokens.user_validity", "2h")
    assert (set_row.target, set_row.details) == ("tokens.user_validity", {"value": "2h"})


def test_a_migration_leaves_a_row_whatever_command_made_it(cli):
    make_older(cli.store)
    cli.ok("tier", "list")
    (row,) = cli.data("audit", "list")
    assert (row["action"], row["target"]) == ("db.migrate", str(cli.store))
    assert ".schema-3." in row["details"]["backup"]


@pytest.fixture
def log(cli):
    """Fill the log with a day of work, an entry an hour, and return the binary."""
    store = open_store(cli.store, now=NOW)
    eve, shop = Actor("eve", Via.CLI), Actor("shop", Via.LOGIN_API)
    with store.transaction() as db:
        for hour in range(24):
            actor = eve if hour % 2 else shop
            action = ("token.issue", "app.create", "token.revoke")[hour % 3]
            details = {"hour": hour}
            audit.insert(db, AuditEntry(NOW + hour * 3600, actor, action, f"T{hour}", details))
    store.close()
    return cli


def hours(log, *options) -> list[int]:
    return [row["details"]["hour"] for row in log.data("audit", "list", *options)]


@pytest.mark.parametrize(
    ("options", "wanted"),
    [
        ([], range(23, -1, -1)),
        (["--action", "token.issue"], range(21, -1, -3)),
        (["--action", "token."], [hour for hour in range(23, -1, -1) if hour % 3 != 1]),
        (["--action", "token"], []),
        (["--actor", "eve"], range(23, 0, -2)),
        (["--via", "login_api"], range(22, -1, -2)),
        (["--target", "T7"], [7]),
        (["--since", "2027-01-15T18:00:00Z", "--until", "2027-01-15T20:00:00Z"], [11, 10]),
        (["--since", "2027-01-16"], range(23, 15, -1)),
        (["--until", "2027-01-15T10:00:00+01:00"], [0]),
        (["--limit", "2"], [23, 22]),
        (["--actor", "eve", "--limit", "2", "--before", "20"], [17, 15]),
        (["--limit", "1", "--before", str(2**63)], [23]),
        (["--before", str(-(2**64))], []),
    ],
)
def test_the_log_is_narrowed(log, options, wanted):
    assert hours(log, *options) == list(wanted)


def test_a_full_page_says_how_to_get_the_next(log):
    result = log.ok("audit", "list", "--limit", "5")
    assert "--before 20" in result.stderr
    assert len(result.stdout.splitlines()) == 6
    assert "--before" not in log.ok("audit", "list", "--before", "20").stderr


def test_an_entry_is_shown_with_its_details(log):
    shown = log.data("audit", "show", "8")
    assert shown == {
        "id": 8,
        "at": "2027-01-15T15:00:00Z",
        "actor": "eve",
        "via": "cli",
        "action": "app.create",
        "target": "T7",
        "details": {"hour": 7},
    }
    assert '{"hour": 7}' in log.ok("audit", "show", "8").stdout
    for number in ("99", str(2**63)):
        missing = log("audit", "show", number, "--json")
        assert (missing.code, missing.error["code"]) == (3, "not_found")


@pytest.mark.parametrize(
    "options",
    [("--via", "post"), ("--since", "yesterday"), ("--until", "2026-13-01"), ("--limit", "0")],
)
def test_what_cannot_be_asked(log, options):
    result = log("audit", "list", *options)
    assert (result.code, result.stdout) == (2, "")
    assert "hint:  " in result.stderr
