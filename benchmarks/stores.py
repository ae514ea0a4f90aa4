"""A store as a busy server has it: an API, a domain-restricted key, and very many tokens."""

import secrets
import time
from dataclasses import dataclass, field
from pathlib import Path

from apimctl.config import TokenSettings
from apimctl.domain.models import ApiState, KeyType
from apimctl.services import apis, applications, keys, subscriptions, tiers, tokens
from apimctl.services.apis import ApiForm
from apimctl.services.applications import ApplicationForm
from apimctl.store import open_store

DOMAIN = "example.com"
CONTEXT = "/bench"
PATH = f"{CONTEXT}/1/"
A_DAY = 86_400
SETTINGS = TokenSettings(
    application_validity_seconds=A_DAY,
    user_validity_seconds=A_DAY,
    refresh_validity_seconds=A_DAY,
    timestamp_skew_seconds=0,
    code_validity_seconds=300,
)

_ADD_TOKENS = """
    WITH RECURSIVE number (n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM number WHERE n < :count)
    INSERT INTO access_token (digest, id, consumer_key, user_id, family_id, state, scope, hint,
        issued_at, expires_at)
    SELECT lower(hex(randomblob(32))), lower(hex(randomblob(8))), :consumer_key, NULL, NULL,
        'ACTIVE', 'default', 'xxxx', :now, :now + 86400 FROM number
"""


@dataclass(frozen=True)
class BenchStore:
    """Where the store is, and what a client of it holds."""

    path: Path
    access_tokens: tuple[str, ...] = field(repr=False)
    consumer_key: str
    consumer_secret: str = field(repr=False)


def make_store(path: Path, *, backend: str, count: int, known: int = 1) -> BenchStore:
    """Make a store with `count` access tokens; `known` of them are returned."""
    now = int(time.time())
    store = open_store(path, now=now)
    with store.transaction() as db:
        tiers.create(db, "Bench", requests=1_000_000_000, per_seconds=A_DAY)
        api = apis.create(
            db,
            "bench",
            context=CONTEXT,
            version="1",
            state=ApiState.PUBLISHED,
            form=ApiForm(production_url=backend),
            now=now,
            random=secrets.token_bytes,
        )
        application = applications.create(
            db,
            "Bench",
            owner="admin",
            form=ApplicationForm(tier="Bench"),
            now=now,
            random=secrets.token_bytes,
        )
        subscriptions.create(
            db, application, api, tier="Bench", now=now, random=secrets.token_bytes
        )
        generated = keys.generate(
            db,
            application,
            KeyType.PRODUCTION,
            allowed_domains=(DOMAIN,),
            validity_seconds=None,
            settings=SETTINGS,
            now=now,
            random=secrets.token_bytes,
        )
        key, issued = generated.key, [generated.issued]
        while len(issued) < known:
            issued.append(
                tokens.issue_application_token(
                    db, key, settings=SETTINGS, now=now, random=secrets.token_bytes
                )
            )
        if count > known:
            values = {"count": count - known, "consumer_key": key.consumer_key, "now": now}
            db.execute(_ADD_TOKENS, values)
    store.close()
    return BenchStore(
        path=path,
        access_tokens=tuple(one.access_token for one in issued),
        consumer_key=key.consumer_key,
        consumer_secret=generated.consumer_secret,
    )


def count_tokens(path: Path) -> int:
    """Return how many access tokens are in a store, as a process of its own sees it."""
    store = open_store(path, now=int(time.time()))
    try:
        with store.reading() as db:
            return int(db.execute("SELECT count(*) FROM access_token").fetchone()[0])
    finally:
        store.close()
