"""The place the demo plays in: a store, two backends, a gateway, an API Store, all thrown away."""

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
from apimctl.demo.shopper import Shopper
from apimctl.errors import ApimctlError

PYTHON = (sys.executable, "-P")
"""Without the current folder on its path: what lies there is not ours."""

OPENER = "import sys, webbrowser; sys.exit(not webbrowser.open(sys.argv[1]))"
"""A program of its own: some browsers end with the one that opens them, or take its terminal."""

Say = Callable[[str], None]


class Stage:
    """What the story is played with. Made by `set_up`."""

    def __init__(self, folder: Path, interruption: Interruption, say: Say) -> None:
        self.store_path = folder / "store" / "apimctl.db"
        self.gateway_url = ""
        self.portal_url = ""
        self.backend_urls: dict[str, str] = {}
        self._portal: Child | None = None
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
        self.children.start("the gateway", _command(arguments))
        rows = self.apimctl("gateway", "status", "--wait", "20s")
        self.gateway_url = next(row["url"] for row in rows if row["state"] == "serving")
        self._say(f"# the gateway serves it on {self.gateway_url}{API_PATH}")

    def start_portal(self) -> None:
        """Start the API Store, which comes up while other things are done."""
        arguments = ("portal", "serve", "--http", "--port", "0")
        self._say(f"$ {_shown(arguments)} &")
        self._portal = self.children.start("the API Store", _command(arguments))

    def visit_portal(self, user: str, password: str) -> str:
        """Log in at the API Store; return in words what is shown then. Raises ApimctlError."""
        assert self._portal is not None  # noqa: S101 - `start_portal` comes first
        if not self.portal_url:
            self.portal_url = self.children.read_said(self._portal, "API Store").rpartition("/")[0]
            self._say(f"# the API Store is on {self.portal_url}/store")
        shopper = Shopper(self.portal_url, self._interruption)
        with self._blaming_servers():
            return shopper.log_in(user, password)

    def apimctl(self, *arguments: str, secret: str = "") -> Any:
        """Run a command of the real binary, with a secret on its stdin; return its JSON.

        Raises ApimctlError with the command's own words if it fails.
        """
        self._say(f"$ {_shown(arguments)}")
        name = " ".join(("apimctl", *arguments[:2]))
        return json.loads(self.children.run(name, _command(arguments), stdin=secret))

    def call(self, call: Call) -> Answer:
        """Make a call to the gateway. Raises ApimctlError if nothing comes back."""
        with self._blaming_servers():
            return ask(self.gateway_url, call, interruption=self._interruption)

    def keep_serving(self, *, in_browser: bool) -> None:
        """Open the user's browser if that is wanted, and return at Ctrl-C.

        Raises ApimctlError if a server ends by itself.
        """
        with contextlib.suppress(KeyboardInterrupt):
            if in_browser and not self._open_browser():
                self._say("no browser opened; the address above is for any you have\n")
            self.children.watch_servers()

    def _open_browser(self) -> bool:
        """Open the API Store in the user's browser; return whether there seems to be one."""
        opener = [*PYTHON, "-c", OPENER, f"{self.portal_url}/store"]
        return self.children.run_aside("the browser", opener) in {0, None}

    @contextlib.contextmanager
    def _blaming_servers(self) -> Iterator[None]:
        """If a server has ended, say that in place of what follows from it."""
        try:
            yield
        except ApimctlError:
            self.children.require_servers()
            raise


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
