import pytest
from hypothesis import given
from hypothesis import strategies as st

from apimctl.domain.attempts import (
    LONGEST_BLOCK_SECONDS,
    MEMORY_SECONDS,
    NO_FAILURES,
    Failures,
    add_failure,
    blocked_seconds,
    remembered,
    take_back,
    user_subject,
)
from apimctl.domain.userstores import split_name

from .strategies import deterministic

NOW = 1_800_000_000
FREE = 10


def failed(times, *, now=NOW, free=FREE) -> Failures:
    """Fail so often, each time as soon as that is possible."""
    failures = NO_FAILURES
    for _ in range(times):
        now += blocked_seconds(failures, now=now)
        failures = add_failure(failures, free=free, now=now)
    return failures


@pytest.mark.parametrize(
    ("times", "seconds"),
    [(9, 0), (10, 1), (11, 2), (12, 4), (19, 512), (20, 900), (21, 900), (5000, 900)],
)
def test_the_first_ones_are_free_and_each_further_one_blocks_twice_as_long(times, seconds):
    before = failed(times - 1)
    now = max(NOW, before.blocked_until)
    blocked = blocked_seconds(add_failure(before, free=FREE, now=now), now=now)
    # Points in time are whole seconds rounded up: one more, so that it is never less.
    assert blocked == (seconds + 1 if seconds else 0)


def test_failures_are_forgotten_a_while_after_the_last_one_and_after_its_block():
    free = failed(FREE - 1)
    assert remembered(free, now=NOW + MEMORY_SECONDS - 1) == free
    assert remembered(free, now=NOW + MEMORY_SECONDS) == NO_FAILURES
    blocked = failed(FREE + 5)
    end = blocked.blocked_until
    assert blocked_seconds(blocked, now=end - 1) == 1
    assert blocked_seconds(blocked, now=end) == 0
    assert remembered(blocked, now=end + MEMORY_SECONDS - 1) == blocked
    assert add_failure(blocked, free=FREE, now=end + MEMORY_SECONDS).count == 1


@deterministic
@given(st.integers(1, 60), st.integers(0, 10**9))
def test_a_clock_that_was_set_back_blocks_nobody_for_longer_than_the_longest_block(times, back):
    seconds = blocked_seconds(failed(times), now=NOW - back)
    assert seconds <= LONGEST_BLOCK_SECONDS + 1 + 1


@deterministic
@given(st.integers(0, 40))
def test_an_attempt_that_succeeds_leaves_what_was_there(times):
    before = failed(times)
    now = max(NOW, before.blocked_until)
    reserved = add_failure(before, free=FREE, now=now)
    after = take_back(reserved, reserved)
    assert after.count == before.count
    assert blocked_seconds(after, now=now) == 0


def test_an_attempt_that_succeeds_leaves_the_block_of_a_later_failure():
    reserved = failed(FREE)
    later = add_failure(reserved, free=FREE, now=reserved.blocked_until)
    after = take_back(later, reserved)
    assert (after.count, after.blocked_until) == (FREE, later.blocked_until)


@pytest.mark.parametrize(
    "spelling",
    [
        "FOO.COM/José",
        "foo.com/jose\u0301",
        "FOO.COM/JOSÉ",
        "FOO.COM/\uff4aosé",
        " FOO.COM/josé ",
        "FOO.COM/j\u00adosé",
        "FOO.COM/jo\u200bsé",
        "FOO.COM/jo\u0000sé",
        "FOO.COM/jos\u00e9\ufe0f",
    ],
)
def test_names_that_a_user_store_may_take_for_the_same_are_counted_as_one(spelling):
    assert user_subject(spelling) == user_subject("FOO.COM/josé")


@pytest.mark.parametrize(
    "spelling",
    [
        *("PRIMARY/alice", "primary/alice", " PRIMARY /alice", "PRIMARY\u2003/alice"),
        *("pr\u0131mary/alice", "PR\u0131MARY\t/ALICE "),  # a dotless i, whose capital is I
    ],
)
def test_a_user_store_that_is_named_in_another_way_is_the_same_one(spelling):
    assert split_name(spelling)[0] == "PRIMARY"
    assert user_subject(spelling) == user_subject("alice")


def test_users_are_counted_apart():
    names = ["alice", "bob", "FOO.COM/alice", "alice/FOO.COM", "ali ce", ""]
    assert len({user_subject(name) for name in names}) == len(names)
    assert user_subject("PRIMARY/alice") == user_subject("alice")
    assert user_subject("\ud800")
    assert len(user_subject("x" * 100_000)) == len(user_subject("x"))
