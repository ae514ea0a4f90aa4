"""SIGUSR2, and whoever serves after it."""

import contextlib
import os
import signal

from tests.e2e.processes import await_end, wait_until, watched


def serving(cli, gateway):
    """Return the row of the gateway, which has to answer."""
    (row,) = [row for row in cli.data("gateway", "status") if row["url"] == gateway.url]
    assert row["state"] == "serving"
    return row


def upgrade(cli, gateway, old):
    """Let a process hand over; return the next one, once the old one has ended."""
    with watched(old) as descriptors:
        os.kill(old, signal.SIGUSR2)
        wait_until(lambda: serving(cli, gateway)["process_id"] != old)
        await_end(descriptors)
    return serving(cli, gateway)["process_id"]


@contextlib.contextmanager
def ended_at_last(cli, gateway):
    """End whichever process serves when the block is over."""
    try:
        yield
    finally:
        for row in cli("gateway", "status", "--json").json:
            if row["process_id"] != gateway.process.pid:
                with watched(row["process_id"]) as descriptors:
                    os.kill(row["process_id"], signal.SIGTERM)
                    await_end(descriptors)
