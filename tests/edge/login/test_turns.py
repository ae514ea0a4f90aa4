import asyncio
import contextlib

import pytest

from apimctl.edge.login.turns import Turns


class Work:
    """Pieces of work that end when they are let."""

    def __init__(self):
        self.begun, self.ended = [], []
        self._gates = {}

    def __call__(self, name):
        async def work():
            self.begun.append(name)
            await self._gates.setdefault(name, asyncio.Event()).wait()
            self.ended.append(name)
            return name

        return work

    def let(self, name):
        self._gates.setdefault(name, asyncio.Event()).set()


async def settle():
    """Let everything happen that can happen now."""
    for _ in range(20):
        await asyncio.sleep(0)


def run(scenario):
    async def main():
        turns, work = Turns(2, most_waiting=2), Work()

        def take(name, whose=""):
            return asyncio.ensure_future(turns.take(work(name), whose=whose))

        await scenario(take, work)

    asyncio.run(main())


def test_so_many_run_so_many_wait_and_the_rest_is_turned_away_at_once():
    async def scenario(take, work):
        tasks = [take(name) for name in "abcde"]
        await settle()
        assert work.begun == ["a", "b"]
        assert tasks[4].done()
        assert await tasks[4] is None
        work.let("b")
        await settle()
        assert work.begun == ["a", "b", "c"]
        for name in "acd":
            work.let(name)
        assert [await task for task in tasks[:4]] == ["a", "b", "c", "d"]

    run(scenario)


def test_who_leaves_while_waiting_frees_the_place():
    async def scenario(take, work):
        tasks = [take(name) for name in "abcd"]
        await settle()
        tasks[2].cancel()
        await settle()
        tasks.append(take("e"))
        await settle()
        assert not tasks[4].done()
        for name in "abde":
            work.let(name)
        await settle()
        assert sorted(work.ended) == ["a", "b", "d", "e"]

    run(scenario)


def test_who_leaves_a_turn_that_has_begun_leaves_it_to_end():
    async def scenario(take, work):
        tasks = [take(name) for name in "abc"]
        await settle()
        tasks[0].cancel()
        await settle()
        assert work.begun == ["a", "b"]
        work.let("a")
        await settle()
        assert work.ended == ["a"]
        assert work.begun == ["a", "b", "c"]
        for name in "bc":
            work.let(name)
        with contextlib.suppress(asyncio.CancelledError):
            await tasks[0]

    run(scenario)


def test_who_fills_all_places_gives_up_the_last_one_and_waits_for_their_own_turns_only():
    async def scenario(take, work):
        greedy = [take(name, "greedy") for name in "abcd"]
        await settle()
        other = take("x", "other")
        await settle()
        assert greedy[3].done()
        assert await greedy[3] is None
        assert await take("e", "greedy") is None
        assert await take("y", "other") is None  # as many places as the greedy one has
        work.let("a")
        work.let("b")
        await settle()
        assert work.begun == ["a", "b", "c", "x"]
        greedy += [take(name, "greedy") for name in "fg"]
        await settle()
        last = take("z", "other")
        await settle()
        work.let("c")
        await settle()
        work.let("x")
        await settle()
        assert work.begun == ["a", "b", "c", "x", "f", "z"]
        for name in "fz":
            work.let(name)
        assert [await task for task in (other, last)] == ["x", "z"]

    run(scenario)


@pytest.mark.parametrize("pauses", range(6))
def test_who_leaves_just_as_the_turn_comes_passes_it_on(pauses):
    async def scenario(take, work):
        tasks = [take(name) for name in "abcd"]
        await settle()
        work.let("a")
        for _ in range(pauses):
            await asyncio.sleep(0)
        tasks[2].cancel()
        work.let("c")
        work.let("d")
        assert await tasks[3] == "d"
        tasks.append(take("e"))
        work.let("e")
        assert await tasks[4] == "e"
        work.let("b")

    run(scenario)


def test_who_leaves_and_is_turned_away_at_once_is_counted_once():
    async def scenario(take, work):
        tasks = [take(name, "greedy") for name in "abcd"]
        await settle()
        tasks[3].cancel()
        tasks.append(take("x", "other"))
        await settle()
        tasks[2].cancel()
        work.let("a")
        work.let("x")
        assert await tasks[4] == "x"
        work.let("b")

    run(scenario)


def test_work_that_fails_ends_its_turn():
    async def scenario(take, work):
        async def fail():
            raise ValueError("no")

        turns = Turns(1, most_waiting=0)
        for _ in range(3):
            with pytest.raises(ValueError, match="no"):
                await turns.take(fail)
        work.let("a")
        assert await turns.take(work("a")) == "a"

    run(scenario)
