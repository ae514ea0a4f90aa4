"""A store with one API, one subscribed application and its key, and ways to change it."""

import random
from dataclasses import dataclass

import pytest

from apimctl.config import TokenSettings
from apimctl.domain.models import ApiState, KeyType
from apimctl.services import apis, applications, keys, subscriptions, tokens
from apimctl.services.apis import ApiForm
from apimctl.services.keys import GeneratedKey
from apimctl.store import Store
from tests.conftest import NOW

TOKENS = TokenSettings(
    application_validity_seconds=3600,
    user_validity_seconds=3600,
    refresh_validity_seconds=86_400,
    timestamp_skew_seconds=0,
    code_validity_seconds=300,
)


@dataclass
class Shop:
    """What is in the store; each change is a transaction of its own connection."""

    store: Store
    random: random.Random
    generated: GeneratedKey | None = None

    @property
    def token(self) -> str:
        return self.generated.issued.access_token

    @property
    def made(self) -> dict:
        return {"now": NOW, "random": self.random.randbytes}

    def issue(self, settings=TOKENS) -> str:
        """Issue another access token, which announces nothing."""
        with self.store.transaction() as db:
            issued = tokens.issue_application_token(
                db, self.generated.key, settings=settings, **self.made
            )
        return issued.access_token

    def restrict(self, *domains) -> None:
        with self.store.transaction() as db:
            keys.update(db, self.generated.key, allowed_domains=domains)

    def publish(self, name: str) -> None:
        form = ApiForm(production_url="http://127.0.0.1:1")
        with self.store.transaction() as db:
            apis.create(
                db,
                name,
                context=f"/{name}",
                version="1",
                state=ApiState.PUBLISHED,
                form=form,
                **self.made,
            )


@pytest.fixture
def shop(store) -> Shop:
    made = Shop(store, random.Random(1))
    made.publish("twitter")
    with store.transaction() as db:
        application = applications.resolve(db, "DefaultApplication")
        twitter = apis.resolve(db, "twitter")
        subscriptions.create(db, application, twitter, tier=None, **made.made)
        made.generated = keys.generate(
            db,
            application,
            KeyType.PRODUCTION,
            allowed_domains=(),
            validity_seconds=None,
            settings=TOKENS,
            **made.made,
        )
    return made
