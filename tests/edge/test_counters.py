import contextlib
import fcntl
import itertools
import json
import subprocess
import sys
import tempfile
from dataclasses import dataclass
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from apimctl.domain.quota import NANOSECONDS, NO_WINDOW, Limit, Scope, decide
from apimctl.edge.counters import PLACES, Counters, counters_path
from apimctl.errors import StoreUnreadableError
from tests.binary import TIMEOUT_SECONDS
from tests.domain.strategies import deterministic

PROCESS = Path(__file__).parent / "counting_process.py"
WORKERS = 4


@pytest.fixture
def path(tmp_path):
    return counters_path(tmp_path / "apimctl.db")


def limit(name, requests=5, per_seconds=3600, scope=Scope.APPLICATION, holder="holder"):
    return Limit(scope, holder, name, requests, per_seconds)


@dataclass
class Clock:
    """A clock that stands until it is moved."""

    now: int = 1000 * NANOSECONDS

    def __call__(self):
        return self.now


@contextlib.contextmanager
def opened(path, **options):
    with contextlib.closing(Counters(path, **options)) as counters:
        yield counters


@dataclass
class Worker:
    """Another process that counts in the same file."""

    process: subprocess.Popen

    def tell(self, *requests, times=1, **options):
        """Ask for requests, each a list of limits."""
        listed = [
            [[one.scope, one.holder, one.key, one.requests, one.per_seconds] for one in limits]
            for limits in requests
        ]
        command = {"requests": listed, "times": times, **options}
        self.process.stdin.write(json.dumps(command) + "\n")
        self.process.stdin.flush()

    def go_on(self):
        """Let it go on where it holds."""
        self.process.stdin.write("\n")
        self.process.stdin.flush()

    def hear(self):
        return json.loads(self.process.stdout.readline())


@contextlib.contextmanager
def workers(path, count=WORKERS):
    with contextlib.ExitStack() as stack:
        started = []
        for _ in range(count):
            command = [sys.executable, PROCESS, path]
            pipes = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE, "text": True}
            process = stack.enter_context(subprocess.Popen(command, **pipes))
            stack.callback(process.kill)
            started.append(Worker(process))
        assert [one.hear() for one in started] == ["ready"] * count
        yield started


def test_a_limit_admits_exactly_as_many_as_it_says(path):
    with opened(path) as counters:
        verdicts = [counters.take([limit("a")]) for _ in range(8)]
    assert [one.is_admitted for one in verdicts] == [True] * 5 + [False] * 3
    assert [one.remaining for one in verdicts] == [4, 3, 2, 1, 0, 0, 0, 0]


def test_counters_are_told_apart_by_their_keys(path):
    with opened(path) as counters:
        remaining = [counters.take([limit(f"key {n}")]).remaining for n in range(500)]
        assert remaining == [4] * 500
        again = [counters.take([limit(f"key {n}")]).remaining for n in range(500)]
        assert again == [3] * 500


def test_many_processes_admit_exactly_as_many_as_one(path):
    with workers(path) as started:
        for one in started:
            one.tell([limit("shared", 1000)], times=400)
        admitted = [one.hear()[0] for one in started]
    assert sum(admitted) == 1000
    with opened(path) as counters:
        assert not counters.take([limit("shared", 1000)]).is_admitted


def test_a_request_that_one_limit_refuses_uses_up_none_of_the_others(path):
    wide, narrow = limit("wide", 600), limit("narrow", 200, scope=Scope.SUBSCRIPTION)
    orders = ([wide, narrow], [narrow, wide])
    with workers(path) as started:
        for number, one in enumerate(started):
            one.tell(orders[number % 2], times=200)
        assert sum(one.hear()[0] for one in started) == 200
        for one in started:
            one.tell([wide], orders[0], times=200)
        alone, both = zip(*(one.hear() for one in started), strict=True)
    assert (sum(alone), sum(both)) == (400, 0)


@pytest.mark.parametrize("count", [1, 2])
def test_a_worker_that_is_killed_leaves_no_lock(path, count):
    limits = [limit(f"key {number}") for number in range(count)]
    with opened(path) as counters, workers(path, 1) as (worker,):
        counters.take(limits)
        worker.tell(limits, hold=True)
        assert worker.hear() == "holding"
        with path.open("r+b") as file, pytest.raises(BlockingIOError):
            fcntl.lockf(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        worker.process.kill()
        worker.process.wait(TIMEOUT_SECONDS)
        assert counters.take(limits).remaining == 3


def of_another_stripe(counters, one):
    names = (f"holder {number}" for number in itertools.count())
    others = (limit("elsewhere", holder=name) for name in names)
    return next(other for other in others if counters._home(other).stripe != one.stripe)


def test_a_worker_that_stops_with_a_lock_is_waited_for_only_so_long(path):
    limits = [limit(f"key {number}") for number in range(3)]
    with opened(path) as counters, workers(path, 1) as (worker,):
        counters.take(limits)
        worker.tell(limits, hold=True)
        assert worker.hear() == "holding"
        for one in limits:
            with pytest.raises(StoreUnreadableError, match="keeps a part of it locked"):
                counters.take([one])
        elsewhere = of_another_stripe(counters, counters._home(limits[0]))
        assert counters.take([elsewhere]).is_admitted
        worker.go_on()
        assert worker.hear() == [1]
        assert [counters.take(limits).remaining for _ in range(3)] == [2, 1, 0]
        assert not counters.take(limits).is_admitted
        # From then on it is waited for anew.
        assert not counters._kept_by_others


def test_a_lock_that_becomes_free_in_time_costs_no_request(path):
    one = limit("a")
    with opened(path) as counters, workers(path, 1) as (worker,):
        worker.tell([one], hold=True)
        assert worker.hear() == "holding"
        worker.go_on()
        assert counters.take([one]).is_admitted
        assert worker.hear() == [1]
        assert counters.take([one]).remaining == 2


def test_an_application_may_have_thousands_of_windows(path):
    with opened(path) as counters, opened(path) as others:
        keys = [limit(f"resource {n}") for n in range(3000)]
        application = limit("application", 10_000)
        for round_, one in itertools.product(range(2), keys):
            verdict = (counters, others)[round_].take([application, one])
            assert (verdict.is_admitted, verdict.remaining) == (True, 4 - round_)
        assert others.take([application]).remaining == 3999


@given(
    steps=st.lists(
        st.tuples(
            st.sampled_from([0, 1]),  # which worker
            st.sampled_from(["one", "other"]),  # holder
            st.lists(st.integers(0, 5), min_size=1, max_size=3, unique=True),  # its limits
            st.sampled_from([0, 0, 0, 1, 20, 60]),  # seconds since the last request
        ),
        max_size=60,
    )
)
@deterministic
def test_workers_that_take_turns_count_as_one_would(steps):
    clock, windows = Clock(), {}
    with tempfile.TemporaryDirectory() as folder, contextlib.ExitStack() as stack:
        # One bucket for all: places go from one counter to another, behind the other worker's back.
        options = {"buckets": 2, "stripes": 2, "clock": clock, "boot_id": b"same"}
        path = Path(folder) / "counters"
        both = [stack.enter_context(opened(path, **options)) for _ in range(2)]
        for worker, holder, numbers, seconds in steps:
            clock.now += seconds * NANOSECONDS
            limits = [
                limit(f"{holder} {number}", 2 + number % 2, 20 + 20 * number, holder=holder)
                for number in numbers
            ]
            kept = [windows.get(one.key, NO_WINDOW) for one in limits]
            expected = decide(limits, kept, now=clock.now)
            assert both[worker].take(limits) == expected
            windows.update(zip((one.key for one in limits), expected.windows, strict=False))


def test_counters_survive_whoever_counted(path):
    with opened(path) as counters:
        counters.take([limit("a")])
    with workers(path, 1) as (worker,):
        worker.tell([limit("a")])
        assert worker.hear() == [1]
    with opened(path) as counters:
        assert counters.take([limit("a")]).remaining == 2


def test_a_window_ends_and_the_next_one_opens_with_the_next_request(path):
    clock = Clock()
    with opened(path, clock=clock) as counters:
        for _ in range(5):
            counters.take([limit("a", 5, 60)])
        clock.now += 60 * NANOSECONDS - 1
        assert counters.take([limit("a", 5, 60)]).reset_seconds == 1
        clock.now += 90 * NANOSECONDS
        verdict = counters.take([limit("a", 5, 60)])
        assert (verdict.is_admitted, verdict.remaining, verdict.reset_seconds) == (True, 4, 60)


def test_a_changed_tier_is_obeyed_at_once_and_nothing_is_counted_anew(path):
    clock = Clock()
    with opened(path, clock=clock) as counters:
        for _ in range(5):
            counters.take([limit("a", 5, 60)])
        assert counters.take([limit("a", 7, 60)]).remaining == 1
        assert not counters.take([limit("a", 3, 60)]).is_admitted
        clock.now += 10 * NANOSECONDS
        assert counters.take([limit("a", 7, 10)]).remaining == 6


def test_places_whose_windows_are_over_are_used_again(path):
    clock = Clock()
    with opened(path, clock=clock, buckets=2, stripes=2) as counters:
        for round_ in range(10):
            keys = [limit(f"key {round_} {n}", 5, 60) for n in range(PLACES)]
            assert {counters.take([one]).remaining for one in keys} == {4}
            assert {counters.take([one]).remaining for one in keys} == {3}
            clock.now += 60 * NANOSECONDS


def test_a_place_that_was_free_goes_to_one_counter_of_a_request_only(path):
    clock = Clock()
    first, second = limit("first", 5, 60), limit("second", 5, 60)
    with opened(path, clock=clock, buckets=2, stripes=2) as counters:
        counters.take([second])
        clock.now += 60 * NANOSECONDS
        assert counters.take([first, second]).remaining == 4
        assert counters.take([first]).remaining == 3
        assert counters.take([second]).remaining == 3


def test_a_full_bucket_refuses_what_it_does_not_know_until_a_window_ends(path, caplog):
    clock = Clock()
    known = [limit(f"key {n}", 5, 20 + n) for n in range(PLACES)]
    with opened(path, clock=clock, buckets=2, stripes=2) as counters:
        for one in known:
            assert counters.take([one]).is_admitted
        for _ in range(3):
            refused = counters.take([limit("new")])
            assert (refused.is_admitted, refused.reset_seconds) == (False, 20)
        # What it knows is counted on, and nothing of what was refused.
        assert not counters.take([known[0], limit("new")]).is_admitted
        assert counters.take([known[0]]).remaining == 3
        anonymous = limit("address", 5, 60, scope=Scope.UNAUTHENTICATED)
        assert counters.take([anonymous]).is_admitted
        clock.now += 20 * NANOSECONDS
        assert counters.take([limit("new")]).remaining == 4
        assert not counters.take([limit("newer")]).is_admitted
    assert [record.message for record in caplog.records] == [
        f"the counters are full, requests are refused: {path}"
    ]


def test_after_a_restart_of_the_machine_the_counters_are_new(path):
    with opened(path, boot_id=b"before") as old, opened(path, boot_id=b"before") as same:
        old.take([limit("a")])
        assert same.take([limit("a")]).remaining == 3
        with opened(path, boot_id=b"after") as new:
            assert new.take([limit("a")]).remaining == 4
            # Who has the old file goes on with it, until it looks.
            assert old.take([limit("a")]).remaining == 2


def test_where_the_system_tells_no_boots_apart_the_clock_does(path):
    clock = Clock()
    with opened(path, boot_id=b"", clock=clock) as counters:
        counters.take([limit("a")])
    clock.now = 1
    with opened(path, boot_id=b"", clock=clock) as counters:
        assert counters.take([limit("a")]).remaining == 4


FOREIGN = {
    "empty": b"",
    "short": b"apimctl counters",
    "of another format": b"apimctl counters" + bytes(6_000_000),
    "something else": b"x" * 6_000_000,
}


@pytest.mark.parametrize("content", FOREIGN.values(), ids=FOREIGN)
def test_a_file_of_no_use_is_made_anew(path, content):
    path.write_bytes(content)
    path.chmod(0o600)
    with opened(path) as counters:
        assert counters.take([limit("a")]).remaining == 4
        with opened(path) as other:
            assert other.take([limit("a")]).remaining == 3


def test_one_that_was_cut_is_made_anew(path):
    with opened(path) as counters:
        counters.take([limit("a")])
    path.write_bytes(path.read_bytes()[:-1])
    with opened(path) as counters:
        assert counters.take([limit("a")]).remaining == 4


def test_a_file_that_was_deleted_is_made_anew_by_one_and_found_by_the_others(path):
    with opened(path) as one, opened(path) as other:
        one.check_file()
        one.take([limit("a")])
        path.unlink()
        one.check_file()
        other.check_file()
        assert one.take([limit("a")]).remaining == 4
        assert other.take([limit("a")]).remaining == 3


def test_only_the_owner_may_read_it(path):
    with opened(path):
        assert path.stat().st_mode & 0o777 == 0o600


def test_a_place_where_no_file_can_be_is_said(path, tmp_path):
    path.symlink_to(tmp_path / "elsewhere")
    for impossible in (path, tmp_path, tmp_path / "nowhere" / "counters"):
        with pytest.raises(StoreUnreadableError, match="cannot be used"):
            Counters(impossible)
    assert not (tmp_path / "elsewhere").exists()
