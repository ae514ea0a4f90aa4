import pytest

from apimctl.domain.models import KeyType
from apimctl.errors import InvalidInputError, NotFoundError
from apimctl.services import own_tokens


@pytest.fixture
def alice(desk):
    return desk.user("alice")


@pytest.fixture
def shop(desk, alice):
    return desk.application("shop", owner=alice.name)


def test_a_token_is_within_reach_of_its_applications_owner_and_of_admins(desk, alice, shop):
    bob = desk.user("bob")
    key = desk.generate(shop).key
    pair = desk.log_in(key, bob.id)
    for text in (pair.access_token, pair.refresh_token):
        found = own_tokens.require(desk.db, text, owner=alice)
        assert found.hint == text[-4:]
        assert own_tokens.require(desk.db, text, owner=None) == found
        with pytest.raises(NotFoundError):
            own_tokens.require(desk.db, text, owner=bob)


def test_anothers_token_is_as_unknown_as_one_that_is_not_there(desk, alice):
    made = desk.generate()
    elsewhere = made.issued.access_token
    with pytest.raises(NotFoundError) as of_another:
        own_tokens.require(desk.db, elsewhere, owner=alice)
    desk.db.execute("DELETE FROM access_token")
    with pytest.raises(NotFoundError) as of_nobody:
        own_tokens.require(desk.db, elsewhere, owner=alice)
    assert vars(of_another.value) == vars(of_nobody.value)


def test_what_is_no_token(desk, alice, shop):
    made = desk.generate(shop)
    for text in (
        "",
        "x",
        made.key.consumer_key,
        made.consumer_secret,
        made.issued.access_token[:-1],
    ):
        with pytest.raises(InvalidInputError):
            own_tokens.require(desk.db, text, owner=alice)


def test_a_token_is_named_by_its_id_among_those_of_its_application(desk, shop):
    for key_type in KeyType:
        token = desk.generate(shop, key_type).issued.token
        assert own_tokens.require_of(desk.db, shop, token.id) == token
        with pytest.raises(NotFoundError):
            own_tokens.require_of(desk.db, desk.default, token.id)
    with pytest.raises(NotFoundError):
        own_tokens.require_of(desk.db, shop, "0")
