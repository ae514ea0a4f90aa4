"""What a supervisor and one of its workers say to each other, over a pair of sockets.

Downwards a byte a command; upwards a line of JSON a report. Whoever reads the end of it knows that
the other is dead, however it died: no process id is asked for, which may be another's by now.
"""

import asyncio
import json
import socket
from collections.abc import Iterator
from dataclasses import dataclass
from enum import Enum

from apimctl.errors import ApimctlError

_ENOUGH_BYTES = 65536


class Command(Enum):
    """What a worker is told."""

    RELOAD = b"r"
    """Read the settings anew."""
    REOPEN = b"o"
    """Go on with the file that stands at the access log's path now."""
    RENEW = b"c"
    """Read the certificate anew."""
    STOP = b"s"
    """Accept no more clients, finish, and end; until then, answer whoever runs the gateway."""
    DRAIN = b"d"
    """Accept nothing more, finish, and end: others answer."""
    HURRY = b"h"
    """Cut what is not finished yet."""


@dataclass(frozen=True, slots=True)
class Report:
    """What a worker says of itself: that it serves, or why it does not (any more)."""

    error: ApimctlError | None = None

    def encode(self) -> bytes:
        """Return the line that `decode` reads."""
        if self.error is None:
            return b"{}\n"
        parts = {field: getattr(self.error, field) for field in ("code", "message", "hint")}
        return json.dumps(parts).encode() + b"\n"

    @classmethod
    def decode(cls, line: bytes) -> "Report":
        """Return the report of a line, its error of the class that it was of."""
        parts = json.loads(line)
        if not parts:
            return cls()
        error = dict(_kinds(ApimctlError))[parts["code"]]
        return cls(error(parts["message"], hint=parts["hint"]))


class Reports:
    """The reports of one worker, as they come in."""

    def __init__(self, connection: socket.socket) -> None:
        self._connection = connection
        self._unread = b""
        self.is_over = False

    def read(self) -> list[Report]:
        """Return what came since, and know whether it was the last."""
        while not self.is_over:
            try:
                data = self._connection.recv(_ENOUGH_BYTES)
            except BlockingIOError:
                break
            except ConnectionError:
                data = b""
            self.is_over = not data
            self._unread += data
        *lines, self._unread = self._unread.split(b"\n")
        return [Report.decode(line) for line in lines]


def listen_for_commands(connection: socket.socket) -> asyncio.Queue[Command]:
    """Return where the supervisor's commands arrive; its end means DRAIN."""
    loop = asyncio.get_running_loop()
    commands: asyncio.Queue[Command] = asyncio.Queue()

    def read() -> None:
        try:
            data = connection.recv(_ENOUGH_BYTES)
        except ConnectionError:
            data = b""
        if not data:
            loop.remove_reader(connection)
            data = Command.DRAIN.value
        for byte in data:
            commands.put_nowait(Command(bytes([byte])))

    loop.add_reader(connection, read)
    return commands


def _kinds(error: type[ApimctlError]) -> Iterator[tuple[str, type[ApimctlError]]]:
    yield error.code, error
    for kind in error.__subclasses__():
        yield from _kinds(kind)
