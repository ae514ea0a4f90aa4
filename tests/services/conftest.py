"""A store in one open transaction, with a fixed clock and a seeded random source."""

import random
from contextlib import contextmanager
from dataclasses import dataclass, field, replace

import pytest

from apimctl.config import TokenSettings
from apimctl.domain.models import ApiState, KeyType, User
from apimctl.domain.userstores import UserStoreType
from apimctl.services import (
    apis,
    applications,
    keys,
    renewal,
    subscriptions,
    token_pages,
    tokens,
    users,
    userstores,
)
from apimctl.services.apis import ApiForm
from apimctl.services.applications import ApplicationForm
from apimctl.services.userstores import LdapForm
from apimctl.tables import changes
from apimctl.tables import users as user_rows

NOW = 1_800_000_000
URL = "http://127.0.0.1:9000"
TOKENS = TokenSettings(3600, 3600, 86_400, 0, 300)


@dataclass
class Desk:
    """Everything a use case needs, and the use cases in short."""

    db: object
    now: int = NOW
    settings: TokenSettings = field(default=TOKENS)
    random: object = field(default_factory=lambda: random.Random(7).randbytes)

    @property
    def moment(self):
        return {"now": self.now, "random": self.random}

    @property
    def issuing(self):
        return {**self.moment, "settings": self.settings}

    def configure(self, **values):
        self.settings = replace(self.settings, **values)

    @property
    def default(self):
        return applications.resolve(self.db, "DefaultApplication")

    def application(self, name, *, owner="admin", **form):
        made = {"owner": owner, "form": ApplicationForm(**form)}
        return applications.create(self.db, name, **made, **self.moment)

    def user(self, name):
        return users.create(self.db, name, password_hash=None, **self.moment)

    def userstore(self, domain, store_type=UserStoreType.BUILT_IN, *, sealed=None, **form):
        return userstores.create(
            self.db,
            domain,
            form=LdapForm(**form),
            store_type=store_type,
            sealed_bind_password=sealed,
            now=self.now,
        )

    def api(
        self, name="twitter", version="1.0.0", *, context=None, state=ApiState.PUBLISHED, **form
    ):
        return apis.create(
            self.db,
            name,
            context=context or f"/{name}",
            version=version,
            state=state,
            form=ApiForm(**{"production_url": URL, **form}),
            **self.moment,
        )

    def subscribe(self, application, api, tier=None):
        return subscriptions.create(self.db, application, api, tier=tier, **self.moment)

    def generate(self, application=None, key_type=KeyType.SANDBOX, *, domains=(), validity=None):
        return keys.generate(
            self.db,
            application or self.default,
            key_type,
            allowed_domains=domains,
            validity_seconds=validity,
            **self.issuing,
        )

    def issue(self, key, **options):
        return tokens.issue_application_token(self.db, key, **self.issuing, **options)

    def log_in(self, key, user_id, **options):
        return tokens.issue_user_token(self.db, key, user_id, **self.issuing, **options)

    def regenerate(self, key, *, validity=None, grace=0):
        key = keys.require(self.db, self.default, key.key_type)
        return renewal.renew_application_token(
            self.db, key, validity_seconds=validity, grace_seconds=grace, **self.issuing
        )

    def renew(self, text):
        return renewal.renew_as_administrator(self.db, text, **self.issuing)

    def state(self, text):
        return tokens.require_access_token(self.db, text).state_at(self.now)

    def list(self, **query):
        """Return the tokens of the first page of a list."""
        page = token_pages.list_page(
            self.db, token_pages.TokenQuery(**{"limit": 9, **query}), now=self.now
        )
        return [row[0] for row in page.rows]

    def user_of(self, userstore, name):
        user = User(f"{name}-{userstore}", name, userstore, None, self.now)
        user_rows.insert(self.db, user)
        return user

    def rehearse(self, change, *arguments, **options):
        """Return what a change of the store returns, and undo it."""
        self.db.execute("SAVEPOINT rehearsal")
        try:
            return change(self.db, *arguments, **options)
        finally:
            self.db.execute("ROLLBACK TO rehearsal")
            self.db.execute("RELEASE rehearsal")

    @contextmanager
    def announcing(self):
        """Give a list that holds (kind, subject) of what the block announced, once it ends."""
        before = changes.newest_id(self.db)
        announced = []
        yield announced
        announced += [(one.kind, one.subject) for one in changes.list_after(self.db, before)]


@pytest.fixture
def desk(store):
    with store.transaction() as db:
        yield Desk(db)
        assert db.execute("PRAGMA foreign_key_check").fetchall() == []
