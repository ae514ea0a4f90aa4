"""The place the demo plays in: a folder, a store, two backends and a gateway, all thrown away."""

import contextlib
import json
import os
import secrets
import shlex
import shutil
import sys
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

from apimctl.demo.calls import API_PATH, Answer, Call, ask
from apimctl.demo.interruption import Interruption
from apimctl.demo.processes import Child, Children
from apimctl.errors import ApimctlError

PYTHON = (sys.executable, "-P")
"""Without the current folder on its path: what lies there is not ours."""

Say = Callable[[str], None]


class Stage:
    """What the story is played with. Made by `set_up`."""

    def __init__(self, folder: Path, interruption: Interruption, say: Say) -> None:
        self.store_path = folder / "store" / "apimctl.db"
        self.gateway_url = ""
        self.backend_urls: dict[str, str] = {}
        self._gateway: Child | None = None
        self._interruption = interruption
        self._say = say
        # Nothing of the user's own settings gets in: the store, the ports, the domain header.
        environment = {k: v for k, v in os.environ.items() if not k.startswith("APIMCTL_")}
        environment["APIMCTL_DB"] = str(self.store_path)
        environment["APIMCTL_CONFIG"] = str(folder / "config.toml")
        environment["TMPDIR"] = str(folder)  # what a killed child leaves there goes with it
        self.children = Children(folder, environment, interruption)

    def start_backends(self) -> None:
        """Start the production and the sandbox backend. Raises ApimctlError."""
        started = {
            name: self.children.start(
                f"the {name} backend",
                [*PYTHON, "-m", "apimctl.demo.backend", "--port", "0", "--name", name],
            )
            for name in ("production", "sandbox")
        }
        for name, child in started.items():
            self.backend_urls[name] = self.children.read_line(child)
            self._say(f"# a {name} backend listens on {self.backend_urls[name]}")

    def start_gateway(self) -> None:
        """Start the gateway and wait until it answers. Raises ApimctlError."""
        arguments = ("gateway", "serve", "--port", "0", "--admin-port", "off")
        self._say(f"$ {_shown(arguments)} &")
        self._gateway = self.children.start("the gateway", _command(arguments))
        rows = self.apimctl("gateway", "status", "--wait", "20s")
        self.gateway_url = next(row["url"] for row in rows if row["state"] == "serving")
        self._say(f"# the gateway serves it on {self.gateway_url}{API_PATH}")

    def apimctl(self, *arguments: str, secret: str = "") -> Any:
        """Run a command of the real binary, with a secret on its stdin; return its JSON.

        Raises ApimctlError with the command's own words if it fails.
        """
        self._say(f"$ {_shown(arguments)}")
        name = " ".join(("apimctl", *arguments[:2]))
        return json.loads(self.children.run(name, _command(arguments), stdin=secret))

    def call(self, call: Call) -> Answer:
        """Make a call to the gateway. Raises ApimctlError if nothing comes back."""
        try:
            return ask(self.gateway_url, call, interruption=self._interruption)
        except ApimctlError:
            self.children.require_servers()
            raise

    def keep_serving(self) -> None:
        """Return at Ctrl-C. Raises ApimctlError if the gateway ends by itself."""
        assert self._gateway is not None  # noqa: S101 - `start_gateway` comes first
        try:
            self.children.wait_for_end(self._gateway)
        except KeyboardInterrupt:
            return
        raise self._gateway.failure("ended")


@contextlib.contextmanager
def set_up(say: Say) -> Iterator[Stage]:
    """Give a stage, and take it down whatever happens: no process and no file is left.

    Raises ApimctlError.
    """
    with Interruption() as interruption:
        try:
            folder = Path(tempfile.mkdtemp(prefix="apimctl-demo-"))
        except OSError as error:
            raise ApimctlError(
                f"no temporary folder: {error}", hint="Name a place for one in TMPDIR."
            ) from None
        stage = Stage(folder, interruption, say)
        try:
            yield stage
        finally:
            stage.children.stop()
            shutil.rmtree(folder)


def new_password() -> str:
    """Return a password nobody knows."""
    return secrets.token_urlsafe(18)


def _command(arguments: tuple[str, ...]) -> list[str]:
    return [*PYTHON, "-m", "apimctl", *arguments, "--json"]


def _shown(arguments: tuple[str, ...]) -> str:
    return shlex.join(("apimctl", *arguments))
