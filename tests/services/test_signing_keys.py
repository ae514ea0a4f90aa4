import json

import pytest
from joserfc import jws
from joserfc.jwk import KeySet

from apimctl import sealing
from apimctl.config import SigningSettings
from apimctl.domain.models import SigningAlgorithm, TokenFormat
from apimctl.domain.validity import LONGEST_SECONDS, NEVER
from apimctl.errors import NotFoundError, StoreUnreadableError
from apimctl.services import signing_keys


@pytest.fixture
def jwt_key(desk, store_path):
    """Return a key whose application has its tokens as JWTs."""
    desk.configure(signing=SigningSettings("https://login.test", "", store_path))
    application = desk.application("shop", token_format=TokenFormat.JWT)
    return desk.generate(application).key


@pytest.fixture
def rotate(desk, store_path):
    def rotate(algorithm=SigningAlgorithm.ES256):
        pair = signing_keys.make_pair(algorithm)
        return signing_keys.rotate(desk.db, pair, store_path=store_path, **desk.moment)

    return rotate


def published(desk):
    return [jwk["kid"] for jwk in signing_keys.key_set(desk.db, now=desk.now)["keys"]]


def test_nothing_is_published_before_it_is_needed(desk):
    assert signing_keys.key_set(desk.db, now=desk.now) == {"keys": []}
    desk.generate()
    assert signing_keys.list_all(desk.db) == []


def test_the_first_jwt_makes_the_key_and_the_next_ones_use_it(desk, jwt_key):
    (key,) = signing_keys.list_all(desk.db)
    desk.issue(jwt_key)
    assert [one.id for one in signing_keys.list_all(desk.db)] == [key.id]
    (jwk,) = signing_keys.key_set(desk.db, now=desk.now)["keys"]
    assert (jwk["kid"], jwk["alg"], jwk["use"]) == (key.id, "ES256", "sig")
    assert (jwk["kty"], jwk["crv"]) == ("EC", "P-256")
    assert "d" not in jwk


def test_the_private_half_is_in_the_store_sealed_only(desk, jwt_key, store_path):
    (key,) = signing_keys.list_all(desk.db)
    private = sealing.unseal(store_path, key.sealed_private_jwk, purpose=signing_keys.PURPOSE)
    secret = json.loads(private)["d"]
    assert secret not in "\n".join(desk.db.iterdump())
    assert key.sealed_private_jwk not in repr(key)
    assert secret not in repr(signing_keys.make_pair())


def test_without_its_key_file_the_store_signs_nothing(desk, jwt_key, store_path, rotate):
    sealing.key_path(store_path).unlink()
    signing_keys._unsealed.cache_clear()
    with pytest.raises(StoreUnreadableError):
        desk.issue(jwt_key)
    rotate()
    assert desk.issue(jwt_key)


@pytest.mark.parametrize("algorithm", SigningAlgorithm)
def test_a_new_key_signs_with_the_next_token(desk, jwt_key, rotate, algorithm):
    desk.now += 1
    key = rotate(algorithm)
    text = desk.issue(jwt_key).access_token
    keys = KeySet.import_key_set(signing_keys.key_set(desk.db, now=desk.now))
    found = jws.deserialize_compact(text, keys, algorithms=[algorithm])
    assert found.headers() == {"kid": key.id, "alg": algorithm, "typ": "at+jwt"}


def test_an_old_key_is_published_until_the_last_token_that_it_signed_is_over(desk, jwt_key, rotate):
    (old,) = signing_keys.list_all(desk.db)
    desk.issue(jwt_key, validity_seconds=7200)
    desk.issue(jwt_key, validity_seconds=60)
    issued_at = desk.now
    desk.now += 10
    new = rotate()
    assert published(desk) == [new.id, old.id]
    desk.now = issued_at + 7199
    assert published(desk) == [new.id, old.id]
    desk.now += 1
    assert published(desk) == [new.id]
    assert len(signing_keys.list_all(desk.db)) == 2
    rotate()
    assert old.id not in [key.id for key in signing_keys.list_all(desk.db)]


def test_the_key_that_signs_is_listed_first_also_among_those_of_one_second(desk, jwt_key, rotate):
    for _ in range(8):
        desk.issue(jwt_key)
        signing = rotate()
        assert signing_keys.list_all(desk.db)[0].id == signing.id


def test_a_token_that_never_ends_keeps_its_key_published(desk, jwt_key, rotate):
    (old,) = signing_keys.list_all(desk.db)
    desk.issue(jwt_key, validity_seconds=NEVER)
    rotate()
    desk.now += LONGEST_SECONDS - 1
    assert old.id in published(desk)


def test_a_key_that_signed_nothing_goes_at_once(desk, rotate):
    first = rotate()
    second = rotate()
    assert published(desk) == [second.id]
    assert first.id != second.id


def test_a_deleted_key_is_published_no_more_and_the_next_token_gets_another(desk, jwt_key):
    (key,) = signing_keys.list_all(desk.db)
    signing_keys.delete(desk.db, key.id)
    assert published(desk) == []
    assert desk.state(desk.issue(jwt_key).access_token) == "ACTIVE"
    assert published(desk) not in ([], [key.id])
    with pytest.raises(NotFoundError):
        signing_keys.delete(desk.db, key.id)
