"""The settings of a process that serves for long: as the configuration file has them now."""

import logging
from collections.abc import Callable
from pathlib import Path

from apimctl.config import Settings
from apimctl.errors import ApimctlError

_Stamp = tuple[int, int, int] | None
"""What tells one state of a file from the next; None where there is no file."""

log = logging.getLogger("apimctl.gateway")


class LiveSettings:
    """Gives the settings, read again once their file is another one.

    What cannot be read leaves the old ones, and is logged, once for each state of the file.
    """

    def __init__(self, load: Callable[[], Settings]) -> None:
        """`load` returns the settings anew. Raises what it raises."""
        self._load = load
        self._settings = load()
        self._stamp: _Stamp = (0, 0, 0)  # as no file has it: it may have changed since it was read

    def __call__(self) -> Settings:
        """Return the settings as they are now."""
        stamp = _stamp_of(self._settings.file)
        if stamp != self._stamp:
            self._stamp = stamp
            self.reload()
        return self._settings

    def reload(self) -> None:
        """Read them, whatever has become of the file."""
        try:
            self._settings = self._load()
        except ApimctlError as error:
            log.warning("the settings stay as they are: %s", error.message)


def _stamp_of(file: Path) -> _Stamp:
    try:
        status = file.stat()
    except OSError:
        return None
    return status.st_ino, status.st_mtime_ns, status.st_size
