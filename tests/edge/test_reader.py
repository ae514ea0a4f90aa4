import asyncio
import sqlite3
import threading

import pytest

from apimctl.edge.reader import Reader
from apimctl.errors import ConflictError, StoreUnreadableError
from apimctl.services import tiers


def names(db):
    return {tier.name for tier in tiers.list_all(db)}


def make(store, name):
    with store.transaction() as db:
        tiers.create(db, name, requests=1, per_seconds=60)


def reading(path, scenario):
    """Run a scenario with a reader of that store."""

    async def run():
        reader = Reader(path)
        try:
            async with asyncio.timeout(60):
                return await scenario(reader)
        finally:
            await reader.close()

    return asyncio.run(run())


def test_what_is_read_is_one_state_of_the_store(store, store_path):
    async def scenario(reader):
        has_looked, is_changed = threading.Event(), threading.Event()

        def look_twice(db):
            first = names(db)
            has_looked.set()
            assert is_changed.wait(60)
            return first, names(db)

        looking = asyncio.ensure_future(reader.submit(look_twice))
        assert await asyncio.to_thread(has_looked.wait, 60)
        make(store, "Mine")
        is_changed.set()
        first, second = await looking
        assert "Mine" not in first
        assert first == second
        assert "Mine" in await reader.submit(names)

    reading(store_path, scenario)


def test_nobody_waits_for_who_writes(store, store_path):
    async def scenario(reader):
        with store.transaction() as db:
            tiers.create(db, "Mine", requests=1, per_seconds=60)
            assert "Mine" not in await reader.submit(names)
        assert "Mine" in await reader.submit(names)

    reading(store_path, scenario)


def test_nothing_is_written_here(store, store_path):
    async def scenario(reader):
        with pytest.raises(StoreUnreadableError):
            await reader.submit(lambda db: tiers.create(db, "Mine", requests=1, per_seconds=60))
        assert "Mine" not in await reader.submit(names)

    reading(store_path, scenario)


def test_an_error_is_the_submitters(store, store_path):
    def fail(db):
        raise ConflictError("no", hint="")

    async def scenario(reader):
        with pytest.raises(ConflictError):
            await reader.submit(fail)
        assert "Gold" in await reader.submit(names)

    reading(store_path, scenario)


def test_a_file_that_was_replaced_is_read_instead(store, store_path, tmp_path):
    other = tmp_path / "other.db"
    make(store, "Mine")
    with sqlite3.connect(other) as copy, store.reading() as db:
        db.backup(copy)
    copy.close()

    async def scenario(reader):
        make(store, "Late")
        assert "Late" in await reader.submit(names)
        store_path.unlink()
        with pytest.raises(StoreUnreadableError):
            await reader.submit(names)
        for path in tmp_path.glob("data/apimctl.db-*"):
            path.unlink()
        other.rename(store_path)
        found = await reader.submit(names)
        assert "Mine" in found
        assert "Late" not in found

    reading(store_path, scenario)


def test_what_is_no_store_is_told(tmp_path):
    path = tmp_path / "x.db"
    path.write_bytes(b"no store" * 1000)

    async def scenario(reader):
        with pytest.raises(StoreUnreadableError):
            await reader.submit(names)

    reading(path, scenario)
