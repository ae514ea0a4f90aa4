import asyncio
import contextlib
import itertools
import json
import math
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

import pytest
from prometheus_client.openmetrics.parser import (
    text_string_to_metric_families as parse_openmetrics,
)
from prometheus_client.parser import text_string_to_metric_families as parse_text

from apimctl import __version__
from apimctl.edge.application_names import ApplicationNames
from apimctl.edge.metric_files import forget_worker, metrics_folder
from apimctl.edge.metrics import BOUNDS, Metrics
from apimctl.services import applications
from tests.binary import TIMEOUT_SECONDS
from tests.edge.observations import observed

ROOT = Path(__file__).parents[2]


@pytest.fixture
def folder():
    with metrics_folder() as made:
        yield made


@contextlib.asynccontextmanager
async def counting(folder, store, **options):
    names = ApplicationNames(store.path)
    metrics = Metrics(folder, worker=0, names=names, count_connections=lambda: 7, **options)
    try:
        yield metrics
    finally:
        await metrics.close()


class Worker:
    """Metrics in a process of their own."""

    def __init__(self, folder, store, *, worker=0):
        command = ["-m", "tests.edge.metric_process", folder, str(worker), store.path]
        self.process = subprocess.Popen(
            [sys.executable, *command],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
            cwd=ROOT,
        )
        assert self.answer() == "ready"

    def answer(self):
        return json.loads(self.process.stdout.readline())

    def ask(self, line):
        self.process.stdin.write(f"{line}\n")
        self.process.stdin.flush()
        return self.answer()

    def count(self, *changes):
        assert self.ask(json.dumps(changes)) == "counted"

    def samples(self):
        return samples(self.ask("metrics"))

    def kill(self):
        self.process.kill()
        self.process.communicate()

    def end(self):
        self.process.communicate("\n", timeout=TIMEOUT_SECONDS)
        assert self.process.returncode == 0


@pytest.fixture
def start(folder, store):
    started = []

    def start(worker):
        started.append(Worker(folder, store, worker=worker))
        return started[-1]

    yield start
    for worker in started:
        worker.kill()


def samples(text, parse=parse_text):
    """Return every number by its name and label values."""
    return {
        (sample.name, *sample.labels.values()): sample.value
        for family in parse(text)
        for sample in family.samples
    }


def shown(folder, store, *observations, **options):
    """Count the observations and return what a scrape shows then."""

    async def run():
        async with counting(folder, store, **options) as metrics:
            for observation in observations:
                metrics.count(observation)
            return (await metrics.render(as_openmetrics=False)).decode()

    return samples(asyncio.run(run()))


def requests(found):
    return {key[1:]: value for key, value in found.items() if key[0] == "apimctl_requests_total"}


def test_requests_are_counted_by_api_application_owner_and_status(folder, store):
    found = shown(
        folder,
        store,
        observed(),
        observed(),
        observed(status=404),
        observed(api="weather:2"),
        observed(api=None, application_id=None, status=404, fault=900906),
    )
    assert requests(found) == {
        ("twitter:1.0.0", "DefaultApplication", "admin", "200"): 2,
        ("twitter:1.0.0", "DefaultApplication", "admin", "404"): 1,
        ("weather:2", "DefaultApplication", "admin", "200"): 1,
        ("", "", "", "404"): 1,
    }


def test_refusals_are_counted_by_their_code(folder, store):
    found = shown(folder, store, *(observed(fault=code) for code in (900901, 900901, 101503)))
    assert found["apimctl_refusals_total", "900901"] == 2
    assert found["apimctl_refusals_total", "101503"] == 1


def test_times_are_counted_in_the_bucket_that_holds_them(folder, store):
    seconds = (0.0, 0.001, 0.0011, 60.0, 61.0)
    found = shown(
        folder,
        store,
        *(observed(seconds=length, backend_seconds=None) for length in seconds),
        observed(seconds=1000, backend_seconds=0.3, status=101),
    )

    def buckets(name):
        bounds = ("0.001", "0.0025", "0.25", "0.5", "30.0", "60.0", "+Inf")
        return [found[f"{name}_bucket", "twitter:1.0.0", bound] for bound in bounds]

    assert buckets("apimctl_request_seconds") == [2, 3, 3, 3, 3, 4, 5]
    assert buckets("apimctl_backend_seconds") == [0, 0, 0, 1, 1, 1, 1]
    assert found["apimctl_request_seconds_count", "twitter:1.0.0"] == 5
    assert math.isclose(found["apimctl_request_seconds_sum", "twitter:1.0.0"], sum(seconds))
    assert found["apimctl_backend_seconds_sum", "twitter:1.0.0"] == 0.3


def test_all_buckets_are_there_from_the_first_request_on(folder, store):
    found = shown(folder, store, observed())
    bounds = [key[-1] for key in found if key[0] == "apimctl_request_seconds_bucket"]
    assert bounds == [*map(str, BOUNDS), "+Inf"]


def test_what_a_worker_is_and_takes_is_shown(folder, store):
    found = shown(folder, store)
    assert found["apimctl_workers",] == 1
    assert found["apimctl_connections",] == 7
    assert found["apimctl_build_info", __version__] == 1
    assert found["apimctl_store_errors_total",] == 0
    assert found["apimctl_access_log_lost_lines_total",] == 0
    assert found["process_cpu_seconds_total",] > 0
    assert found["process_resident_memory_bytes",] > 1_000_000
    assert found["process_open_fds",] > 3
    assert found["process_start_time_seconds",] > 1_700_000_000


def test_store_errors_and_lost_lines_add_up(folder, store):
    async def run():
        async with counting(folder, store) as metrics:
            for _ in range(2):
                metrics.count_store_error()
                metrics.count_lost_lines(5)
                await metrics.flush()
            return (await metrics.render(as_openmetrics=False)).decode()

    found = samples(asyncio.run(run()))
    assert found["apimctl_store_errors_total",] == 2
    assert found["apimctl_access_log_lost_lines_total",] == 10


def test_both_formats_say_the_same(folder, store):
    async def run():
        async with counting(folder, store) as metrics:
            metrics.count(observed(status=404, fault=900906))
            return [
                (await metrics.render(as_openmetrics=is_open)).decode() for is_open in (False, True)
            ]

    text, openmetrics = asyncio.run(run())
    assert openmetrics.endswith("# EOF\n")
    found = samples(text)
    same = {key for key in found if key[0].startswith("apimctl_")}
    assert {key: samples(openmetrics, parse_openmetrics)[key] for key in same} == {
        key: found[key] for key in same
    }


def test_a_renamed_or_deleted_application_is_called_what_it_is_called_then(folder, store):
    async def run():
        async with counting(folder, store) as metrics:
            metrics.count(observed())
            await metrics.flush()
            with store.transaction() as db:
                db.execute("UPDATE application SET name = 'shop' WHERE id = 'default'")
            metrics.count(observed())
            await metrics.flush()
            with store.transaction() as db:
                applications.delete(db, applications.resolve(db, "shop"))
            metrics.count(observed())
            return (await metrics.render(as_openmetrics=False)).decode()

    assert requests(samples(asyncio.run(run()))) == {
        ("twitter:1.0.0", "DefaultApplication", "admin", "200"): 1,
        ("twitter:1.0.0", "shop", "admin", "200"): 1,
        ("twitter:1.0.0", "default", "", "200"): 1,
    }


def test_there_are_never_more_series_than_so_many(folder, store):
    many = [observed(api=f"api{n}:1", status=200 + n) for n in range(100)]
    found = shown(folder, store, *many, most_series=10)
    assert len(requests(found)) == 11
    assert sum(requests(found).values()) == 100
    assert requests(found)["other", "other", "other", "other"] == 90
    assert found["apimctl_request_seconds_count", "other"] == 100


def test_names_with_quotes_and_newlines_do_not_break_the_format(folder, store):
    with store.transaction() as db:
        db.execute("""UPDATE application SET name = 'a "b" \\ c' || char(10) || 'ä'""")
    found = shown(folder, store, observed())
    assert list(requests(found)) == [("twitter:1.0.0", 'a "b" \\ c\nä', "admin", "200")]


def test_whichever_worker_is_asked_shows_all_of_them(start):
    one, two = start(0), start(1)
    one.count({}, {}, {"seconds": 0.5})
    two.count({}, {"status": 502, "fault": 101503})
    for worker in (one, two):
        found = worker.samples()
        assert requests(found) == {
            ("twitter:1.0.0", "DefaultApplication", "admin", "200"): 4,
            ("twitter:1.0.0", "DefaultApplication", "admin", "502"): 1,
        }
        assert found["apimctl_request_seconds_count", "twitter:1.0.0"] == 5
        assert found["apimctl_refusals_total", "101503"] == 1
        assert found["apimctl_workers",] == 2
        assert found["apimctl_connections",] == 6
        assert found["apimctl_build_info", __version__] == 1


def test_a_worker_that_takes_a_fallen_ones_place_goes_on_from_what_it_counted(start, folder):
    one, two = start(0), start(1)
    one.count({}, {})
    two.count({})
    files = sorted(path.name for path in folder.iterdir())
    for expected in range(4, 7):
        one.kill()
        forget_worker(folder, 0)
        left = two.samples()
        assert (left["apimctl_workers",], left["apimctl_connections",]) == (1, 3)
        one = start(0)
        one.count({})
        found = two.samples()
        assert sum(requests(found).values()) == expected
        assert found["apimctl_request_seconds_count", "twitter:1.0.0"] == expected
        assert found["apimctl_workers",] == 2
    assert sorted(path.name for path in folder.iterdir()) == files


def test_a_worker_that_ends_in_order_is_not_counted_among_the_living(start):
    one, two = start(0), start(1)
    one.count({})
    one.end()
    found = two.samples()
    assert found["apimctl_workers",] == 1
    assert found["apimctl_connections",] == 3
    assert sum(requests(found).values()) == 1


def test_what_was_counted_is_written_though_nobody_waits_for_it(folder, store):
    async def run():
        async with counting(folder, store) as metrics:
            for _ in range(100):
                metrics.count(observed())
                flushing = asyncio.ensure_future(metrics.flush())
                await asyncio.sleep(0)
                flushing.cancel()
            return (await metrics.render(as_openmetrics=False)).decode()

    assert sum(requests(samples(asyncio.run(run()))).values()) == 100


def test_a_file_grows_with_what_is_in_it(folder, store):
    count = 1000
    found = shown(folder, store, *(observed(api=f"{'x' * 200}{n}:1") for n in range(count)))
    assert len(requests(found)) == count
    assert (folder / "counter_0.db").stat().st_size > 256 * 1024
    again = shown(folder, store, observed(api="last:1"))
    assert len(requests(again)) == count + 1


def test_a_disk_without_room_is_an_error_and_no_sudden_death(folder, store):
    program = """
import asyncio, resource, sys
from pathlib import Path
from apimctl.edge.application_names import ApplicationNames
from apimctl.edge.metrics import Metrics
from tests.edge.observations import observed

async def run():
    names = ApplicationNames(Path(sys.argv[2]))
    metrics = Metrics(Path(sys.argv[1]), worker=0, names=names, count_connections=lambda: 0)
    metrics.count(observed())
    await metrics.flush()
    resource.setrlimit(resource.RLIMIT_FSIZE, (64 * 1024, 64 * 1024))
    metrics.count(observed())
    for number in range(1000):
        metrics.count(observed(api=f"{number}:{'x' * 200}"))
    try:
        await metrics.flush()
    except OSError as error:
        print(error.strerror)
    metrics.count(observed())
    await metrics.flush()
    await metrics.close()

asyncio.run(run())
"""
    command = [sys.executable, "-c", program, folder, store.path]
    result = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True)
    assert result.stdout == "File too large\n", result.stderr
    found = requests(shown(folder, store))
    assert found["twitter:1.0.0", "DefaultApplication", "admin", "200"] == 3


def test_the_folder_is_its_owners_alone_and_gone_at_the_end():
    with metrics_folder() as folder:
        assert folder.stat().st_mode & 0o777 == 0o700
        (folder / "counter_0.db").touch()
    assert not folder.exists()


def test_a_folder_that_is_gone_is_an_error_and_no_empty_answer(folder, store):
    async def run():
        async with counting(folder, store) as metrics:
            shutil.rmtree(folder)
            await metrics.flush()
            with pytest.raises(FileNotFoundError):
                await metrics.render(as_openmetrics=False)

    asyncio.run(run())


def test_folders_that_killed_gateways_left_are_removed_and_no_others(tmp_path, monkeypatch):
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    left = tmp_path / "apimctl-metrics-left"
    left.mkdir()
    (left / "counter_0.db").touch()
    link = tmp_path / "apimctl-metrics-link"
    link.symlink_to(tmp_path / "others")
    (tmp_path / "others").mkdir()
    with metrics_folder() as in_use:
        assert not left.exists()
        with metrics_folder() as mine:
            assert mine != in_use
            assert in_use.exists()
            assert link.is_symlink()
    assert sorted(path.name for path in tmp_path.iterdir()) == ["apimctl-metrics-link", "others"]


def test_only_the_process_that_made_the_folder_removes_it():
    program = """
import os, sys
from apimctl.edge.metric_files import metrics_folder
with metrics_folder() as folder:
    child = os.fork()
    if child == 0:
        sys.exit()
    os.waitpid(child, 0)
    print(folder.exists())
print(folder.exists())
"""
    result = subprocess.run(
        [sys.executable, "-c", program], cwd=ROOT, capture_output=True, text=True, check=True
    )
    assert result.stdout.split() == ["True", "False"]


def test_bounds_ascend():
    assert all(lower < upper for lower, upper in itertools.pairwise(BOUNDS))
