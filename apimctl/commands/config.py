"""`apimctl config`: settings, and where each comes from."""

import os
from collections.abc import Callable
from functools import partial
from typing import TYPE_CHECKING, Annotated

import typer

from apimctl.commands.forms import Reads, Writes, invocation, noun
from apimctl.errors import InvalidInputError
from apimctl.invocation import Invocation

if TYPE_CHECKING:
    from pathlib import Path

app = noun("Settings, and where each comes from.")

Key = Annotated[
    str, typer.Argument(metavar="KEY", help="As in apimctl config list.", show_default=False)
]


@app.command("list", cls=Reads)
def list_settings(ctx: typer.Context) -> None:
    """List all settings with their origins: flag, environment, file or default."""
    call = invocation(ctx)
    rows = [
        {
            "key": row.key,
            "value": row.value,
            "origin": row.origin,
            "description": row.description,
        }
        for row in call.settings.rows
    ]
    call.output.rows(
        rows, columns=("key", "value", "origin", "description"), bare="key", empty="no settings"
    )


@app.command(cls=Reads)
def get(ctx: typer.Context, key: Key) -> None:
    """Show one setting; with --format value, its value alone."""
    from apimctl import config  # noqa: PLC0415 - not for --help

    call = invocation(ctx)
    row = config.find(call.settings, key)
    call.output.record(
        {"key": row.key, "value": row.value, "origin": row.origin}, title=key, bare="value"
    )


@app.command("set", cls=Writes)
def set_value(
    ctx: typer.Context,
    key: Key,
    value: Annotated[
        str, typer.Argument(metavar="VALUE", help="The new value.", show_default=False)
    ],
) -> None:
    """Write a setting to the file. A running gateway obeys it with its next request."""
    _write(invocation(ctx), key, value)


@app.command(cls=Writes)
def unset(ctx: typer.Context, key: Key) -> None:
    """Remove a setting from the file."""
    _write(invocation(ctx), key, None)


def _write(call: Invocation, key: str, value: str | None) -> None:
    from apimctl import config  # noqa: PLC0415 - not for --help
    from apimctl.services import settings  # noqa: PLC0415 - not for --help

    file = config.file_path(call.settings_flags, os.environ)
    config.rehearse(file, key, value)
    if call.is_dry_run:
        record = {"key": key, "value": value, "origin": f"file {file}"}
        said = f"{key} would be {'unset' if value is None else value}"
        # Any other setting can be rehearsed beside a file that cannot be read.
        if key == settings.PARTITIONS:
            said += _obey(call, key, value, lambda: None)
        call.done(record, title=key, bare="value", said=said)
        return
    remarks = _write_and_obey(call, file, key, value)
    written = call.load_settings()
    if value is None and key not in {row.key for row in written.rows}:
        record = {"key": key, "value": None, "origin": f"file {file}"}
        call.done(record, title=key, bare="value", said=f"{key} is gone from {file}")
        return
    row = config.find(written, key)
    said = f"{key} is {row.value} ({row.origin}){remarks}"
    record = {"key": key, "value": row.value, "origin": row.origin}
    call.done(record, title=key, bare="value", said=said)


def _write_and_obey(call: Invocation, file: "Path", key: str, value: str | None) -> str:
    from apimctl import config  # noqa: PLC0415 - not for --help

    write = partial(config.write, file, key, value)
    try:
        call.load_settings()
    except InvalidInputError:
        # Written first, then read: a file that cannot be read for one bad value can be mended.
        write()
        return _obey(call, key, value, lambda: None)
    return _obey(call, key, value, write)


def _obey(call: Invocation, key: str, value: str | None, write: Callable[[], None]) -> str:
    """Tell the gateways, make what the setting asks of the store, and say what.

    The file is written last: where the store cannot be used, nothing has changed.
    """
    from apimctl.services import settings  # noqa: PLC0415 - not for --help

    if not call.settings.store_path.exists():
        write()
        return ""
    with call.writing() as db:
        settings.announce_change(db)
        remarks = settings.prepare(db, key, value, now=call.now)
        if value is None:
            call.audit(db, "config.unset", key)
        else:
            call.audit(db, "config.set", key, value=value)
        write()
    return "".join(f"; {remark}" for remark in remarks)
