"""What the Login API leaves in the audit log."""

import base64
import random

import pytest

from apimctl.domain.models import GrantType, Via
from apimctl.edge.login.context import LoginContext, LoginRequest
from apimctl.edge.login.server import LoginServer
from apimctl.services import tokens, users
from apimctl.tables import audit
from tests.conftest import NOW
from tests.edge.conftest import TOKENS


class Client:
    """A client of the Login API, and what it leaves in the log."""

    def __init__(self, shop):
        generated = shop.generated
        pair = f"{generated.key.consumer_key}:{generated.consumer_secret}"
        self.authorization = f"Basic {base64.b64encode(pair.encode()).decode()}"
        self.store = shop.store
        self.random = random.Random(2).randbytes
        with self.store.transaction() as db:
            alice = users.create(db, "alice", password_hash=None, now=NOW, random=self.random)
            self.alice = tokens.issue_user_token(
                db, generated.key, alice.id, settings=TOKENS, now=NOW, random=self.random
            )
        self.verified = alice

    def _ask(self, answer, form):
        with self.store.transaction() as db:
            context = LoginContext(
                db=db,
                settings=TOKENS,
                grants=frozenset(GrantType),
                now=NOW,
                random=self.random,
                verified_user=self.verified,
            )
            return answer(LoginRequest(form, [self.authorization], context))

    def ask(self, **form):
        return self._ask(LoginServer().answer_token, form)

    def revoke(self, token):
        return self._ask(LoginServer().answer_revocation, {"token": token})

    def refresh(self, token):
        return self.ask(grant_type="refresh_token", refresh_token=token)

    @property
    def rows(self):
        with self.store.reading() as db:
            return audit.list_newest(db, audit.AuditFilter(), limit=100)[::-1]

    def token_id(self, text):
        with self.store.reading() as db:
            return tokens.require_access_token(db, text).id


@pytest.fixture
def client(shop):
    return Client(shop)


def test_an_application_token_that_is_issued(client):
    _, body, _ = client.ask(grant_type="client_credentials")
    (row,) = client.rows
    assert (row.action, row.target, row.at) == ("token.issue", "DefaultApplication", NOW)
    assert (row.actor.name, row.actor.via) == ("DefaultApplication", Via.LOGIN_API)
    assert row.details == {
        "application": "DefaultApplication",
        "owner": "admin",
        "key_type": "PRODUCTION",
        "token": client.token_id(body["access_token"]),
        "grant": "client_credentials",
    }


def test_a_user_token_that_is_issued_is_the_users(client):
    client.ask(grant_type="password", username="alice", password="x")
    (row,) = client.rows
    assert (row.action, row.target) == ("token.issue", "alice")
    assert row.actor.name == row.details["application"] == "DefaultApplication"
    assert row.details["grant"] == "password"


def test_a_renewal_and_the_replay_that_ends_the_family(client):
    spent = client.alice.refresh_token
    assert client.refresh(spent)[0] == 200
    assert client.refresh(spent)[0] == 400
    renewed, replayed = client.rows
    assert (renewed.action, renewed.target) == ("token.renew", "alice")
    assert (replayed.action, replayed.target) == ("token.replay", "alice")
    assert replayed.details["refresh_token"] == f"...{spent[-4:]}"


@pytest.mark.parametrize("which", ["access_token", "refresh_token"])
def test_a_revocation_once(client, which):
    for _ in range(2):
        assert client.revoke(getattr(client.alice, which))[0] == 200
    (row,) = client.rows
    assert (row.action, row.target) == ("token.revoke", "alice")


def test_what_is_refused_leaves_nothing(client):
    client.authorization = "Basic eDp5"
    assert client.ask(grant_type="client_credentials")[0] == 401
    assert client.revoke(client.alice.refresh_token)[0] == 401
    assert client.rows == []


def test_no_row_holds_a_secret(client):
    first = client.ask(grant_type="password", username="alice", password="x")[1]
    second = client.refresh(first["refresh_token"])[1]
    client.revoke(second["access_token"])
    assert len(client.rows) == 3
    assert "apim_" not in repr(client.rows)
