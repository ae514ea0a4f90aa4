"""Whoever watches the requests of one worker: its metrics, and its access log if there is one."""

import logging
import time
from collections.abc import Callable
from pathlib import Path

from apimctl.config import GatewaySettings, Settings
from apimctl.edge.access_log import AccessLog
from apimctl.edge.application_names import ApplicationNames
from apimctl.edge.complaints import Complaints
from apimctl.edge.log_lines import RENDERERS
from apimctl.edge.log_sink import Sink
from apimctl.edge.metrics import Metrics
from apimctl.edge.observation import Observation
from apimctl.errors import ApimctlError

log = logging.getLogger("apimctl.gateway")


class Observer:
    """Takes every answered request. Belongs to the running event loop."""

    def __init__(
        self,
        settings: Settings,
        *,
        folder: Path,
        worker: int,
        count_connections: Callable[[], int],
    ) -> None:
        """Open the access log and the files of this worker's metrics in `folder`.

        Raises InvalidInputError for a log that cannot be written, ApimctlError for the folder.
        """
        self._log = _open_log(settings.gateway, settings.store_path)
        self._lost_lines = 0
        self._complaints = Complaints()
        try:
            self.metrics = Metrics(
                folder,
                worker=worker,
                names=ApplicationNames(settings.store_path),
                count_connections=count_connections,
            )
        except OSError as error:
            reason = (error.strerror or str(error)).lower()
            raise ApimctlError(
                f"the metrics cannot be kept in {folder}: {reason}",
                hint="Make room there, or name another folder with the variable TMPDIR.",
            ) from error

    @property
    def has_log(self) -> bool:
        """Whether what only the access log tells has to be observed."""
        return self._log is not None

    def observe(self, observation: Observation) -> None:
        """Count a request that was answered, and log it."""
        self.metrics.count(observation)
        if self._log is not None:
            self._log.write(observation)

    def reopen(self) -> None:
        """Go on with the file that stands at the log's path now."""
        if self._log is not None:
            self._log.reopen()

    async def publish(self) -> None:
        """Let others see what was counted, and warn of what was lost: once a second."""
        if self._log is not None:
            self._count_lost(self._log)
            self._log.tell(now=time.monotonic())
        try:
            await self.metrics.flush()
        except OSError as error:
            self._complaints.make(f"what was counted is not in the metrics: {error.strerror}")

    async def close(self) -> None:
        """Write what is left."""
        if self._log is not None:
            await self._log.close()
            self._count_lost(self._log)
        try:
            await self.metrics.close()
        except OSError as error:
            log.warning("the last second is not in the metrics: %s", error.strerror)

    def _count_lost(self, access_log: AccessLog) -> None:
        lost = access_log.dropped
        self.metrics.count_lost_lines(lost - self._lost_lines)
        self._lost_lines = lost


def check_log(settings: GatewaySettings) -> None:
    """Raise InvalidInputError for an access log that cannot be written."""
    if settings.access_log is not None:
        Sink(settings.access_log_file).close()


def _open_log(settings: GatewaySettings, store_path: Path) -> AccessLog | None:
    if settings.access_log is None:
        return None
    render = RENDERERS[settings.access_log]
    return AccessLog(Sink(settings.access_log_file), render, ApplicationNames(store_path))
