"""The task that throws away what is over, on a real writer thread."""

import asyncio
from contextlib import asynccontextmanager

import pytest

from apimctl import config
from apimctl.domain.validity import NEVER
from apimctl.edge.complaints import Complaints
from apimctl.edge.upkeep import Upkeep
from apimctl.edge.writer import Writer
from apimctl.errors import StoreBusyError
from apimctl.services import partitions, revocation, tokens, upkeep
from apimctl.tables import partitions as token_partitions
from apimctl.tables.leftovers import Leftover
from tests.conftest import NOW
from tests.edge.conftest import TOKENS

WEEK = 7 * 86_400


@asynccontextmanager
async def kept_up(path, folder):
    settings = config.load({"db": str(path), "config": str(folder / "none.toml")}, environ={})
    writer = Writer(path, busy_timeout_seconds=0.1)
    try:
        yield Upkeep(writer, lambda: settings, complaints=Complaints()), writer
    finally:
        await writer.close()


def count(db) -> int:
    return db.execute("SELECT count(*) FROM access_token").fetchone()[0]


def count_dated(db) -> int:
    """Count what a pass by the clock of this machine dated."""
    return db.execute("SELECT count(*) FROM access_token WHERE expires_at < ?", (NOW,)).fetchone()[
        0
    ]


def issue_many(shop, number):
    with shop.store.transaction() as db:
        for _ in range(number):
            tokens.issue_application_token(
                db, shop.generated.key, settings=TOKENS, validity_seconds=NEVER, **shop.made
            )
        revocation.revoke_all(db, shop.generated.key)


def test_a_pass_removes_all_that_is_over_in_many_transactions(shop, store, tmp_path):
    many = 3 * upkeep.BATCH
    issue_many(shop, many)

    async def keep_up():
        async with kept_up(store.path, tmp_path) as (keeper, writer):
            await keeper.make_pass(now=NOW)  # dates what would never have expired
            assert await writer.submit(count) == many + 1
            counts = []
            passing = asyncio.create_task(keeper.make_pass(now=NOW + WEEK + 3600))
            while not passing.done():
                counts.append(await writer.submit(count))
            await passing
            assert await writer.submit(count) == 0
            return counts

    counts = asyncio.run(keep_up())
    assert counts == sorted(counts, reverse=True)
    # Others had their turn in between: nobody waits for a pass, only for a batch.
    assert {*counts} & {many + 1 - upkeep.BATCH * batch for batch in (1, 2)}


def test_a_store_that_is_busy_is_tried_again_later(shop, store, tmp_path, caplog):
    issue_many(shop, 1)

    async def keep_up():
        async with kept_up(store.path, tmp_path) as (keeper, writer):
            with store.transaction():
                running = asyncio.create_task(keeper.run(pass_seconds=0.001))
                while not caplog.messages:
                    assert not running.done()
                    with pytest.raises(StoreBusyError):
                        await writer.submit(count)
            while not await writer.submit(count_dated):
                assert not running.done()
            running.cancel()

    asyncio.run(keep_up())
    assert "busy" in caplog.messages[0]


def test_the_settings_of_the_moment_are_obeyed(shop, store, tmp_path):
    issue_many(shop, 1)
    files = {"db": str(store.path), "config": str(tmp_path / "none.toml")}
    known = [config.load({**files, "tokens.purge_after": "never"}, environ={})]

    async def keep_up():
        writer = Writer(store.path)
        keeper = Upkeep(writer, lambda: known[-1], complaints=Complaints())
        await keeper.make_pass(now=NOW + 10 * WEEK)
        assert await writer.submit(count) == 2
        known.append(config.load({**files, "tokens.purge_after": "1s"}, environ={}))
        await keeper.make_pass(now=NOW + 10 * WEEK)
        await keeper.make_pass(now=NOW + 10 * WEEK + 1)
        assert await writer.submit(count) == 0
        await writer.close()

    asyncio.run(keep_up())
    assert Leftover.ACCESS_TOKENS not in upkeep.deadlines(known[0], now=NOW)


def test_partitions_that_are_not_configured_go_once_they_are_empty(shop, store, tmp_path):
    with store.transaction() as db:
        partitions.create_missing(db, {"FOO.COM": "A", "BAR.COM": "B"}, now=NOW)
        db.execute(
            "INSERT INTO access_token_B (digest, id, consumer_key, state, scope, hint, issued_at,"
            " expires_at) VALUES ('x', 'x', ?, 'ACTIVE', '', '', ?, ?)",
            (shop.generated.key.consumer_key, NOW, NOW + WEEK),
        )

    async def keep_up():
        async with kept_up(store.path, tmp_path) as (keeper, writer):
            await keeper.make_pass(now=NOW)
            assert await writer.submit(token_partitions.list_all) == ["0", "B"]
            await keeper.make_pass(now=NOW + 5 * WEEK)
            assert await writer.submit(token_partitions.list_all) == ["0"]

    asyncio.run(keep_up())
