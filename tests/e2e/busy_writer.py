"""A process that writes as fast as it can.

``python busy_writer.py STORE PREFIX`` makes one application after the other, and writes the name of
each to stdout once it is committed, until it is killed.
"""

import itertools
import secrets
import sys
import time
from pathlib import Path

from apimctl.services import applications
from apimctl.services.applications import ApplicationForm
from apimctl.store import open_store


def main(path, prefix):
    store = open_store(Path(path), now=int(time.time()))
    for number in itertools.count():
        name = f"{prefix}{number}"
        with store.transaction() as db:
            applications.create(
                db,
                name,
                owner="admin",
                form=ApplicationForm(),
                now=int(time.time()),
                random=secrets.token_bytes,
            )
        sys.stdout.write(f"{name}\n")
        sys.stdout.flush()


if __name__ == "__main__":
    main(*sys.argv[1:])
