"""`apimctl config`: settings, and where each comes from."""

from typing import Annotated

import typer

from apimctl.commands.forms import Reads, Writes, invocation, noun
from apimctl.invocation import Invocation

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

    config.check(key, value)
    before = call.settings
    if not call.is_dry_run:
        config.write(before.file, key, value)
        if before.store_path.exists():
            with call.writing() as db:
                settings.announce_change(db)
    row = config.find(call.load_settings(), key)
    record = {"key": key, "value": row.value, "origin": row.origin}
    said = f"{key} is {row.value} ({row.origin})"
    if call.is_dry_run:
        said = f"{key} would be {'unset' if value is None else value}, and is {row.value}"
    call.done(record, title=key, bare="value", said=said)
