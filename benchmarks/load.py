"""One run of wrk against one server, and what came of it."""

import json
import subprocess
import tempfile
from dataclasses import dataclass
from pathlib import Path

from benchmarks.calls import Call
from benchmarks.processes import LOAD_CORE, cpu_seconds

ANSWER_SECONDS = 30
"""A slow answer belongs to the latencies; only one that is slower than this counts as none."""

_ROTATION = """
local requests, turn = {{}}, 0
function init()
  for token in io.lines({file}) do
    wrk.headers["Authorization"] = "Bearer " .. token
    requests[#requests + 1] = wrk.format()
  end
end
function request()
  turn = turn % #requests + 1
  return requests[turn]
end
"""

_REPORT = """
function done(summary, latency)
  local e = summary.errors
  io.write(string.format(
    '{"requests": %d, "seconds": %.6f, "p50_ms": %.3f, "p99_ms": %.3f,'
      .. ' "refused": %d, "broken": %d}',
    summary.requests, summary.duration / 1e6,
    latency:percentile(50) / 1e3, latency:percentile(99) / 1e3,
    e.status, e.connect + e.read + e.write + e.timeout))
end
"""


@dataclass(frozen=True)
class Run:
    """Requests a second, latencies in milliseconds, CPU microseconds of the server per request."""

    requests: int
    requests_per_second: float
    p50_ms: float
    p99_ms: float
    cpu_us: float


class FailedLoadError(Exception):
    """Some requests were not answered, or not with success: such a run says nothing."""


def put_load(call: Call, *, process_id: int, seconds: int, connections: int) -> Run:
    """Load the server from a core of its own. Raises FailedLoadError, CalledProcessError."""
    with tempfile.TemporaryDirectory(prefix="apimctl-load-") as name:
        # The headers go by file: an argument of a process can be read by every user.
        tokens, script = Path(name, "tokens"), Path(name, "load.lua")
        tokens.write_text("\n".join(call.tokens))
        script.write_text(write_script(call, tokens=tokens))
        before = cpu_seconds(process_id)
        done = subprocess.run(
            [
                *("taskset", "--cpu-list", LOAD_CORE, "wrk", "--threads", "1"),
                *("--connections", str(connections), "--duration", f"{seconds}s"),
                *("--timeout", f"{ANSWER_SECONDS}s"),
                *("--script", script, call.url),
            ],
            capture_output=True,
            text=True,
            check=True,
        )
        used = cpu_seconds(process_id) - before
    return read_report(done.stdout, cpu_seconds=used)


def write_script(call: Call, *, tokens: Path) -> str:
    """Return the call as wrk's Lua script; its tokens stand in the file `tokens`, a line each."""
    lines = [f"wrk.method = {_quoted(call.method)}"]
    lines += [f"wrk.headers[{_quoted(k)}] = {_quoted(v)}" for k, v in call.headers.items()]
    if call.body:
        lines.append(f"wrk.body = {_quoted(call.body)}")
    if call.tokens:
        lines.append(_ROTATION.format(file=_quoted(str(tokens))))
    return "\n".join([*lines, _REPORT])


def read_report(text: str, *, cpu_seconds: float) -> Run:
    """Return what the last line of wrk's output says. Raises FailedLoadError."""
    report = json.loads(text.rpartition("\n")[2])
    requests, refused, broken = report["requests"], report["refused"], report["broken"]
    if not requests or refused or broken:
        raise FailedLoadError(
            f"{requests} requests: {refused} answered with an error, {broken} not answered"
        )
    return Run(
        requests=requests,
        requests_per_second=requests / report["seconds"],
        p50_ms=report["p50_ms"],
        p99_ms=report["p99_ms"],
        cpu_us=1e6 * cpu_seconds / requests,
    )


def _quoted(text: str) -> str:
    """Return a Lua string: of printable ASCII, JSON's strings are also Lua's."""
    if not (text.isascii() and text.isprintable()):
        raise ValueError("wrk is sent printable ASCII only")
    return json.dumps(text)
