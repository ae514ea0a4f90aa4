"""A store in one open transaction, and a request of a user who has logged in."""

import secrets

import pytest

from apimctl import config
from apimctl.pages.browser import Browser
from apimctl.portal import subscriptions
from apimctl.portal.visits import Person, Visit
from apimctl.services import users
from tests.conftest import NOW

MOMENT = {"now": NOW, "random": secrets.token_bytes}


@pytest.fixture
def db(store):
    with store.transaction() as connection:
        yield connection


@pytest.fixture
def visit(db, store_path):
    """A user's request for My Subscriptions."""
    user = users.create(db, "alice", password_hash=None, **MOMENT)
    return Visit(
        path=subscriptions.PATH,
        root="../",
        browser=Browser(None, is_secure=False).told_apart(secrets.token_bytes),
        settings=config.load({"db": str(store_path)}, environ={}),
        person=Person(user, frozenset()),
        **MOMENT,
    )
