"""The demo's child processes: started, waited for, and stopped by their own id."""

import contextlib
import json
import os
import selectors
import signal
import subprocess
import threading
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import NoReturn

from apimctl.demo.interruption import Interruption
from apimctl.errors import ApimctlError

START_SECONDS = 20.0
COMMAND_SECONDS = 60.0
STOP_SECONDS = 20.0
GLANCE_SECONDS = 0.2
"""How often it is looked whether the servers still live."""

LOOK_SECONDS = 0.02
"""How often it is looked whether a server has said where it is."""

ASIDE_SECONDS = 6.0
"""How long a program of the user's is waited for: `webbrowser` itself waits for 5."""


@dataclass(frozen=True, slots=True)
class Child:
    """A process of ours; `log` is where its stderr goes."""

    name: str
    process: subprocess.Popen[str]
    log: Path

    def failure(self, what: str) -> ApimctlError:
        """Return the error that says what went wrong, in the child's own last words."""
        message, hint = _last_words(self.log.read_text(encoding="utf-8", errors="replace"))
        return ApimctlError(f"{self.name} {what}{': ' if message else ''}{message}", hint=hint)


class Children:
    """All child processes of one demo."""

    def __init__(
        self, folder: Path, environment: Mapping[str, str], interruption: Interruption
    ) -> None:
        """Keep logs in this folder and give the children this environment."""
        self._folder = folder
        self._environment = environment
        self._interruption = interruption
        self._started: list[Child] = []
        self._servers: list[Child] = []

    def start(self, name: str, arguments: Sequence[str]) -> Child:
        """Start a server, which has to live until `stop`."""
        child = self._start(name, arguments)
        self._servers.append(child)
        return child

    def read_line(self, child: Child) -> str:
        """Return the next line a child says on stdout. Raises ApimctlError if it says none."""
        assert child.process.stdout is not None  # noqa: S101 - `_start` made the pipe
        with selectors.DefaultSelector() as selector, self._interruption.waiting():
            selector.register(child.process.stdout, selectors.EVENT_READ)
            has_spoken = bool(selector.select(START_SECONDS))
        line = child.process.stdout.readline() if has_spoken else ""
        if not line:
            raise child.failure("did not start")
        return line.rstrip()

    def read_said(self, child: Child, beginning: str) -> str:
        """Return what follows this on a line of a child's stderr. Raises ApimctlError."""
        deadline = time.monotonic() + START_SECONDS
        while True:
            has_ended = child.process.poll() is not None
            for line in child.log.read_text(encoding="utf-8", errors="replace").splitlines(True):
                if line.startswith(beginning) and line.endswith("\n"):
                    return line.removeprefix(beginning).strip()
            if has_ended or time.monotonic() > deadline:
                raise child.failure("did not start")
            self.pause(LOOK_SECONDS)

    def run_aside(self, name: str, arguments: Sequence[str]) -> int | None:
        """Run a program in the user's own environment, and return its exit code.

        None for one that goes on for long. What it says is nobody's concern.
        """
        process = subprocess.Popen(  # noqa: S603 - as above, on behalf of the user
            arguments,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            text=True,
        )
        self._started.append(Child(name, process, Path(os.devnull)))
        try:
            with self._interruption.waiting():
                return process.wait(ASIDE_SECONDS)
        except subprocess.TimeoutExpired:
            return None

    def run(self, name: str, arguments: Sequence[str], *, stdin: str = "") -> str:
        """Run a command to its end and return its stdout. Raises ApimctlError if it fails."""
        child = self._start(name, arguments, has_stdin=True)
        deadline = time.monotonic() + COMMAND_SECONDS
        sent: str | None = stdin
        while True:
            try:
                with self._interruption.waiting():
                    answer, _ = child.process.communicate(sent, timeout=GLANCE_SECONDS)
                break
            except subprocess.TimeoutExpired:
                sent = None
                self.require_servers()
                if time.monotonic() > deadline:
                    raise child.failure(f"took longer than {COMMAND_SECONDS:.0f} s") from None
        if child.process.returncode != 0:
            raise child.failure("failed")
        return answer

    def require_servers(self) -> None:
        """Raise ApimctlError if one of the servers has ended."""
        for server in self._servers:
            if server.process.poll() is not None:
                raise server.failure("ended")

    def watch_servers(self) -> NoReturn:
        """Wait until a signal ends the wait. Raises ApimctlError if a server ends before."""
        while True:
            self.require_servers()
            self.pause(GLANCE_SECONDS)

    def pause(self, seconds: float) -> None:
        """Let a moment pass; a signal ends it."""
        with self._interruption.waiting():
            threading.Event().wait(seconds)

    def stop(self) -> None:
        """End every child that lives, and return when none does."""
        for child in self._started:
            # The id of a child that was waited for may be another's by now: Popen knows.
            child.process.send_signal(signal.SIGTERM)
        for child in self._started:
            try:
                child.process.wait(STOP_SECONDS)
            except subprocess.TimeoutExpired:
                child.process.kill()
                child.process.wait()
            for pipe in (child.process.stdin, child.process.stdout):
                if pipe is not None:
                    with contextlib.suppress(BrokenPipeError):
                        pipe.close()

    def _start(self, name: str, arguments: Sequence[str], *, has_stdin: bool = False) -> Child:
        log = self._folder / f"{len(self._started)}.log"
        with log.open("wb") as stderr:
            process = subprocess.Popen(  # noqa: S603 - our own programs
                arguments,
                stdin=subprocess.PIPE if has_stdin else subprocess.DEVNULL,
                stdout=subprocess.PIPE,
                stderr=stderr,
                env=dict(self._environment),
                encoding="utf-8",
                errors="replace",
            )
        child = Child(name, process, log)
        self._started.append(child)
        return child


def _last_words(log: str) -> tuple[str, str]:
    """Return the message and the hint that a log ends with: JSON of ours, or any last line."""
    lines = log.strip().splitlines()
    if not lines:
        return "", ""
    try:
        error = json.loads(lines[-1])["error"]
        return error["message"], error["hint"]
    except (ValueError, KeyError, TypeError):
        return lines[-1].removeprefix("error: "), ""
