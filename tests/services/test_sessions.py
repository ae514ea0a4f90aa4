import pytest

from apimctl.errors import NotFoundError
from apimctl.services import sessions, users
from tests.services.conftest import NOW


@pytest.fixture
def alice(desk):
    return desk.user("alice")


@pytest.fixture
def secret(desk, alice):
    return sessions.begin(desk.db, alice, **desk.moment)


def is_known(desk, secret, *, after=0) -> bool:
    """Use a session as a page does."""
    found = sessions.find(desk.db, secret, now=NOW + after)
    if found is not None:
        sessions.touch(desk.db, found, now=NOW + after)
    return found is not None


def test_a_session_leads_to_its_user_and_only_its_digest_is_kept(desk, alice, secret):
    assert sessions.find(desk.db, secret, now=NOW).user == alice
    assert secret not in "\n".join(desk.db.iterdump())
    assert secret not in repr(sessions.find(desk.db, secret, now=NOW))
    assert not is_known(desk, "0" * 64)
    assert not is_known(desk, "")


def test_every_session_has_a_secret_of_its_own(desk, alice, secret):
    other = sessions.begin(desk.db, alice, **desk.moment)
    assert other != secret
    sessions.end(desk.db, other)
    assert is_known(desk, secret)
    assert not is_known(desk, other)


def test_a_session_ends_without_use_and_lives_on_with_it(desk, secret):
    assert is_known(desk, secret, after=sessions.IDLE_SECONDS - 1)
    assert is_known(desk, secret, after=2 * (sessions.IDLE_SECONDS - 1))
    assert not is_known(desk, secret, after=3 * sessions.IDLE_SECONDS)


def test_a_session_ends_in_any_case(desk, secret):
    for after in range(0, sessions.LONGEST_SECONDS, sessions.IDLE_SECONDS - 1):
        assert is_known(desk, secret, after=after)
    assert not is_known(desk, secret, after=sessions.LONGEST_SECONDS)


def test_not_every_use_is_written(desk, secret):
    before = desk.db.total_changes
    assert is_known(desk, secret, after=sessions.TOUCH_SECONDS - 1)
    assert desk.db.total_changes == before
    assert is_known(desk, secret, after=sessions.TOUCH_SECONDS)
    assert desk.db.total_changes == before + 1


def test_a_new_password_ends_all_sessions_of_a_user(desk, alice, secret):
    other = sessions.begin(desk.db, desk.user("bob"), **desk.moment)
    users.set_password_hash(desk.db, "alice", "another")
    assert not is_known(desk, secret)
    assert is_known(desk, other)


def test_a_session_tells_what_browser_it_is_in_and_where_it_began(desk, alice):
    odd = "curl/8 \udcff\n"
    sessions.begin(desk.db, alice, **desk.moment, user_agent=odd, address="10.0.0.7")
    (session,) = sessions.list_of(desk.db, alice, now=NOW)
    assert (session.user_agent, session.address) == ("curl/8 \ufffd\ufffd", "10.0.0.7")


def test_the_sessions_of_a_user_are_listed_while_they_last(desk, alice, secret):
    sessions.begin(desk.db, desk.user("bob"), **desk.moment)
    desk.now = NOW + 60
    newer = sessions.begin(desk.db, alice, **desk.moment)
    here = sessions.find(desk.db, newer, now=desk.now)
    listed = sessions.list_of(desk.db, alice, now=desk.now)
    assert [sessions.is_in(session, here) for session in listed] == [True, False]
    later = NOW + sessions.IDLE_SECONDS
    assert [each.id for each in sessions.list_of(desk.db, alice, now=later)] == [listed[0].id]
    assert secret not in repr(listed)


def test_a_user_ends_one_session_and_nobody_elses(desk, alice, secret):
    bob = desk.user("bob")
    other = sessions.begin(desk.db, bob, **desk.moment)
    (session,) = sessions.list_of(desk.db, alice, now=NOW)
    with pytest.raises(NotFoundError):
        sessions.end_of(desk.db, bob, session.id, now=NOW)
    assert is_known(desk, secret)
    sessions.end_of(desk.db, alice, session.id, now=NOW)
    assert not is_known(desk, secret)
    assert is_known(desk, other)
    with pytest.raises(NotFoundError):
        sessions.end_of(desk.db, alice, session.id, now=NOW)


def test_a_user_ends_all_other_sessions(desk, alice, secret):
    other, bobs = (
        sessions.begin(desk.db, user, **desk.moment) for user in (alice, desk.user("bob"))
    )
    here = sessions.find(desk.db, secret, now=NOW)
    assert sessions.end_others(desk.db, here) == 1
    assert [is_known(desk, each) for each in (secret, other, bobs)] == [True, False, True]
    assert sessions.end_others(desk.db, here) == 0


def test_a_user_has_so_many_sessions_at_most(desk, alice, secret):
    bobs = sessions.begin(desk.db, desk.user("bob"), **desk.moment)
    desk.now = NOW + 120
    sessions.touch(desk.db, sessions.find(desk.db, secret, now=desk.now), now=desk.now)
    desk.now = NOW + 60
    oldest = sessions.begin(desk.db, alice, **desk.moment)
    desk.now = NOW + 120
    for _ in range(sessions.MOST_OF_ONE_USER - 1):
        sessions.begin(desk.db, alice, **desk.moment)
    alive = sessions.list_of(desk.db, alice, now=desk.now)
    assert len(alive) == sessions.MOST_OF_ONE_USER
    assert [is_known(desk, each) for each in (secret, oldest, bobs)] == [True, False, True]
