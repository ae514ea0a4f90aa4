"""`apimctl db`: the store itself."""

import typer

from apimctl.commands.forms import Reads, Writes, invocation, noun
from apimctl.errors import StoreUnreadableError

app = noun("Migrate and check the store.")


@app.command(cls=Writes)
def migrate(ctx: typer.Context) -> None:
    """Bring the store up to date, after a backup. Every command does that by itself."""
    from apimctl.store import SCHEMA_VERSION, schema_version  # noqa: PLC0415 - not for --help

    call = invocation(ctx)
    path = call.settings.store_path
    before = schema_version(path)
    if call.is_dry_run:
        said = f"would migrate {path} from schema {before}" if before else f"would make {path}"
        said = f"unchanged: {path} is up to date" if before == SCHEMA_VERSION else said
        backup_path = None
    else:
        backup_path = call.store.backup_path
        said = f"{path} is up to date"
    call.done(
        {
            "store": str(path),
            "schema_before": before,
            "schema": before if call.is_dry_run else SCHEMA_VERSION,
            "backup": str(backup_path) if backup_path else None,
        },
        title="store",
        bare="store",
        said=said,
    )


@app.command(cls=Reads)
def check(ctx: typer.Context) -> None:
    """Check the file, its rows and its rights. Exit 7 if something is wrong."""
    call = invocation(ctx)
    problems = call.store.check()
    call.output.record(
        {"store": str(call.store.path), "is_clean": not problems, "problems": problems},
        title="store",
        bare="store",
    )
    if problems:
        raise StoreUnreadableError(
            f"the store {call.store.path} has {len(problems)} problem"
            f"{'s' if len(problems) > 1 else ''}: {problems[0]}",
            hint="Mend them, or restore the file from a backup.",
        )
