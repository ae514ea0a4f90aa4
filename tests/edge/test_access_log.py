import asyncio
import contextlib
import json
import os

import pytest

from apimctl.edge.access_log import MOST_WAITING_BYTES, AccessLog
from apimctl.edge.application_names import ApplicationNames
from apimctl.edge.log_lines import json_line
from apimctl.edge.log_sink import Sink
from tests.edge.observations import observed


@pytest.fixture
def path(tmp_path):
    return tmp_path / "access.log"


@contextlib.asynccontextmanager
async def logging_to(sink, store_path, **options):
    log = AccessLog(sink, json_line, ApplicationNames(store_path), **options)
    try:
        yield log
    finally:
        await log.close()


def lines(path):
    return [json.loads(line) for line in path.read_text().splitlines()]


async def until(condition):
    """Wait for something that the thread does."""
    for _ in range(6000):
        if condition():
            return
        await asyncio.sleep(0.01)
    raise AssertionError(condition)


def test_every_request_has_its_line_in_order_at_the_latest_in_the_end(store, path):
    async def run():
        async with logging_to(Sink(path), store.path) as log:
            for number in range(1000):
                log.write(observed(request_id=str(number)))
        assert log.dropped == 0

    asyncio.run(run())
    assert [line["request_id"] for line in lines(path)] == [str(number) for number in range(1000)]
    assert {line["application"] for line in lines(path)} == {"DefaultApplication"}


def test_a_line_is_there_soon(store, path):
    async def run():
        async with logging_to(Sink(path), store.path) as log:
            log.write(observed())
            await until(path.read_bytes)
            log.write(observed(application_id=None))
            await until(lambda: len(lines(path)) == 2)

    asyncio.run(run())
    assert [line["application"] for line in lines(path)] == ["DefaultApplication", None]


def test_lines_seen_before_a_rotation_go_to_the_old_file(store, path):
    async def run():
        async with logging_to(Sink(path), store.path) as log:
            log.write(observed(request_id="before"))
            path.rename(path.with_name("old.log"))
            log.reopen()
            log.write(observed(request_id="after"))

    asyncio.run(run())
    assert [line["request_id"] for line in lines(path.with_name("old.log"))] == ["before"]
    assert [line["request_id"] for line in lines(path)] == ["after"]


def test_a_file_that_cannot_be_reopened_is_said_and_the_old_one_kept(store, path, caplog):
    async def run():
        async with logging_to(Sink(path), store.path) as log:
            path.rename(path.with_name("old.log"))
            path.mkdir()
            log.reopen()
            log.write(observed())

    asyncio.run(run())
    assert len(lines(path.with_name("old.log"))) == 1
    assert "stays in the old file: is a directory" in caplog.text


def test_a_pipe_that_nobody_reads_costs_lines_and_no_memory(store, caplog):
    receive, send = os.pipe()
    long = observed(target="/" + "x" * 30_000)

    async def run():
        async with logging_to(Sink(None, stdout=send), store.path) as log:
            for _ in range(1000):
                log.write(long)
                await asyncio.sleep(0)
            waiting = log._taken_bytes - log._done_bytes
            assert 0 < waiting <= MOST_WAITING_BYTES
            assert 0 < log.dropped < 1000
            log.tell(now=0)
            assert f"{log.dropped} lines of the access log are lost" in caplog.text
            log.write(long)
            log.tell(now=59)
            assert caplog.text.count(" lost: they") == 1
            log.tell(now=60)
            assert caplog.text.count(" lost: they") == 2
            assert "\n1 lines" not in caplog.text
            return await asyncio.to_thread(read_all, receive, log)

    def read_all(receive, log):
        data = b""
        count = 1001 - log.dropped
        while data.count(b"\n") < count:
            data += os.read(receive, 65536)
        return data

    data = asyncio.run(run())
    assert all(json.loads(line)["status"] == 200 for line in data.splitlines())
    os.close(receive)
    os.close(send)


def test_the_end_does_not_wait_for_a_pipe_that_nobody_reads(store, caplog):
    receive, send = os.pipe()

    async def run():
        sink = Sink(None, stdout=send)
        async with logging_to(sink, store.path, close_seconds=0.05) as log:
            for _ in range(1000):
                log.write(observed(user_agent="x" * 1000))
        return log

    log = asyncio.run(run())
    assert "the last lines of the access log are lost" in caplog.text
    os.close(receive)
    log._thread.join()
    os.close(send)


def test_what_a_full_disk_does_not_take_is_counted_and_said(store, tmp_path, caplog):
    full = tmp_path / "full.log"
    full.symlink_to("/dev/full")

    async def run():
        async with logging_to(Sink(full), store.path) as log:
            for _ in range(30):
                log.write(observed())
            await until(lambda: log.dropped == 30)
            assert log._taken_bytes == log._done_bytes
            log.tell(now=0)
            assert "30 lines of the access log are lost: no space left on device" in caplog.text
            full.unlink()
            log.reopen()
            log.write(observed())

    asyncio.run(run())
    assert len(lines(full)) == 1
