"""What a token request leads to in the store, without a socket."""

import base64
import random
from dataclasses import dataclass

import pytest

from apimctl.domain.models import GrantType, User
from apimctl.edge.login.context import LoginContext, LoginRequest
from apimctl.edge.login.server import LoginServer
from apimctl.services import users
from apimctl.store import Store
from tests.conftest import NOW
from tests.edge.conftest import TOKENS

OLD, NEW = "correct horse", "battery staple"


@dataclass
class Login:
    """A user whose password was verified, and who asks for a token then."""

    store: Store
    client: tuple[str, str]
    verified: User

    def ask(self, *, verified="as it was", username="alice"):
        pair = base64.b64encode(":".join(self.client).encode()).decode()
        with self.store.transaction() as db:
            context = LoginContext(
                db=db,
                settings=TOKENS,
                grants=frozenset(GrantType),
                now=NOW,
                random=random.Random(2).randbytes,
                verified_user=self.verified if verified == "as it was" else verified,
            )
            form = {"grant_type": "password", "username": username, "password": OLD}
            status, body, _ = LoginServer().answer_token(
                LoginRequest(form, [f"Basic {pair}"], context)
            )
        return status, body

    def change(self, change, *arguments):
        with self.store.transaction() as db:
            return change(db, "alice", *arguments)

    def count_user_tokens(self):
        with self.store.reading() as db:
            return db.execute("SELECT count(*) FROM refresh_token").fetchone()[0]


@pytest.fixture
def login(shop, store):
    with store.transaction() as db:
        users.create(db, "alice", password_hash=users.hash_password(OLD), **shop.made)
        alice = users.require(db, "alice")
    assert users.is_password(alice, OLD)
    client = (shop.generated.key.consumer_key, shop.generated.consumer_secret)
    return Login(store, client, alice)


def is_refused(login, answer) -> bool:
    status, body = answer
    assert login.count_user_tokens() == 0
    return (status, body["error"]) == (400, "invalid_grant")


def test_a_password_that_was_verified_gives_a_token(login):
    status, body = login.ask()
    assert (status, body["token_type"]) == (200, "Bearer")
    assert login.count_user_tokens() == 1


def test_a_password_that_changed_while_it_was_verified_gives_no_token(login):
    login.change(users.set_password_hash, users.hash_password(NEW))
    assert is_refused(login, login.ask())


def test_the_same_password_set_anew_while_it_was_verified_gives_no_token(login):
    login.change(users.set_password_hash, users.hash_password(OLD))
    assert is_refused(login, login.ask())


def test_a_user_who_was_deleted_while_the_password_was_verified_gets_no_token(login):
    login.change(users.delete)
    assert is_refused(login, login.ask())


def test_a_user_who_was_renamed_while_the_password_was_verified_gets_a_token(login):
    login.change(users.rename, "alicia")
    assert login.ask()[0] == 200


def test_a_password_that_was_not_verified_gives_no_token(login):
    assert is_refused(login, login.ask(verified=None))
