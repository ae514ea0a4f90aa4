"""A store as a busy server has it: an API, a domain-restricted key, and very many tokens."""

import secrets
import time
from dataclasses import dataclass
from pathlib import Path

from apimctl.config import TokenSettings
from apimctl.domain.models import ApiState, KeyType
from apimctl.services import apis, applications, keys, subscriptions, tiers
from apimctl.services.apis import ApiForm
from apimctl.store import open_store

DOMAIN = "example.com"
CONTEXT = "/bench"
PATH = f"{CONTEXT}/1/"
A_DAY = 86_400

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
    access_token: str
    consumer_key: str
    consumer_secret: str


def make_store(path: Path, *, backend: str, tokens: int) -> BenchStore:
    """Make a store with so many access tokens; the one that is returned is among them."""
    now = int(time.time())
    made = {"now": now, "random": secrets.token_bytes}
    settings = TokenSettings(
        application_validity_seconds=A_DAY,
        user_validity_seconds=A_DAY,
        refresh_validity_seconds=A_DAY,
        timestamp_skew_seconds=0,
    )
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
            **made,
        )
        application = applications.create(
            db, "Bench", owner="admin", tier="Bench", description="", callback_url=None, **made
        )
        subscriptions.create(db, application, api, tier="Bench", **made)
        key = keys.generate(
            db,
            application,
            KeyType.PRODUCTION,
            allowed_domains=(DOMAIN,),
            validity_seconds=None,
            settings=settings,
            **made,
        )
        consumer_key = key.key.consumer_key
        if tokens > 1:
            values = {"count": tokens - 1, "consumer_key": consumer_key, "now": now}
            db.execute(_ADD_TOKENS, values)
    store.close()
    return BenchStore(path, key.issued.access_token, consumer_key, key.consumer_secret)
