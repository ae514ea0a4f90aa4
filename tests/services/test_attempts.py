import pytest

from apimctl.domain.attempts import (
    FREE_AT_ALL_NETWORKS,
    FREE_AT_ONE_NETWORK,
    KNOWN_NETWORK_SECONDS,
    MEMORY_SECONDS,
)
from apimctl.services import attempts, users
from apimctl.services.attempts import Blocked, LogIn

HOME, AWAY = "192.0.2.1", "2001:db8::/64"


@pytest.fixture
def door(desk):
    return Door(desk)


class Door:
    """Where users log in."""

    def __init__(self, desk):
        self.desk = desk

    def begin(self, name="alice", *, network=HOME, later=0):
        now = self.desk.now + later
        return attempts.begin_log_in(self.desk.db, name, network=network, now=now)

    def fail(self, times, **where):
        assert all(isinstance(self.begin(**where), LogIn) for _ in range(times))

    def succeed(self, *, later=0, **where):
        begun = self.begin(later=later, **where)
        assert isinstance(begun, LogIn)
        attempts.succeed(self.desk.db, begun, now=self.desk.now + later)

    def fail_everywhere(self, times, **where):
        for number in range(times):
            self.fail(1, network=f"198.51.100.{number}", **where)

    def count(self, table):
        return self.desk.db.execute(f"SELECT count(*) FROM {table}").fetchone()[0]


@pytest.mark.parametrize("name", ["alice", "nobody", "FOO.COM/nobody", "x" * 5000])
def test_attempts_that_are_under_way_count_as_failed(door, name):
    door.desk.user("alice")
    door.fail(FREE_AT_ONE_NETWORK, name=name)
    assert door.begin(name) == Blocked(2)
    assert isinstance(door.begin(name, later=2), LogIn)
    assert door.begin(name, later=2) == Blocked(3)


def test_a_success_forgets_the_failures_at_that_network(door):
    for _ in range(3):
        door.fail(FREE_AT_ONE_NETWORK - 1)
        door.succeed()
    assert door.count("failed_attempt") == 1  # of all networks, from before it was known


def test_a_user_who_is_blocked_at_one_network_may_log_in_at_another(door):
    door.fail(FREE_AT_ONE_NETWORK)
    assert isinstance(door.begin(), Blocked)
    door.succeed(network=AWAY)
    assert isinstance(door.begin(), Blocked)
    assert isinstance(door.begin("bob"), LogIn)


def test_guesses_from_many_networks_block_a_user_at_all_of_them(door):
    door.fail_everywhere(FREE_AT_ALL_NETWORKS)
    assert door.begin() == Blocked(2)
    assert isinstance(door.begin("bob"), LogIn)


def test_strangers_lock_nobody_out_where_the_user_logged_in_of_late(door):
    door.succeed()
    door.fail_everywhere(FREE_AT_ALL_NETWORKS)
    assert isinstance(door.begin(network=AWAY), Blocked)
    door.succeed()
    # There as everywhere, ten wrong ones are enough.
    door.fail(FREE_AT_ONE_NETWORK)
    assert isinstance(door.begin(), Blocked)


def test_a_network_is_known_for_thirty_days_after_a_log_in(door):
    door.succeed()
    late = KNOWN_NETWORK_SECONDS - 1
    door.fail_everywhere(FREE_AT_ALL_NETWORKS, later=late)
    assert isinstance(door.begin(later=late), LogIn)
    assert isinstance(door.begin(later=late + 1), Blocked)


def test_a_success_elsewhere_gives_strangers_no_more_guesses(door):
    door.fail_everywhere(FREE_AT_ALL_NETWORKS - 1)
    door.succeed()
    door.fail(1, network=AWAY)
    assert isinstance(door.begin(network="203.0.113.1"), Blocked)


def test_a_new_password_forgives_everything(door):
    door.desk.user("alice")
    door.desk.user("bob")
    for name in ("alice", "bob"):
        door.fail(FREE_AT_ONE_NETWORK, name=name)
    door.fail(FREE_AT_ONE_NETWORK, network=AWAY)
    users.set_password_hash(door.desk.db, "alice", users.hash_password("correct horse"))
    assert isinstance(door.begin(), LogIn)
    assert isinstance(door.begin(network=AWAY), LogIn)
    assert isinstance(door.begin("bob"), Blocked)


def test_what_is_forgotten_is_removed_as_more_is_added(door):
    for number in range(100):
        door.fail(1, name=f"nobody{number}")
    assert door.count("failed_attempt") == 200
    for number in range(20):
        door.fail(1, name=f"somebody{number}", later=MEMORY_SECONDS)
    assert door.count("failed_attempt") == 40
    for number in range(30):
        door.succeed(network=f"198.51.100.{number}")
    for number in range(3):
        door.succeed(network=f"203.0.113.{number}", later=KNOWN_NETWORK_SECONDS)
    assert door.count("known_network") == 3


def test_no_name_is_in_the_tables(door):
    door.succeed(name="alice")
    door.fail(1, name="alice", network=AWAY)
    for table in ("failed_attempt", "known_network"):
        assert "alice" not in str(door.desk.db.execute(f"SELECT * FROM {table}").fetchall())


def test_sign_ups_are_slowed_down_at_one_network_and_then_at_all(desk):
    def sign_up(network, *, later=0):
        return attempts.begin_sign_up(desk.db, network=network, now=desk.now + later)

    assert [sign_up(HOME) for _ in range(FREE_AT_ONE_NETWORK)] == [None] * FREE_AT_ONE_NETWORK
    assert sign_up(HOME) == Blocked(2)
    assert sign_up(HOME, later=2) is None
    assert sign_up(HOME, later=2) == Blocked(3)
    for number in range(FREE_AT_ALL_NETWORKS - FREE_AT_ONE_NETWORK - 1):
        assert sign_up(f"198.51.100.{number}") is None
    assert sign_up(AWAY) == Blocked(2)
    assert sign_up(AWAY, later=MEMORY_SECONDS + 2) is None


@pytest.mark.parametrize(
    ("seconds", "wait"),
    [(1, "1 second"), (2, "2 seconds"), (120, "120 seconds"), (121, "3 minutes")],
)
def test_a_wait_is_said_as_people_say_it(seconds, wait):
    assert Blocked(seconds).wait == wait
