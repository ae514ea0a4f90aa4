"""The installed binary, run as a user of an empty home would: in a pipe, or at a terminal."""

import fcntl
import json
import os
import pty
import select
import struct
import subprocess
import sys
import termios
from dataclasses import dataclass, field
from pathlib import Path

BINARY = Path(sys.executable).parent / "apimctl"
TIMEOUT_SECONDS = 60
TAKE_TERMINAL = (
    "import fcntl, os, sys, termios;"
    "fcntl.ioctl(0, termios.TIOCSCTTY, 0);"
    "os.execv(sys.argv[1], sys.argv[1:])"
)
"""Makes the terminal at stdin the controlling one, so that Ctrl-C and hidden prompts work."""


@dataclass
class Result:
    """What one run of the binary did."""

    code: int
    stdout: str
    stderr: str

    @property
    def json(self):
        return json.loads(self.stdout)

    @property
    def error(self):
        return json.loads(self.stderr.splitlines()[-1])["error"]


@dataclass
class Cli:
    """Runs the installed binary as a user of an empty home would."""

    home: Path
    environment: dict[str, str] = field(default_factory=dict)

    @property
    def store(self) -> Path:
        return self.home / ".local/share/apimctl/apimctl.db"

    @property
    def config(self) -> Path:
        return self.home / ".config/apimctl/config.toml"

    def environ(self) -> dict[str, str]:
        kept = {name: value for name, value in os.environ.items() if name.startswith("COVERAGE_")}
        path = f"{BINARY.parent}:/usr/local/bin:/usr/bin:/bin"
        return {**kept, "HOME": str(self.home), "PATH": path, "LANG": "C.UTF-8", **self.environment}

    def start(self, *arguments, **options) -> subprocess.Popen:
        options = {"stdout": subprocess.PIPE, "stderr": subprocess.PIPE, "text": True} | options
        return subprocess.Popen(
            [BINARY, *map(str, arguments)], env=self.environ(), cwd=self.home, **options
        )

    def __call__(self, *arguments, stdin: str = "") -> Result:
        """Run a command in a pipe; a traceback is a defect, whatever the command."""
        with self.start(*arguments, stdin=subprocess.PIPE) as process:
            stdout, stderr = process.communicate(stdin, timeout=TIMEOUT_SECONDS)
        assert "Traceback" not in stderr, stderr
        return Result(process.returncode, stdout, stderr)

    def ok(self, *arguments, stdin: str = "") -> Result:
        """Run a command that has to succeed."""
        result = self(*arguments, stdin=stdin)
        assert result.code == 0, result
        return result

    def data(self, *arguments, stdin: str = ""):
        """Return the JSON of a command that has to succeed."""
        return self.ok(*arguments, "--json", stdin=stdin).json

    def at_terminal(self, *arguments, answers=()) -> tuple[int, str]:
        """Run a command at a terminal of 80 columns; return its exit code and what was seen.

        `answers` are pairs: what is asked, and what is typed then.
        """
        return at_terminal([str(BINARY), *map(str, arguments)], self.environ(), answers)


def at_terminal(command, environ, answers=()) -> tuple[int, str]:
    """Run a program at a terminal of its own, as `Cli.at_terminal` says."""
    terminal, inside = pty.openpty()
    fcntl.ioctl(inside, termios.TIOCSWINSZ, struct.pack("HHHH", 24, 80, 0, 0))
    with subprocess.Popen(
        [sys.executable, "-ISc", TAKE_TERMINAL, *command],
        stdin=inside,
        stdout=inside,
        stderr=inside,
        env={"TERM": "xterm-256color", **environ},
        cwd=environ["HOME"],
        start_new_session=True,
    ) as process:
        os.close(inside)
        try:
            seen = _converse(terminal, list(answers))
        except BaseException:
            process.kill()
            raise
        finally:
            os.close(terminal)
        code = process.wait(TIMEOUT_SECONDS)
    assert "Traceback" not in seen, seen
    return code, seen


def _converse(terminal: int, answers) -> str:
    """Answer what is asked, in this order; return all that was seen until the program ended."""
    seen, searched = b"", 0
    while True:
        readable, _, _ = select.select([terminal], [], [], TIMEOUT_SECONDS)
        assert readable, seen
        try:
            seen += os.read(terminal, 65536)
        except OSError:  # EIO: nobody has the other side any more
            assert not answers, (answers, seen)
            return seen.decode().replace("\r\n", "\n")
        while answers and (at := seen.find(answers[0][0].encode(), searched)) >= 0:
            asked, typed = answers.pop(0)
            searched = at + len(asked)
            os.write(terminal, typed.encode())
