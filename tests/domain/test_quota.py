from collections import deque

import pytest
from hypothesis import given
from hypothesis import strategies as st

from apimctl.domain.quota import NANOSECONDS, NO_WINDOW, Limit, Scope, decide, window_at

from .strategies import deterministic

LENGTH = 60 * NANOSECONDS
NOW = 1000 * NANOSECONDS
FIVE_A_MINUTE = Limit(Scope.APPLICATION, "1", "application:1", 5, 60)

KEPT = {
    "nothing": (NO_WINDOW, (0, NOW, NOW + LENGTH)),
    "just opened": ((1, NOW, NOW + LENGTH), (1, NOW, NOW + LENGTH)),
    "about to end": ((3, NOW - LENGTH + 1, NOW + 1), (3, NOW - LENGTH + 1, NOW + 1)),
    "ends now": ((3, NOW - LENGTH, NOW), (0, NOW, NOW + LENGTH)),
    "of a longer tier": (
        (3, NOW - 1, NOW + 9 * LENGTH),
        (3, NOW - 1, NOW - 1 + LENGTH),
    ),
    "of a longer tier, over under this one": (
        (3, NOW - LENGTH, NOW + 9 * LENGTH),
        (0, NOW, NOW + LENGTH),
    ),
    "of a shorter tier": ((3, NOW - 1, NOW + 5), (3, NOW - 1, NOW + 5)),
    "of a clock that started anew": (
        (3, NOW + 1, NOW + 1 + LENGTH),
        (0, NOW, NOW + LENGTH),
    ),
}


@pytest.mark.parametrize(("kept", "expected"), KEPT.values(), ids=KEPT)
def test_the_window_that_is_open_now(kept, expected):
    assert window_at(kept, FIVE_A_MINUTE, now=NOW) == expected


SINGLE = {
    # used before: admitted, remaining
    0: (True, 4),
    1: (True, 3),
    4: (True, 0),
    5: (False, 0),
    9: (False, 0),  # the tier was larger when they were admitted
}


@pytest.mark.parametrize(("used", "expected"), SINGLE.items(), ids=str)
def test_a_limit_of_five_admits_five(used, expected):
    window = (used, NOW, NOW + LENGTH)
    verdict = decide([FIVE_A_MINUTE], [window], now=NOW)
    assert (verdict.is_admitted, verdict.remaining) == expected
    counted = ((used + 1, NOW, NOW + LENGTH),) if verdict.is_admitted else ()
    assert verdict.windows == counted
    assert (verdict.limit, verdict.reset_seconds) == (FIVE_A_MINUTE, 60)


@pytest.mark.parametrize(
    ("passed", "seconds"),
    [(0, 60), (1, 60), (NANOSECONDS - 1, 60), (NANOSECONDS, 59), (LENGTH - 1, 1)],
)
def test_whoever_waits_as_long_as_told_comes_when_the_window_is_over(passed, seconds):
    full = (5, NOW, NOW + LENGTH)
    verdict = decide([FIVE_A_MINUTE], [full], now=NOW + passed)
    assert (verdict.is_admitted, verdict.reset_seconds) == (False, seconds)
    later = NOW + passed + seconds * NANOSECONDS
    assert decide([FIVE_A_MINUTE], [full], now=later).is_admitted


def several(*parts):
    """Return limits and windows of (scope, requests, used, seconds until the end)."""
    limits = [Limit(scope, "1", f"{scope}:1", requests, 60) for scope, requests, _, _ in parts]
    windows = [(used, NOW - 1, NOW + left * NANOSECONDS) for _, _, used, left in parts]
    return limits, windows


APPLICATION, RESOURCE, SUBSCRIPTION = Scope.APPLICATION, Scope.RESOURCE, Scope.SUBSCRIPTION
TIGHTEST = {
    "fewest left": (
        [(APPLICATION, 20, 9, 30), (SUBSCRIPTION, 5, 1, 50)],
        (True, SUBSCRIPTION, 3, 50),
    ),
    "equally many: the later end": (
        [(APPLICATION, 5, 1, 30), (RESOURCE, 6, 2, 40), (SUBSCRIPTION, 5, 1, 20)],
        (True, RESOURCE, 3, 40),
    ),
    "all equal: the first": (
        [(APPLICATION, 5, 1, 30), (SUBSCRIPTION, 5, 1, 30)],
        (True, APPLICATION, 3, 30),
    ),
    "one refuses": (
        [(APPLICATION, 20, 0, 59), (RESOURCE, 1, 1, 10), (SUBSCRIPTION, 5, 4, 50)],
        (False, RESOURCE, 0, 10),
    ),
    "the first refuses": (
        [(APPLICATION, 1, 1, 10), (SUBSCRIPTION, 5, 4, 50)],
        (False, APPLICATION, 0, 10),
    ),
    "two refuse: the one that does so longest": (
        [(APPLICATION, 1, 1, 10), (RESOURCE, 9, 2, 40), (SUBSCRIPTION, 5, 6, 30)],
        (False, SUBSCRIPTION, 0, 30),
    ),
}


@pytest.mark.parametrize(("parts", "expected"), TIGHTEST.values(), ids=TIGHTEST)
def test_the_tightest_limit_is_reported(parts, expected):
    limits, windows = several(*parts)
    verdict = decide(limits, windows, now=NOW)
    is_admitted, scope, remaining, seconds = expected
    assert (verdict.is_admitted, verdict.limit.scope) == (is_admitted, scope)
    assert (verdict.remaining, verdict.reset_seconds) == (remaining, seconds)
    assert len(verdict.windows) == (len(parts) if is_admitted else 0)


def test_no_limit_is_a_mistake_of_the_caller():
    with pytest.raises(ValueError, match="nothing limits"):
        decide([], [], now=NOW)


class Naive:
    """A limit as one would explain it: the times of what was admitted since a window opened."""

    def __init__(self, requests, per_seconds):
        self.requests = requests
        self.length = per_seconds * NANOSECONDS
        self.admitted = deque()

    def has_room(self, now):
        if self.admitted and now >= self.admitted[0] + self.length:
            self.admitted.clear()
        return len(self.admitted) < self.requests


@given(
    limits=st.lists(st.tuples(st.integers(1, 4), st.integers(1, 5)), min_size=1, max_size=3),
    steps=st.lists(st.integers(0, 3 * NANOSECONDS) | st.just(NANOSECONDS), max_size=40),
)
@deterministic
def test_as_a_naive_count_of_what_was_admitted(limits, steps):
    scopes = (APPLICATION, RESOURCE, SUBSCRIPTION)
    real = [
        Limit(scope, "1", scope.value, *limit) for scope, limit in zip(scopes, limits, strict=False)
    ]
    naive = [Naive(*limit) for limit in limits]
    windows, now = [NO_WINDOW] * len(limits), NOW
    for step in steps:
        now += step
        rooms = [one.has_room(now) for one in naive]
        expected = False not in rooms
        verdict = decide(real, windows, now=now)
        assert verdict.is_admitted == expected
        if expected:
            for one in naive:
                one.admitted.append(now)
            windows = list(verdict.windows)
            assert verdict.remaining == min(one.requests - len(one.admitted) for one in naive)
        else:
            ends = [
                one.admitted[0] + one.length for one in naive if len(one.admitted) == one.requests
            ]
            assert verdict.reset_seconds == -(-(max(ends) - now) // NANOSECONDS)
