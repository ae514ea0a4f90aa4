"""What a benchmark says: a table for people, JSON for whoever compares runs."""

import argparse
import json
import os
import platform
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from rich import box
from rich.console import Console
from rich.table import Table

from benchmarks.load import Run
from benchmarks.rounds import Comparison, Plan, Ratio, compare, median

PEER_COLUMNS = ("peer", "apimctl's requests/s", "apimctl's CPU")
WIDTH = 160
FIGURES = ("requests/s", "p50 ms", "p99 ms", "CPU µs/request")


@dataclass(frozen=True)
class Row:
    """What was measured, and how it compares; None where it is what others compare with."""

    name: str
    runs: Sequence[Run]
    comparison: Comparison | None


def options(description: str | None, *, rounds: int, seconds: int) -> argparse.ArgumentParser:
    """Return the options that all benchmarks have."""
    parser = argparse.ArgumentParser(description=description)
    parser.add_argument("--rounds", type=int, default=rounds)
    parser.add_argument("--seconds", type=int, default=seconds, help="of each run of a round")
    parser.add_argument("--json", type=Path, metavar="FILE", help="write every run there")
    return parser


def machine() -> dict[str, Any]:
    """Return what the figures depend on, and how busy the machine is with other things."""
    return {
        "processor": _processor(),
        "cores": os.cpu_count(),
        "system": f"{platform.system()} {platform.release()}",
        "python": platform.python_version(),
        "load_average_before": os.getloadavg()[0],
    }


def beside_peers(runs: Mapping[str, Sequence[Run]], *, ours: str) -> list[Row]:
    """Return a row for each peer, with apimctl's runs in terms of its own."""
    return [
        Row(name, of_one, None if name == ours else compare(runs[ours], of_one))
        for name, of_one in runs.items()
    ]


def heading(what: str, plan: Plan, where: Mapping[str, Any]) -> str:
    """Return a title that says what was done, and on which machine."""
    return (
        f"\n{what}. {plan.rounds} rounds of {plan.seconds} s, {plan.connections} connections,"
        f" {where['cores']} cores of {where['processor']}, Python {where['python']},"
        f" load before {where['load_average_before']:.1f}"
    )


def show(title: str, columns: tuple[str, str, str], rows: Sequence[Row]) -> None:
    """Print a Markdown table of medians; the columns are the name's and those of the two ratios."""
    name, *ratios = columns
    table = Table(box=box.MARKDOWN)
    table.add_column(name)
    for column in (*FIGURES, *ratios):
        table.add_column(column, justify="right")
    for row in rows:
        table.add_row(row.name, *_figures(row.runs), *_ratios(row.comparison))
    console = Console(width=WIDTH)
    console.print(title)
    console.print(table)


def say(line: str) -> None:
    """Print a line below a table."""
    Console(width=WIDTH).print(line)


def draw(table: Table) -> None:
    """Print a table of other columns than runs have."""
    Console(width=WIDTH).print(table)


def content(plan: Plan, rows: Sequence[Row]) -> dict[str, Any]:
    """Return every run, for JSON."""
    return {"plan": asdict(plan), "rows": [_row_content(row) for row in rows]}


def write(file: Path | None, where: Mapping[str, Any], tables: Sequence[Mapping[str, Any]]) -> None:
    """Write the tables as JSON, if that is wanted."""
    if file is not None:
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(json.dumps({"machine": where, "tables": tables}, indent=2) + "\n")


def _row_content(row: Row) -> dict[str, Any]:
    return {
        "name": row.name,
        "median": asdict(median(row.runs)),
        "comparison": row.comparison and asdict(row.comparison),
        "runs": [asdict(run) for run in row.runs],
    }


def _figures(runs: Sequence[Run]) -> tuple[str, ...]:
    run = median(runs)
    return (
        f"{run.requests_per_second:,.0f}",
        f"{run.p50_ms:.2f}",
        f"{run.p99_ms:.2f}",
        f"{run.cpu_us:.0f}",
    )


def _ratios(comparison: Comparison | None) -> tuple[str, str]:
    if comparison is None:
        return "-", "-"
    return _spread(comparison.throughput), _spread(comparison.cpu)


def _spread(ratio: Ratio) -> str:
    """Return the median, and the smallest and the largest of the rounds."""
    return f"{ratio.median:.2f} x ({ratio.low:.2f}-{ratio.high:.2f})"


def _processor() -> str:
    for line in Path("/proc/cpuinfo").read_text().splitlines():
        name, _, value = line.partition(":")
        if name.strip() == "model name":
            return value.strip()
    return platform.machine()
