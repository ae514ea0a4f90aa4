"""How long lists of tokens take: ``python -m benchmarks.listing [--tokens N] [--json FILE]``.

A million tokens of 200 applications and 10,000 users, issued over a month, most of them expired, a
tenth in a partition, one in 10,000 revoked. Each form of list is one page of 100, asked for by the
command as a user runs it, and by the service alone.
"""

import argparse
import os
import secrets
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from sqlite3 import Connection
from typing import Any

from rich import box
from rich.table import Table

from apimctl.domain.models import KeyType, TokenState, User
from apimctl.domain.userstores import UserStoreType
from apimctl.services import applications, keys, partitions, token_pages, userstores
from apimctl.services.applications import ApplicationForm
from apimctl.services.token_pages import Order, TokenQuery
from apimctl.services.userstores import LdapForm
from apimctl.store import Store, open_store
from apimctl.tables import users
from benchmarks import report
from benchmarks.stores import SETTINGS

APPLICATIONS = 200
USERS = 10_000
MONTH_SECONDS = 30 * 86_400
ROUNDS = 7
LETTER = "A"
DOMAIN = "FOO.COM"

_ADD_TOKENS = """
    WITH RECURSIVE number (n) AS (SELECT 0 UNION ALL SELECT n + 1 FROM number WHERE n < :count - 1)
    INSERT INTO {table} (digest, id, consumer_key, user_id, family_id, state, scope, hint,
        issued_at, expires_at)
    SELECT lower(hex(randomblob(32))), lower(hex(randomblob(8))), key.consumer_key,
        CASE n % 2 WHEN 0 THEN 'user' || (n / 2 % :users) END, NULL,
        CASE n % 10000 WHEN 7 THEN 'REVOKED' ELSE 'ACTIVE' END, 'default', 'xxxx',
        :since + n * :month / :count,
        CASE n % 1000 WHEN 3 THEN NULL ELSE :since + n * :month / :count + 3600 END
    FROM number JOIN bench_key AS key ON key.number = n % :applications
"""


@dataclass(frozen=True)
class Form:
    """A list as the command line asks for it, and as the service is asked."""

    arguments: str
    query: Mapping[str, Any]


def make_store(path: Path, *, count: int) -> tuple[Store, list[Form]]:
    """Make a store with so many tokens, and return it with the lists that are asked of it."""
    now = int(time.time())
    made: dict[str, Any] = {"now": now, "random": secrets.token_bytes}
    store = open_store(path, now=now)
    with store.transaction() as db:
        db.execute("CREATE TEMP TABLE bench_key (number INTEGER PRIMARY KEY, consumer_key TEXT)")
        for number in range(APPLICATIONS):
            form = ApplicationForm()
            app = applications.create(db, f"App{number}", owner="admin", form=form, **made)
            key = keys.generate(
                db,
                app,
                KeyType.PRODUCTION,
                allowed_domains=(),
                validity_seconds=None,
                settings=SETTINGS,
                **made,
            ).key
            db.execute("INSERT INTO bench_key VALUES (?, ?)", (number, key.consumer_key))
        userstores.create(
            db,
            DOMAIN,
            form=LdapForm(),
            store_type=UserStoreType.BUILT_IN,
            sealed_bind_password=None,
            now=now,
        )
        for number in range(USERS):
            users.insert(db, User(f"user{number}", f"user{number}", DOMAIN, None, now))
        partitions.create_missing(db, {DOMAIN: LETTER}, now=now)
        _add_tokens(db, "access_token", count * 9 // 10, now=now)
        _add_tokens(db, f"access_token_{LETTER}", count // 10, now=now)
        db.execute("DROP TABLE bench_key")
        app = applications.resolve(db, "App7")
        user = users.get(db, "user7")
        middle = f"{now - MONTH_SECONDS // 2}-0"
    return store, [
        Form("", {}),
        Form(f"--after {middle}", {"after": middle}),
        Form("--reverse", {"is_reversed": True}),
        Form("--app App7", {"applications": [app]}),
        Form("--user FOO.COM/user7", {"user": user}),
        Form(f"--partition {LETTER}", {"partition": LETTER}),
        Form("--state ACTIVE", {"state": TokenState.ACTIVE}),
        Form("--state EXPIRED", {"state": TokenState.EXPIRED}),
        Form("--state REVOKED", {"state": TokenState.REVOKED}),
        Form("--state INACTIVE", {"state": TokenState.INACTIVE}),
        Form("--sort expires_at", {"order": Order.EXPIRES_AT}),
        Form(
            "--sort expires_at --state ACTIVE",
            {"order": Order.EXPIRES_AT, "state": TokenState.ACTIVE},
        ),
        Form("--limit 10000", {"limit": 10_000}),
    ]


def measure(store: Store, form: Form) -> tuple[float, float]:
    """Return how many milliseconds the command and the service took, the medians of the rounds."""
    command, service = [], []
    query = TokenQuery(**{"limit": 100, **form.query})
    arguments = ["token", "list", *form.arguments.split(), "--json"]
    for _ in range(ROUNDS):
        started_at = time.perf_counter()
        subprocess.run(
            [sys.executable, "-m", "apimctl", *arguments],
            env={**os.environ, "APIMCTL_DB": str(store.path)},
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            check=True,
        )
        command.append(time.perf_counter() - started_at)
        with store.reading() as db:
            started_at = time.perf_counter()
            token_pages.list_page(db, query, now=int(time.time()))
            service.append(time.perf_counter() - started_at)
    return statistics.median(command) * 1000, statistics.median(service) * 1000


def main() -> None:
    """Measure, print, and write JSON where it is wanted."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--tokens", type=int, default=1_000_000)
    parser.add_argument("--json", type=Path, metavar="FILE", help="write the figures there")
    chosen = parser.parse_args()
    where = report.machine()
    with tempfile.TemporaryDirectory(prefix="apimctl-bench-") as name:
        store, forms = make_store(Path(name) / "bench.db", count=chosen.tokens)
        found = {form.arguments: measure(store, form) for form in forms}
        store.close()
    table = Table(box=box.MARKDOWN)
    for column in ("apimctl token list", "command, ms", "service, ms"):
        table.add_column(column)
    for arguments, (command, service) in found.items():
        table.add_row(arguments or "(the newest 100)", f"{command:.0f}", f"{service:.1f}")
    report.say(
        f"\nLists of {chosen.tokens:,} tokens. Medians of {ROUNDS}, {where['cores']} cores of"
        f" {where['processor']}, Python {where['python']},"
        f" load before {where['load_average_before']:.1f}"
    )
    report.draw(table)
    report.write(chosen.json, where, [{"milliseconds": found}])


def _add_tokens(db: Connection, table: str, count: int, *, now: int) -> None:
    values = {
        "count": count,
        "users": USERS,
        "applications": APPLICATIONS,
        "month": MONTH_SECONDS,
        "since": now - MONTH_SECONDS,
    }
    db.execute(_ADD_TOKENS.format(table=table), values)


if __name__ == "__main__":
    main()
