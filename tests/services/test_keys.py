from dataclasses import replace

import pytest

from apimctl.domain import credentials
from apimctl.domain.credentials import Kind
from apimctl.domain.models import ConsumerSecret, KeyType
from apimctl.domain.validity import NEVER
from apimctl.errors import ConflictError, NotFoundError
from apimctl.services import keys
from apimctl.tables.changes import ChangeKind

PRODUCTION, SANDBOX = KeyType.PRODUCTION, KeyType.SANDBOX


def secrets_of(desk, made) -> list[ConsumerSecret]:
    """Return the key's secrets that have not ended, those that end last."""
    rows = desk.db.execute(
        "SELECT digest, consumer_key, hint, created_at, expires_at FROM consumer_secret"
        " WHERE consumer_key = ? AND coalesce(expires_at, ?) > ?"
        " ORDER BY expires_at IS NOT NULL, created_at DESC",
        (made.key.consumer_key, desk.now + 1, desk.now),
    )
    return [ConsumerSecret(*row) for row in rows]


def count_secrets(desk) -> int:
    return desk.db.execute("SELECT count(*) FROM consumer_secret").fetchone()[0]


@pytest.mark.parametrize("key_type", KeyType)
def test_generating_makes_key_secret_and_first_token(desk, key_type):
    made = desk.generate(key_type=key_type)
    key = keys.require(desk.db, desk.default, key_type)
    assert key == made.key
    kinds = {
        Kind.CONSUMER_KEY: key.consumer_key,
        Kind.CONSUMER_SECRET: made.consumer_secret,
        Kind.ACCESS_TOKEN: made.issued.access_token,
    }
    for kind, text in kinds.items():
        assert credentials.parse(text).kind is kind
        assert credentials.parse(text).key_type is key_type
    assert made.issued.refresh_token is None
    assert keys.current_token(desk.db, key) == made.issued.token


def test_a_second_generation_is_a_conflict_that_changes_nothing(desk):
    desk.generate()
    before = list(desk.db.iterdump())
    with pytest.raises(ConflictError) as caught:
        desk.generate(domains=("a.com",), validity=NEVER)
    assert "token renew" in caught.value.hint
    assert "key rotate" in caught.value.hint
    assert list(desk.db.iterdump()) == before


def test_each_application_has_one_key_of_each_type(desk):
    other = desk.application("other")
    made = [
        desk.generate(application, key_type).key
        for application in (desk.default, other)
        for key_type in (SANDBOX, PRODUCTION)
    ]
    assert len({key.consumer_key for key in made}) == 4
    assert [key.key_type for key in keys.list_of(desk.db, other)] == [PRODUCTION, SANDBOX]
    whole = keys.list_with_applications(desk.db)
    assert sorted((app.name, key.key_type) for key, app in whole) == [
        ("DefaultApplication", "PRODUCTION"),
        ("DefaultApplication", "SANDBOX"),
        ("other", "PRODUCTION"),
        ("other", "SANDBOX"),
    ]


def test_a_key_that_is_not_there_is_not_found_and_the_hint_makes_it(desk):
    with pytest.raises(NotFoundError) as caught:
        keys.require(desk.db, desk.default, SANDBOX)
    assert caught.value.hint == "apimctl key generate --sandbox"
    other = desk.application("it's; rm -rf /")
    with pytest.raises(NotFoundError) as caught:
        keys.require(desk.db, other, PRODUCTION)
    assert caught.value.hint == ("""apimctl key generate --app 'it'"'"'s; rm -rf /' --production""")


def test_without_a_word_the_production_key_is_chosen_else_the_sandbox_key(desk):
    with pytest.raises(NotFoundError) as caught:
        keys.choose(desk.db, desk.default)
    assert caught.value.hint == "apimctl key generate --production"
    desk.generate(key_type=SANDBOX)
    assert keys.choose(desk.db, desk.default).key_type is SANDBOX
    desk.generate(key_type=PRODUCTION)
    assert keys.choose(desk.db, desk.default).key_type is PRODUCTION


def test_the_store_keeps_a_digest_and_a_hint_of_the_secret(desk):
    made = desk.generate()
    (secret,) = secrets_of(desk, made)
    assert secret.digest == credentials.digest(made.consumer_secret)
    assert secret.hint == made.consumer_secret[-4:]
    assert secret.expires_at is None
    dump = "\n".join(desk.db.iterdump())
    assert made.consumer_secret not in dump
    assert made.issued.access_token not in dump


def test_nothing_secret_is_in_a_repr(desk):
    made = desk.generate()
    for text in (made.consumer_secret, made.issued.access_token, made.issued.token.digest):
        assert text not in repr(made)


def test_domains_and_validity_change_apart(desk):
    key = desk.generate(domains=("a.com",), validity=60).key
    key = keys.update(desk.db, key, allowed_domains=("b.com", "*.c.com"))
    assert keys.require(desk.db, desk.default, SANDBOX) == key
    assert (key.allowed_domains, key.validity_seconds) == (("b.com", "*.c.com"), 60)
    key = keys.update(desk.db, key, validity_seconds=NEVER)
    assert (key.allowed_domains, key.validity_seconds) == (("b.com", "*.c.com"), NEVER)
    key = keys.update(desk.db, key, allowed_domains=())
    assert keys.require(desk.db, desk.default, SANDBOX).allowed_domains == ()


def test_a_rotation_replaces_the_secret_at_once(desk):
    made = desk.generate()
    secret = keys.rotate(desk.db, made.key, grace_seconds=0, **desk.moment)
    (only,) = secrets_of(desk, made)
    assert secret != made.consumer_secret
    assert only.digest == credentials.digest(secret)
    assert desk.state(made.issued.access_token) == "ACTIVE"


def test_a_rotation_with_grace_keeps_the_old_secret_for_that_time(desk):
    made = desk.generate()
    secret = keys.rotate(desk.db, made.key, grace_seconds=600, **desk.moment)
    new, old = secrets_of(desk, made)
    assert (new.digest, new.expires_at) == (credentials.digest(secret), None)
    assert (old.digest, old.expires_at) == (
        credentials.digest(made.consumer_secret),
        desk.now + 600,
    )


def test_a_second_rotation_never_lengthens_the_first_grace(desk):
    made = desk.generate()
    keys.rotate(desk.db, made.key, grace_seconds=60, **desk.moment)
    keys.rotate(desk.db, made.key, grace_seconds=600, **desk.moment)
    ends = [secret.expires_at for secret in secrets_of(desk, made)]
    assert sorted(ends, key=lambda at: at or 0) == [None, desk.now + 60, desk.now + 600]
    desk.now += 60
    keys.rotate(desk.db, made.key, grace_seconds=0, **desk.moment)
    assert len(secrets_of(desk, made)) == 1


def test_a_secret_that_has_ended_is_remembered_for_a_while(desk):
    made = desk.generate()
    keys.rotate(desk.db, made.key, grace_seconds=60, **desk.moment)
    desk.now += 60 + keys.ENDED_SECRET_SECONDS - 1
    keys.rotate(desk.db, made.key, grace_seconds=0, **desk.moment)
    assert count_secrets(desk) == 3
    desk.now += 1
    keys.rotate(desk.db, made.key, grace_seconds=0, **desk.moment)
    assert count_secrets(desk) == 3
    assert len(secrets_of(desk, made)) == 1


def test_deleting_a_key_takes_its_tokens_and_leaves_the_other_key(desk):
    doomed, kept = desk.generate(), desk.generate(key_type=PRODUCTION)
    keys.delete(desk.db, doomed.key)
    with pytest.raises(NotFoundError):
        desk.state(doomed.issued.access_token)
    assert desk.state(kept.issued.access_token) == "ACTIVE"
    assert secrets_of(desk, doomed) == []
    assert desk.generate().key.consumer_key != doomed.key.consumer_key


def test_what_the_gateway_remembers_of_a_key_is_announced(desk):
    with desk.announcing() as announced:
        key = desk.generate().key
        keys.rotate(desk.db, key, grace_seconds=0, **desk.moment)
    assert announced == []  # nobody can have it in memory
    with desk.announcing() as announced:
        keys.update(desk.db, key, allowed_domains=("a.com",))
    assert announced == [(ChangeKind.KEY, key.consumer_key)]
    with desk.announcing() as announced:
        keys.delete(desk.db, replace(key))
    assert announced == [(ChangeKind.KEY, key.consumer_key)]
