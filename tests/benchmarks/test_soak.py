"""The soak, for seconds: who visits, what is counted, and how it is judged."""

import json
import os
import subprocess
import sys

import pytest

from benchmarks.footprint import Footprint, footprint
from benchmarks.soak import Sample, part, surprises, verdict
from benchmarks.visitors import ROLES, Tally

FLAT = Footprint(
    memory_mib=100.0, descriptors=90, threads=9, processes=3, wal_mib=4.0, store_mib=30.0
)
CLIENTS = sum(role.clients for role in ROLES)


def samples(memory, issued=0):
    return [
        Sample(
            at_seconds=number,
            answered=0,
            issued=issued * number,
            access_log_mib=0,
            footprint=Footprint(**{**vars(FLAT), "memory_mib": memory(number)}),
        )
        for number in range(101)
    ]


def test_a_part_is_a_tenth():
    assert [sample.at_seconds for sample in part(samples(lambda _: 1), 1)] == list(range(10, 21))


@pytest.mark.parametrize(
    ("memory", "said"),
    [
        (lambda _: 100, "memory, MiB: flat, 100.0 -> 100.0 (+0.0)"),
        (lambda number: 200 if number == 50 else 100, "memory, MiB: flat, 100.0 -> 100.0 (+0.0)"),
        (lambda number: 50 + min(number, 10), "memory, MiB: flat, 60.0 -> 60.0 (+0.0)"),
        (lambda number: 100 - number / 2, "memory, MiB: flat, 92.5 -> 52.5 (-40.0)"),
        (lambda number: 100 + number, "memory, MiB: GROWS, 115.0 -> 195.0 (+80.0)"),
    ],
)
def test_a_figure_is_judged_after_the_warm_up(memory, said):
    assert verdict("memory, MiB", samples(memory)) == said


def test_tokens_that_are_remembered_may_grow():
    grown = samples(lambda number: 100 + number / 5, issued=300)
    assert verdict("memory, MiB", grown) == (
        "memory, MiB: flat, 103.0 -> 119.0 (+16.0, 18.0 of it 27,000 issued tokens)"
    )


def test_what_was_answered_wrongly_is_a_surprise():
    tally = Tally()
    tally.note(200, expected=200, what="GET /")
    tally.note(200, expected=401, what="GET /")
    assert surprises(tally, is_worker_killed=True) == ["GET /: 200 where 401 was expected"]
    assert (tally.answered, tally.answers) == (2, {200: 2})


@pytest.mark.parametrize(
    ("broken", "is_worker_killed", "count"),
    [(0, False, 0), (1, False, 1), (CLIENTS, True, 0), (CLIENTS + 1, True, CLIENTS + 1)],
)
def test_a_killed_worker_takes_no_more_than_its_connections(broken, is_worker_killed, count):
    tally = Tally(broken=["reset"] * broken)
    assert len(surprises(tally, is_worker_killed=is_worker_killed)) == count


def test_a_footprint_is_read(tmp_path):
    (tmp_path / "x.db").write_bytes(b"x" * (1 << 20))
    (tmp_path / "x.db-wal").write_bytes(b"x" * (1 << 19))
    found = footprint(os.getpid(), tmp_path / "x.db")
    assert (found.store_mib, found.wal_mib) == (1, 0.5)
    assert found.memory_mib > 10
    assert min(found.descriptors, found.threads, found.processes) >= 1


def test_a_short_soak_has_no_surprises(tmp_path):
    file = tmp_path / "soak.json"
    command = [sys.executable, "-m", "benchmarks.soak", "--minutes", "0.1", "--json", file]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done
    assert "descriptors: " in done.stdout
    (table,) = json.loads(file.read_text())["tables"]
    assert {"200", "401", "403"} == set(table["answers"])
    assert table["unexpected"] == []
    assert table["issued"] > 0
    assert len(table["samples"]) > 10
