import asyncio
import os
import threading
from concurrent.futures import ThreadPoolExecutor

import argon2
import pytest

from apimctl.domain.attempts import FREE_AT_ONE_NETWORK
from apimctl.edge.login.passwords import (
    AT_ONCE,
    MOST_WAITING,
    NICENESS,
    Busy,
    Passwords,
    Right,
    Wrong,
)
from apimctl.edge.writer import Writer
from apimctl.services import users
from apimctl.services.attempts import Blocked
from tests.conftest import NOW

HOME, AWAY = "192.0.2.1", "198.51.100.1"
PLACES = AT_ONCE + MOST_WAITING


@pytest.fixture(scope="module")
def password_hash():
    return users.hash_password("correct horse")


@pytest.fixture
def door(shop, store, store_path, password_hash):
    """Run a scenario with two users: alice, who has a password, and admin, who has none."""
    with store.transaction() as db:
        users.create(db, "alice", password_hash=password_hash, **shop.made)

    def run(scenario):
        async def main():
            writer = Writer(store_path)
            passwords = Passwords(writer, clock=lambda: NOW)
            try:
                await scenario(passwords)
            finally:
                passwords.close()
                await writer.close()

        asyncio.run(main())

    return run


def count_failures(store):
    with store.reading() as db:
        return db.execute("SELECT coalesce(sum(failures), 0) FROM failed_attempt").fetchone()[0]


def test_a_password_is_right_or_wrong(door, store):
    async def scenario(passwords):
        right = await passwords.verify("alice", "correct horse", network=HOME)
        assert isinstance(right, Right)
        assert right.user.name == "alice"
        assert count_failures(store) == 0
        for name in ("alice", "admin", "nobody", "FOO.COM/alice"):
            assert await passwords.verify(name, "wrong", network=AWAY) == Wrong()
        # Each at the network and over all of them.
        assert count_failures(store) == 8

    door(scenario)


@pytest.mark.parametrize("name", ["alice", "nobody"])
def test_of_parallel_guesses_no_more_are_checked_than_are_free(door, name):
    async def scenario(passwords):
        guesses = [passwords.verify(name, f"{number}", network=HOME) for number in range(PLACES)]
        outcomes = await asyncio.gather(*guesses)
        blocked = PLACES - FREE_AT_ONE_NETWORK
        assert outcomes == [Wrong()] * FREE_AT_ONE_NETWORK + [Blocked(2)] * blocked

    door(scenario)


def test_more_than_may_wait_are_turned_away_uncounted(door, store):
    async def scenario(passwords):
        names = [f"nobody{number}" for number in range(PLACES + 5)]
        outcomes = await asyncio.gather(
            *(passwords.verify(name, "wrong", network=HOME) for name in names)
        )
        assert outcomes == [Wrong()] * PLACES + [Busy()] * 5
        assert count_failures(store) == 2 * PLACES
        assert isinstance(await passwords.verify("alice", "correct horse", network=HOME), Right)

    door(scenario)


def test_who_leaves_while_waiting_is_not_counted(door, store):
    async def scenario(passwords):
        names = [f"nobody{number}" for number in range(PLACES)]
        tasks = [
            asyncio.ensure_future(passwords.verify(name, "wrong", network=HOME)) for name in names
        ]
        await asyncio.sleep(0)
        for task in tasks[AT_ONCE:]:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        # All places are free again.
        assert isinstance(await passwords.verify("alice", "correct horse", network=AWAY), Right)
        assert count_failures(store) == 2 * AT_ONCE

    door(scenario)


def test_who_leaves_while_a_right_password_is_checked_has_not_failed(door, store):
    async def scenario(passwords):
        task = asyncio.ensure_future(passwords.verify("alice", "correct horse", network=HOME))
        while not await asyncio.to_thread(count_failures, store):
            assert not task.done()
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)
        assert task.cancelled()
        assert await passwords.verify("nobody", "wrong", network=AWAY) == Wrong()
        assert count_failures(store) == 2  # of nobody

    door(scenario)


@pytest.mark.parametrize(
    ("name", "password"),
    [("alice", "correct horse"), ("alice", "wrong"), ("admin", "x"), ("nobody", "x")]
    + [(name, "x" * (users.LONGEST_PASSWORD + 1)) for name in ("alice", "nobody")],
)
def test_whoever_asks_one_hash_is_computed(door, monkeypatch, name, password):
    computed = []

    class Counting(argon2.PasswordHasher):
        def verify(self, encoded, given):
            computed.append(argon2.extract_parameters(encoded))
            return super().verify(encoded, given)

    monkeypatch.setattr(argon2, "PasswordHasher", Counting)

    async def scenario(passwords):
        await passwords.verify(name, password, network=HOME)

    door(scenario)
    assert computed == [argon2.profiles.RFC_9106_LOW_MEMORY]


@pytest.mark.skipif(not hasattr(os, "sched_getaffinity"), reason="a thread has no niceness here")
def test_hashing_stands_back_behind_everything_else(door):
    async def scenario(passwords):
        def niceness():
            lane = ThreadPoolExecutor(1)  # argon2 computes its lanes in threads that it starts
            own = threading.get_native_id()
            of_lane = lane.submit(threading.get_native_id).result()
            return [os.getpriority(os.PRIO_PROCESS, thread) for thread in (own, of_lane)]

        loop = asyncio.get_running_loop()
        assert await loop.run_in_executor(passwords._hashers, niceness) == [NICENESS] * 2
        assert os.getpriority(os.PRIO_PROCESS, threading.get_native_id()) < NICENESS

    door(scenario)
