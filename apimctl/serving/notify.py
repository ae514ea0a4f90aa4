"""What a service manager is told: sd_notify(3), without libsystemd."""

import logging
import os
import socket
import time
from collections.abc import MutableMapping

VARIABLE = "NOTIFY_SOCKET"

log = logging.getLogger("apimctl.gateway")


class Notifier:
    """Tells the service manager, where there is one, how this service is."""

    def __init__(self, address: str) -> None:
        """`address` is a path, or begins with ``@`` for an abstract socket; empty for nobody."""
        self._address = address

    @classmethod
    def take(cls, environ: MutableMapping[str, str]) -> "Notifier":
        """Return the one that the environment names, and clear the variable."""
        return cls(environ.pop(VARIABLE, ""))

    @property
    def environment(self) -> dict[str, str]:
        """What a successor needs, to tell the same service manager."""
        return {VARIABLE: self._address} if self._address else {}

    def ready(self) -> None:
        """Say that requests are answered, as the settings have it."""
        self._tell("READY=1")

    def reloading(self) -> None:
        """Say that the settings are read anew; `ready` follows."""
        now = time.clock_gettime_ns(time.CLOCK_MONOTONIC) // 1000
        self._tell(f"RELOADING=1\nMONOTONIC_USEC={now}")

    def stopping(self) -> None:
        """Say that no more connections are accepted, and that the process ends by and by."""
        self._tell("STOPPING=1")

    def replaced_by(self, process_id: int) -> None:
        """Say that another process is the service's main one from now on."""
        self._tell(f"MAINPID={process_id}")

    def _tell(self, state: str) -> None:
        if not self._address:
            return
        address = os.fsencode(self._address)
        if address.startswith(b"@"):
            address = b"\0" + address[1:]
        try:
            with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as messenger:
                messenger.setblocking(False)
                messenger.connect(address)
                messenger.send(state.encode())
        except OSError as error:
            log.warning("%s %s cannot be told: %s", VARIABLE, self._address, error.strerror)
