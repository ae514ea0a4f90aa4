"""From one supervisor to the next, on the same sockets: an upgrade that refuses no connection.

The old one starts the command anew, which finds the sockets in ``APIMCTL_HANDOVER``, and says so
over a pipe once it serves. Until then the old one serves on, and if that does not happen, for good.
"""

import contextlib
import json
import os
import socket
import subprocess
import sys
import time
from collections.abc import Mapping, MutableMapping
from dataclasses import dataclass

from apimctl.errors import InvalidInputError
from apimctl.serving.sockets import Sockets, adopt

VARIABLE = "APIMCTL_HANDOVER"
PATIENCE_SECONDS = 60.0
"""How long a successor may take until it serves."""

KILL_SECONDS = 30.0
"""How long one that took too long may take to end."""

_SERVING = b"serving"


@dataclass(frozen=True, slots=True)
class Inheritance:
    """What a predecessor leaves: who the gateway is, and what it listens on."""

    gateway_id: str
    sockets: dict[str, socket.socket]
    predecessor: int
    """The descriptor over which it waits."""

    def say_serving(self) -> None:
        """Let the predecessor go; if it is dead, it is gone already."""
        with contextlib.suppress(BrokenPipeError):
            os.write(self.predecessor, _SERVING)
        self.close()

    def close(self) -> None:
        """Close what the predecessor is told over, in this process alone."""
        os.close(self.predecessor)


def take_inheritance(environ: MutableMapping[str, str]) -> Inheritance | None:
    """Return what a predecessor left to this process, and clear the variable; None without one.

    Raises InvalidInputError for a variable that no predecessor has set.
    """
    text = environ.pop(VARIABLE, "")
    if not text:
        return None
    with contextlib.ExitStack() as opened:
        try:
            left = json.loads(text)
            os.set_inheritable(left["predecessor"], False)
            sockets = {
                name: opened.enter_context(adopt(descriptor, name=name))
                for name, descriptor in left["sockets"].items()
            }
            inheritance = Inheritance(left["gateway_id"], sockets, left["predecessor"])
        except (ValueError, TypeError, KeyError, AttributeError, OSError):
            raise InvalidInputError(
                f"{VARIABLE} was not set by a gateway that hands over", hint=f"Unset {VARIABLE}."
            ) from None
        opened.pop_all()
    return inheritance


class Successor:
    """The command that was started anew, until it serves or fails."""

    def __init__(self, gateway_id: str, sockets: Sockets, environment: Mapping[str, str]) -> None:
        """Start it. `environment` is added to this process's own. Raises OSError."""
        self._reading, writing = os.pipe()
        descriptors = {name: found.fileno() for name, found in sockets.by_name().items()}
        left = {"gateway_id": gateway_id, "sockets": descriptors, "predecessor": writing}
        try:
            self._process = subprocess.Popen(  # noqa: S603 - the very command that runs now
                [sys.executable, *sys.orig_argv[1:]],
                pass_fds=[*descriptors.values(), writing],
                env={**os.environ, **environment, VARIABLE: json.dumps(left)},
            )
        except OSError:
            self.close()
            raise
        finally:
            os.close(writing)
        self.due_at: float = time.monotonic() + PATIENCE_SECONDS
        """When it is given up, in seconds of the monotonic clock; then, when it is killed."""
        self.is_given_up = False

    @property
    def process_id(self) -> int:
        """The id of its process."""
        return self._process.pid

    def fileno(self) -> int:
        """Return what becomes readable when it serves."""
        return self._reading

    def is_serving(self) -> bool:
        """Return whether it has said so; it can be read then, and once."""
        return os.read(self._reading, len(_SERVING)) == _SERVING

    def end(self) -> int | None:
        """Return its exit code if it has ended."""
        return self._process.poll()

    def give_up(self) -> None:
        """Tell it to end; the second time, end it."""
        if self.is_given_up:
            self._process.kill()
        else:
            self._process.terminate()
        self.is_given_up = True
        self.due_at = time.monotonic() + KILL_SECONDS

    def close(self) -> None:
        """Close what it is heard over, in this process alone."""
        os.close(self._reading)
