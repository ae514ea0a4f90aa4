"""The only writer to stdout: table, json, csv, value, env or github. SPEC section 8.

Data goes to stdout, talk to stderr. A table is drawn by Rich in a terminal and is plain, aligned
text in a pipe.
"""

import csv
import json
import os
import re
import shlex
import sys
from collections.abc import Mapping, Sequence
from enum import StrEnum
from pathlib import Path
from typing import Any

from apimctl.errors import ApimctlError, UsageError

Record = Mapping[str, Any]
"""Documented fields: text, numbers, booleans, None, lists of text, and objects of these."""

_SAID_OF_NOTHING = {
    "validity_seconds": "never ends",
    "expires_at": "never",
    "allowed_domains": "all",
    "tiers": "all",
    "requests": "unlimited",
}
"""What an empty field means, where a table has room to say it."""

_LONG = {
    "actor",
    "allowed_domains",
    "answer",
    "application",
    "consumer_key",
    "cors_origins",
    "description",
    "expected",
    "expires_at",
    "origin",
    "pattern",
    "production_url",
    "request",
    "sandbox_url",
    "target",
    "tiers",
    "validity_seconds",
    "value",
}
"""Columns that a narrow terminal may break; the others are short, or there to be copied."""

_CONTROL = re.compile(r"[\x00-\x1f\x7f-\x9f]")
_STATE_STYLES = {
    "PUBLISHED": "green",
    "PROTOTYPED": "green",
    "UNBLOCKED": "green",
    "ACTIVE": "green",
    "serving": "green",
    "as expected": "green",
    "DEPRECATED": "yellow",
    "EXPIRED": "yellow",
    "INACTIVE": "yellow",
    "ON_HOLD": "yellow",
    "PROD_ONLY_BLOCKED": "yellow",
    "BLOCKED": "red",
    "RETIRED": "red",
    "REVOKED": "red",
    "REJECTED": "red",
    "gone": "red",
    "NOT as expected": "red",
}


class Format(StrEnum):
    """How data is written."""

    TABLE = "table"
    JSON = "json"
    CSV = "csv"
    VALUE = "value"
    ENV = "env"
    GITHUB = "github"


class Output:
    """Writes what one command has to say, in one format."""

    def __init__(self, output_format: Format, *, is_quiet: bool, has_color: bool) -> None:
        """Raise UsageError for `github` outside a GitHub job, before anything is done."""
        self.format = output_format
        self._is_quiet = is_quiet
        self._has_color = has_color
        if output_format is Format.GITHUB and not os.environ.get("GITHUB_OUTPUT"):
            raise UsageError(
                "--format github writes to the file $GITHUB_OUTPUT, which is not set",
                hint="It is for steps of GitHub Actions; use --format env or json elsewhere.",
            )
        if output_format is Format.GITHUB:
            _check_github()

    def record(self, record: Record, *, title: str, bare: str, secrets: Sequence[str] = ()) -> None:
        """Write one record; `bare` names the field of the format `value`.

        `secrets` are the fields that are masked before they enter a GitHub job.
        """
        match self.format:
            case Format.JSON:
                _print_json(record)
            case Format.CSV:
                _print_csv([record], list(record))
            case Format.VALUE:
                if record[bare] is not None:
                    print(_text(record[bare], none=""))
            case Format.ENV:
                # A secret that is not shown again must not take away what a shell has of it.
                for name, value in record.items():
                    if value is not None or name not in secrets:
                        print(f"APIMCTL_{name.upper()}={shlex.quote(_text(value, none=''))}")
            case Format.GITHUB:
                _write_github(record, secrets)
            case Format.TABLE:
                self._draw_record(record, title=title)

    def rows(
        self, rows: Sequence[Record], *, columns: Sequence[str], bare: str, empty: str
    ) -> None:
        """Write a list; `empty` is said where it has no rows. A table shows only `columns`."""
        match self.format:
            case Format.JSON:
                _print_json([dict(row) for row in rows])
            case Format.CSV:
                _print_csv(rows, list(rows[0]) if rows else list(columns))
            case Format.VALUE:
                for row in rows:
                    print(_text(row[bare], none=""))
            case Format.ENV | Format.GITHUB:
                raise UsageError(
                    f"--format {self.format} writes one record, and this is a list",
                    hint="Use --format json, csv or value.",
                )
            case Format.TABLE if rows:
                self._draw_rows(rows, columns)
            case Format.TABLE:
                self.say(empty)

    def say(self, text: str) -> None:
        """Tell a person something, on stderr; nothing with ``--quiet``."""
        if not self._is_quiet:
            tell(text)

    def error(self, error: ApimctlError) -> None:
        """Say what went wrong, on stderr."""
        print_error(error, as_json=self.format is Format.JSON)

    def _draw_record(self, record: Record, *, title: str) -> None:
        if not sys.stdout.isatty():
            width = max(len(_heading(name)) for name in record)
            for name, value in record.items():
                print(f"{_heading(name):<{width}}  {_cell(name, value)}")
            return
        from rich.panel import Panel  # noqa: PLC0415 - only a terminal needs Rich
        from rich.table import Table  # noqa: PLC0415 - as above
        from rich.text import Text  # noqa: PLC0415 - as above

        grid = Table.grid(padding=(0, 2))
        grid.add_column(style="dim", no_wrap=True)
        grid.add_column(overflow="fold")
        for name, value in record.items():
            grid.add_row(_heading(name), self._styled(_cell(name, value)))
        self._draw(Panel(grid, title=Text(title, style="bold"), title_align="left", expand=False))

    def _draw_rows(self, rows: Sequence[Record], columns: Sequence[str]) -> None:
        if not sys.stdout.isatty():
            _print_aligned(
                [[_heading(name) for name in columns]]
                + [[_cell(name, row[name]) for name in columns] for row in rows]
            )
            return
        from rich import box  # noqa: PLC0415 - only a terminal needs Rich
        from rich.table import Table  # noqa: PLC0415 - as above

        table = Table(
            box=box.SIMPLE_HEAD, header_style="bold", pad_edge=False, padding=(0, 1, 0, 0)
        )
        for name in columns:
            table.add_column(_heading(name), overflow="fold", no_wrap=name not in _LONG)
        for row in rows:
            table.add_row(*(self._styled(_cell(name, row[name])) for name in columns))
        self._draw(table)

    def _draw(self, drawing: Any) -> None:
        from rich.console import Console  # noqa: PLC0415 - only a terminal needs Rich

        Console(no_color=not self._has_color, highlight=False).print(drawing)

    @staticmethod
    def _styled(text: str) -> Any:
        from rich.text import Text  # noqa: PLC0415 - only a terminal needs Rich

        return Text(text, style=_STATE_STYLES.get(text, "dim" if text == "-" else ""))


def print_text(text: str) -> None:
    """Write a help text or the like to stdout."""
    print(text)


def tell(text: str, *, end: str = "\n") -> None:
    """Write to stderr."""
    print(text, end=end, file=sys.stderr, flush=True)


def print_error(error: ApimctlError, *, as_json: bool) -> None:
    """Write an error to stderr: one line and a hint, or one JSON object."""
    if as_json:
        content = {"code": error.code, "message": error.message, "hint": error.hint}
        tell(json.dumps({"error": content}))
        return
    tell(f"error: {error.message}")
    if error.hint:
        tell(f"hint:  {error.hint}")


def _print_json(content: Any) -> None:
    print(json.dumps(content, indent=2, ensure_ascii=not _speaks_unicode()))


def _print_csv(rows: Sequence[Record], names: Sequence[str]) -> None:
    writer = csv.writer(sys.stdout, lineterminator="\n")
    writer.writerow(names)
    writer.writerows([_text(row[name], none="") for name in names] for row in rows)


def _print_aligned(lines: Sequence[Sequence[str]]) -> None:
    widths = [max(map(len, cells)) for cells in zip(*lines, strict=True)]
    for line in lines:
        cells = (f"{cell:<{width}}" for cell, width in zip(line, widths, strict=True))
        print("  ".join(cells).rstrip())


def _write_github(record: Record, secrets: Sequence[str]) -> None:
    """Mask first, then write: a secret must never be in the log before its mask."""
    for name in secrets:
        if record.get(name):
            print(f"::add-mask::{record[name]}", flush=True)
    _append_github("".join(f"{name}={_text(value, none='')}\n" for name, value in record.items()))


def _append_github(text: str) -> None:
    with Path(os.environ["GITHUB_OUTPUT"]).open("a", encoding="utf-8") as file:
        file.write(text)


def _check_github() -> None:
    try:
        _append_github("")
    except OSError as error:
        raise UsageError(
            f"the file $GITHUB_OUTPUT cannot be written: {(error.strerror or '').lower()}",
            hint="GitHub Actions sets it; leave it as it is.",
        ) from None


def _text(value: Any, *, none: str = "-") -> str:
    if value is None or value in ([], {}):
        return none
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, list):
        value = ",".join(map(str, value))
    if isinstance(value, dict):
        value = json.dumps(value, ensure_ascii=False)
    return _CONTROL.sub(" ", str(value)) or none


def _cell(name: str, value: Any) -> str:
    return _text(value, none=_SAID_OF_NOTHING.get(name, "-"))


def _heading(name: str) -> str:
    return name.replace("_", " ")


def _speaks_unicode() -> bool:
    return (sys.stdout.encoding or "").lower().replace("-", "") == "utf8"
