import asyncio
import contextlib
import sqlite3
import threading
from contextlib import closing

import pytest

from apimctl.edge.writer import MOST_AT_ONCE, Writer
from apimctl.errors import NotFoundError, StoreBusyError, StoreError
from apimctl.store import connect, open_store
from apimctl.tables.changes import ChangeKind, announce, newest_id
from tests.conftest import NOW


@contextlib.asynccontextmanager
async def writing(path, **options):
    writer = Writer(path, **options)
    try:
        yield writer
    finally:
        await writer.close()


def write(db, subject="x"):
    announce(db, ChangeKind.KEY, subject)
    return subject


def written(path):
    """Return what another connection sees."""
    with closing(connect(path)) as db:
        return [subject for (subject,) in db.execute("SELECT subject FROM changes ORDER BY id")]


@contextlib.contextmanager
def held_up(writer):
    """Keep the thread busy, so that what is submitted meanwhile is one batch."""
    begun, go_on = threading.Event(), threading.Event()

    def wait(db):
        begun.set()
        assert go_on.wait(60)

    job = asyncio.ensure_future(writer.submit(wait))
    try:
        yield job, begun
    finally:
        go_on.set()


def test_a_result_is_handed_out_after_the_commit(store, store_path):
    async def run():
        async with writing(store_path) as writer:
            assert await writer.submit(write) == "x"
            assert written(store_path) == ["x"]

    asyncio.run(run())


def test_nothing_is_seen_before_the_commit(store, store_path):
    async def run():
        async with writing(store_path) as writer:
            seen = await writer.submit(lambda db: (write(db), written(store_path)))
            assert seen == ("x", [])
            assert written(store_path) == ["x"]

    asyncio.run(run())


def test_what_waits_together_is_committed_together(store, store_path):
    async def run():
        async with writing(store_path) as writer:
            with held_up(writer) as (first, begun):
                await asyncio.to_thread(begun.wait, 60)
                rest = [
                    asyncio.ensure_future(writer.submit(lambda db, n=n: (write(db, str(n)), n)))
                    for n in range(3)
                ]
                rest.append(asyncio.ensure_future(writer.submit(lambda db: written(store_path))))
                await asyncio.sleep(0)
            await first
            *_, seen_by_others = await asyncio.gather(*rest)
            assert seen_by_others == []
            assert written(store_path) == ["0", "1", "2"]

    asyncio.run(run())


def test_more_than_one_batch_is_written_in_order(store, store_path):
    async def run():
        async with writing(store_path) as writer:
            count = 2 * MOST_AT_ONCE + 1
            names = [str(number) for number in range(count)]
            jobs = [writer.submit(lambda db, name=name: write(db, name)) for name in names]
            assert await asyncio.gather(*jobs) == names
            assert written(store_path) == names

    asyncio.run(run())


def test_an_error_undoes_its_own_job_only(store, store_path):
    def fail(db):
        write(db, "undone")
        raise NotFoundError("there is none")

    def clash(db):
        write(db, "undone too")
        db.execute("INSERT INTO changes (id, kind, subject) SELECT id, kind, '' FROM changes")

    async def run():
        async with writing(store_path) as writer:
            with held_up(writer) as (first, begun):
                await asyncio.to_thread(begun.wait, 60)
                jobs = [
                    writer.submit(lambda db: write(db, "before")),
                    writer.submit(fail),
                    writer.submit(clash),
                    writer.submit(lambda db: write(db, "after")),
                ]
                waiting = asyncio.gather(*jobs, return_exceptions=True)
                await asyncio.sleep(0)
            await first
            before, failed, clashed, after = await waiting
            assert (before, after) == ("before", "after")
            assert isinstance(failed, NotFoundError)
            assert isinstance(clashed, sqlite3.IntegrityError)
            assert written(store_path) == ["before", "after"]

    asyncio.run(run())


def test_a_fault_of_the_store_in_a_job_is_a_store_error(store, store_path):
    async def run():
        async with writing(store_path) as writer:
            with pytest.raises(StoreError):
                await writer.submit(lambda db: db.execute("SELECT * FROM nothing"))
            assert await writer.submit(write) == "x"

    asyncio.run(run())


def test_a_job_that_ends_the_transaction_fails_and_the_next_one_does_not(store, store_path):
    async def run():
        async with writing(store_path) as writer:
            with pytest.raises(StoreError):
                await writer.submit(lambda db: db.execute("ROLLBACK"))
            assert await writer.submit(write) == "x"
        assert written(store_path) == ["x"]

    asyncio.run(run())


def test_a_store_that_is_locked_for_too_long_is_a_store_error(store, store_path):
    async def run():
        async with writing(store_path, busy_timeout_seconds=0.05) as writer:
            with store.transaction():
                with pytest.raises(StoreBusyError):
                    await writer.submit(write)
                assert written(store_path) == []
            assert await writer.submit(write) == "x"
        assert written(store_path) == ["x"]

    asyncio.run(run())


def test_a_store_that_is_locked_for_a_moment_is_waited_for(store, store_path):
    async def run():
        async with writing(store_path) as writer:
            begun = threading.Event()
            with store.transaction() as db:
                write(db, "first")
                job = asyncio.ensure_future(
                    writer.submit(lambda other: (begun.set(), write(other, "second")))
                )
                await asyncio.sleep(0)
                assert not begun.is_set()
            await job
        assert written(store_path) == ["first", "second"]

    asyncio.run(run())


def test_a_store_that_is_gone_is_a_store_error_until_it_is_back(store, store_path):
    async def run():
        away = store_path.with_name("away.db")
        async with writing(store_path) as writer:
            await writer.submit(lambda db: write(db, "before"))
            store_path.rename(away)
            with pytest.raises(StoreError):
                await writer.submit(lambda db: write(db, "lost"))
            away.rename(store_path)
            await writer.submit(lambda db: write(db, "after"))
        assert written(store_path) == ["before", "after"]

    asyncio.run(run())


def test_a_store_that_was_replaced_gets_what_is_written_then(store, store_path, tmp_path):
    async def run():
        async with writing(store_path) as writer:
            await writer.submit(lambda db: write(db, "old"))
            store.close()
            open_store(tmp_path / "new.db", now=NOW).close()
            for suffix in ("", "-wal", "-shm"):
                store_path.with_name(store_path.name + suffix).unlink(missing_ok=True)
            (tmp_path / "new.db").rename(store_path)
            await writer.submit(lambda db: write(db, "new"))
        assert written(store_path) == ["new"]

    asyncio.run(run())


def test_a_job_whose_submitter_gave_up_beforehand_is_left_out(store, store_path):
    async def run():
        async with writing(store_path) as writer:
            with held_up(writer) as (first, begun):
                await asyncio.to_thread(begun.wait, 60)
                given_up = asyncio.ensure_future(writer.submit(lambda db: write(db, "given up")))
                kept = asyncio.ensure_future(writer.submit(lambda db: write(db, "kept")))
                await asyncio.sleep(0)
                given_up.cancel()
                await asyncio.wait([given_up])
            await first
            assert await kept == "kept"
            assert given_up.cancelled()
        assert written(store_path) == ["kept"]

    asyncio.run(run())


def test_giving_up_in_the_middle_harms_nobody(store, store_path):
    async def run():
        async with writing(store_path) as writer:
            with held_up(writer) as (first, begun):
                await asyncio.to_thread(begun.wait, 60)
                first.cancel()
                await asyncio.wait([first])
            assert await writer.submit(write) == "x"

    asyncio.run(run())


def test_closing_finishes_what_was_submitted(store, store_path):
    async def run():
        writer = Writer(store_path)
        jobs = [asyncio.ensure_future(writer.submit(write)) for _ in range(10)]
        await asyncio.sleep(0)
        await writer.close()
        assert await asyncio.gather(*jobs) == ["x"] * 10

    asyncio.run(run())
    assert written(store_path) == ["x"] * 10
    with store.reading() as db:
        assert newest_id(db) == 10
