"""Runs become medians, ratios, a table and JSON."""

import json

import pytest

from benchmarks import report
from benchmarks.load import Run
from benchmarks.rounds import Plan, compare, median


def run(per_second, cpu_us=100.0) -> Run:
    return Run(100, float(per_second), p50_ms=1.0, p99_ms=5.0, cpu_us=float(cpu_us))


OURS = [run(500, 200), run(1000, 100), run(300, 150)]
THEIRS = [run(1000, 100), run(1000, 100), run(1000, 100)]
PLAN = Plan(rounds=3, seconds=1, connections=32)
WHERE = {"cores": 2, "processor": "x", "python": "3", "load_average_before": 0.0}


def test_a_median_is_taken_of_each_figure():
    assert median(OURS) == Run(300, 500.0, 1.0, 5.0, 150.0)


def test_rounds_are_compared_with_rounds():
    comparison = compare(OURS, THEIRS)
    throughput, cpu = comparison.throughput, comparison.cpu
    assert (throughput.median, throughput.low, throughput.high) == (0.5, 0.3, 1.0)
    assert (cpu.median, cpu.low, cpu.high) == (1.5, 1.0, 2.0)


def test_rounds_that_are_missing_are_not_made_up():
    with pytest.raises(ValueError, match="shorter"):
        compare(OURS, THEIRS[:2])


def test_the_table_holds_apimctl_beside_its_peers(capsys):
    rows = report.beside_peers({"ours": OURS, "theirs": THEIRS}, ours="ours")
    report.show(report.heading("Gateways", PLAN, WHERE), report.PEER_COLUMNS, rows)
    ours, theirs = capsys.readouterr().out.splitlines()[-3:-1]
    assert "500" in ours
    assert "x (" not in ours
    assert "0.50 x (0.30-1.00)" in theirs
    assert "1.50 x (1.00-2.00)" in theirs


def test_the_json_holds_every_run(tmp_path):
    file = tmp_path / "new" / "report.json"
    rows = report.beside_peers({"ours": OURS, "theirs": THEIRS}, ours="ours")
    report.write(file, WHERE, [report.content(PLAN, rows)])
    (table,) = json.loads(file.read_text())["tables"]
    assert table["plan"] == {"rounds": 3, "seconds": 1, "connections": 32}
    ours, theirs = table["rows"]
    assert ours["comparison"] is None
    assert theirs["comparison"]["cpu"] == {"median": 1.5, "low": 1.0, "high": 2.0}
    assert [one["requests_per_second"] for one in ours["runs"]] == [500, 1000, 300]


def test_nothing_is_written_where_nothing_is_wanted():
    report.write(None, WHERE, [])
