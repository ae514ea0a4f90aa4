"""The settings as they are now: their file is read again once it has changed, not every time."""

import logging
from collections.abc import Callable
from pathlib import Path

from apimctl.config import Settings
from apimctl.errors import ApimctlError

log = logging.getLogger("apimctl.gateway")


class LiveSettings:
    """The settings of a process that `config set` need not restart.

    A file that cannot be read any more, as while it is being edited, changes nothing; that is
    logged.
    """

    def __init__(self, load: Callable[[], Settings]) -> None:
        """`load` reads them. Raises what that raises."""
        self._load = load
        self._settings = load()
        self._seen: tuple[int, ...] | None = None  # which no file is like: what is read next counts

    def __call__(self) -> Settings:
        """Return the settings as they are now."""
        seen = _identity(self._settings.file)
        if seen != self._seen:
            self._seen = seen
            try:
                self._settings = self._load()
            except ApimctlError as error:
                log.warning("the settings stay as they were: %s", error.message)
        return self._settings


def _identity(file: Path) -> tuple[int, ...]:
    """Return what tells a file from what it was before; that of none is empty."""
    try:
        found = file.stat()
    except OSError:
        return ()
    return found.st_dev, found.st_ino, found.st_size, found.st_mtime_ns
