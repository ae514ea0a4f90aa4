"""wrk, as hard as it can over connections that it keeps, until a test has seen enough."""

import contextlib
import json
import os
import select
import signal
import subprocess
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

from tests.binary import TIMEOUT_SECONDS

CONNECTIONS = 16
PER_DOT = 50
_SCRIPT = f"""
wrk.headers["Authorization"] = "Bearer %s"
local answers = 0
function response()
  answers = answers + 1
  if answers %% {PER_DOT} == 0 then io.stderr:write(".") end
end
function done(summary)
  local e = summary.errors
  local report = '\\n{{"requests": %%d, "status": %%d, "connect": %%d, '
    .. '"read": %%d, "write": %%d, "timeout": %%d}}'
  io.write(report:format(
    summary.requests, e.status, e.connect, e.read, e.write, e.timeout))
end
"""


@dataclass(frozen=True)
class Report:
    """What came of it all: how many requests, and how many failed in which way.

    `status` counts answers above 399. A refused connection is an error of connect or of write.
    """

    requests: int
    status: int
    connect: int
    read: int
    write: int
    timeout: int

    @property
    def errors(self) -> int:
        return self.status + self.connect + self.read + self.write + self.timeout


@dataclass
class Wrk:
    """A running wrk."""

    process: subprocess.Popen
    _report: list[Report] = field(default_factory=list)

    def await_more(self, count: int = 500) -> None:
        """Return after so many more answers."""
        stream = self.process.stderr.fileno()
        while select.select([stream], [], [], 0)[0]:
            assert os.read(stream, 65536)
        # The first dot stands for answers that may have come before.
        dots = 1 + count // PER_DOT
        while dots > 0:
            readable, _, _ = select.select([stream], [], [], TIMEOUT_SECONDS)
            assert readable
            read = os.read(stream, 65536)
            assert set(read) <= {ord(".")} != set(), read
            dots -= len(read)

    def end(self) -> Report:
        """Let it end now; return what it saw."""
        if not self._report:
            self.process.send_signal(signal.SIGINT)
            stdout, _ = self.process.communicate(timeout=TIMEOUT_SECONDS)
            self._report.append(Report(**json.loads(stdout.splitlines()[-1])))
        return self._report[0]


@contextlib.contextmanager
def running_wrk(url: str, token: str, folder: Path) -> Iterator[Wrk]:
    """Load `url` from one thread; the token goes by file, since anybody can read arguments."""
    script = folder / "load.lua"
    script.write_text(_SCRIPT % token)
    command = ["wrk", "--threads", "1", "--connections", str(CONNECTIONS), "--script", script]
    limits = ["--duration", "1h", "--timeout", f"{TIMEOUT_SECONDS}s"]
    with subprocess.Popen(
        [*command, *limits, url], stdout=subprocess.PIPE, stderr=subprocess.PIPE
    ) as process:
        try:
            wrk = Wrk(process)
            wrk.await_more()
            yield wrk
        finally:
            process.kill()
