import pytest

from apimctl.errors import ConflictError, DeniedError, InvalidInputError, NotFoundError
from apimctl.services import applications, tokens, users
from apimctl.tables.changes import ChangeKind


def test_a_user_is_found_with_and_without_the_built_in_user_store(desk):
    alice = desk.user("alice")
    assert users.find(desk.db, "alice") == users.find(desk.db, "PRIMARY/alice") == alice
    for name in ("Alice", "FOO.COM/alice", "PRIMARY/PRIMARY/alice", ""):
        assert users.find(desk.db, name) is None
    with pytest.raises(NotFoundError):
        users.require(desk.db, "bob")


@pytest.mark.parametrize("name", ["alice", " alice ", "admin"])
def test_a_name_that_is_taken_is_a_conflict(desk, name):
    desk.user("alice")
    with pytest.raises(ConflictError):
        desk.user(name)


def test_a_password_is_kept_as_argon2id_and_recognised(desk):
    encoded = users.hash_password("correct horse")
    assert encoded.startswith("$argon2id$v=19$m=65536,t=3,p=4$")
    assert users.hash_password("correct horse") != encoded
    desk.user("alice")
    alice = users.set_password_hash(desk.db, "alice", encoded)
    alice = users.require(desk.db, "alice")
    assert users.is_password(alice, "correct horse")
    assert not users.is_password(alice, "wrong horse")
    assert not users.is_password(alice, "")
    assert not users.is_password(alice, "x" * (users.LONGEST_PASSWORD + 1))
    assert encoded not in repr(alice)


def test_nobody_and_who_has_no_password_cannot_log_in(desk):
    assert not users.is_password(None, "anything")
    assert not users.is_password(users.require(desk.db, "admin"), "anything")
    assert not users.is_password(users.require(desk.db, "admin"), "")


@pytest.mark.parametrize("password", ["", "x" * (users.LONGEST_PASSWORD + 1)])
def test_an_empty_or_endless_password_is_refused(password):
    with pytest.raises(InvalidInputError):
        users.hash_password(password)


def test_a_renamed_user_keeps_applications_and_tokens(desk):
    desk.user("alice")
    application = desk.application("shop", owner="alice")
    issued = desk.log_in(desk.generate().key, users.require(desk.db, "alice").id)
    users.rename(desk.db, "alice", "alicia")
    assert applications.resolve(desk.db, "shop").owner == "alicia"
    assert applications.resolve(desk.db, "shop").id == application.id
    assert desk.state(issued.access_token) == "ACTIVE"
    assert users.find(desk.db, "alice") is None


@pytest.mark.parametrize(
    ("name", "new_name", "error"),
    [
        ("alice", "admin", ConflictError),
        ("admin", "root", DeniedError),
        ("bob", "carol", NotFoundError),
        ("alice", "a/b", InvalidInputError),
    ],
)
def test_some_names_cannot_be_changed(desk, name, new_name, error):
    desk.user("alice")
    with pytest.raises(error):
        users.rename(desk.db, name, new_name)


def test_deleting_a_user_takes_their_tokens_only_and_is_announced(desk):
    alice, key = desk.user("alice"), desk.generate().key
    theirs, other = desk.log_in(key, alice.id), desk.log_in(key, "admin")
    with desk.announcing() as announced:
        users.delete(desk.db, "alice")
    assert announced == [(ChangeKind.TOKENS_OF_USER, alice.id)]
    assert tokens.find_access_token(desk.db, theirs.access_token) is None
    assert desk.renew(theirs.refresh_token) == "it is malformed or not known"
    assert desk.state(other.access_token) == "ACTIVE"


def test_who_owns_applications_and_admin_stay(desk):
    desk.user("alice")
    desk.application("shop", owner="alice")
    with pytest.raises(ConflictError) as caught:
        users.delete(desk.db, "alice")
    assert caught.value.message == "'alice' owns 1 application"
    with pytest.raises(DeniedError):
        users.delete(desk.db, "admin")


def sign_up(desk, name):
    return users.sign_up(desk.db, name, password_hash="x", **desk.moment)


def test_who_signs_up_is_a_user_without_roles(desk):
    made = sign_up(desk, " al\u00edce.smith ")
    assert made.qualified_name == "al\u00edce.smith"
    assert users.roles_of(desk.db, made) == ()


@pytest.mark.parametrize(
    "name",
    ["Alice", "ADMIN", "\uff41lice", "\u017ftrasse", "a  b", "\u00df", "FOO.COM/alice", "a:b"],
)
def test_who_signs_up_gets_no_name_that_has_another_spelling(desk, name):
    with pytest.raises(InvalidInputError):
        sign_up(desk, name)


@pytest.mark.parametrize("name", ["\u0430dmin", "adm\u0456n", "\u03bfscar", "b\u043eb-7"])
def test_who_signs_up_gets_no_name_that_looks_like_another_users(desk, name):
    with pytest.raises(InvalidInputError, match="several scripts"):
        sign_up(desk, name)


@pytest.mark.parametrize(
    "name", ["\u043e\u043b\u0435\u0433-7", "\u5c71\u7530\u30bf\u30ed\u30fc", "\u91d1.kim", "7"]
)
def test_who_signs_up_may_write_in_any_script(desk, name):
    assert sign_up(desk, name).name == name


@pytest.mark.parametrize(
    ("taken", "name"),
    [("admin", "admin"), ("Bob", "bob"), ("\uff22ob", "bob"), ("Stra\u00dfe", "strasse")],
)
def test_who_signs_up_gets_no_name_that_is_counted_as_another_users(desk, taken, name):
    if taken != "admin":
        desk.user(taken)
    with pytest.raises(ConflictError):
        sign_up(desk, name)
