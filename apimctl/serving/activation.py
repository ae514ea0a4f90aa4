"""Sockets that systemd opened for us: ``LISTEN_FDS`` (sd_listen_fds(3)).

A service that is started so may listen on ports below 1024 without rights of its own, and no
connection is refused while it restarts.
"""

import contextlib
import socket
from collections.abc import MutableMapping

from apimctl.errors import InvalidInputError
from apimctl.serving.sockets import NAMES, adopt

FIRST_DESCRIPTOR = 3


def take_sockets(
    environ: MutableMapping[str, str], *, process_id: int, first: int = FIRST_DESCRIPTOR
) -> dict[str, socket.socket]:
    """Return the sockets that were passed to this very process, by name, and clear the variables.

    A single socket of a name that is not one of `NAMES` is ``http``. Raises InvalidInputError for
    names that say nothing or something twice, and as `adopt`.
    """
    variables = ("LISTEN_PID", "LISTEN_FDS", "LISTEN_FDNAMES")
    receiver, count, names = (environ.pop(variable, "") for variable in variables)
    if receiver != str(process_id):
        return {}
    if not (count.isascii() and count.isdigit()):
        raise InvalidInputError(f"LISTEN_FDS is {count!r}, not a number", hint="Unset it.")
    with contextlib.ExitStack() as opened:
        found = {
            name: opened.enter_context(adopt(first + number, name=name))
            for number, name in enumerate(_names(names, int(count)))
        }
        opened.pop_all()
    return found


def _names(text: str, count: int) -> list[str]:
    """Return what each of the sockets is for."""
    names = text.split(":") if text else ["unknown"] * count
    if len(names) == count == 1 and names[0] not in NAMES:
        return ["http"]
    if len(names) != count or len(set(names)) != count or not set(names) <= set(NAMES):
        raise InvalidInputError(
            f"{count} sockets came under the names {', '.join(names)}",
            hint="Name each of them in its socket unit: FileDescriptorName=http, https or admin.",
        )
    return names
