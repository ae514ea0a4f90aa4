"""OAuth clients from npm, each in a process of its own, spoken to in lines of JSON."""

import fcntl
import hashlib
import json
import os
import shutil
import subprocess
import sys
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import pytest

from tests.e2e.clients.site import RefusedError, Site

HERE = Path(__file__).parent
INSTALL_SECONDS = 120
OLDEST_NODE = 20


def installed_packages() -> Path:
    """Return a folder with what package-lock.json names, installed once for all test runs.

    Skips where that cannot be; in CI it has to.
    """
    lock = (HERE / "package-lock.json").read_bytes()
    folder = Path(sys.prefix) / "npm-clients" / hashlib.sha256(lock).hexdigest()[:16]
    folder.parent.mkdir(exist_ok=True)
    with (folder.parent / "lock").open("w") as turn:
        fcntl.flock(turn, fcntl.LOCK_EX)
        if not folder.exists():
            _require_node()
            _install(folder)
    return folder


def _require_node() -> None:
    for program in ("npm", "node"):
        if not shutil.which(program):
            _do_without(f"{program} is missing: sudo apt-get install npm")
    version = subprocess.run(["node", "--version"], capture_output=True, text=True, check=True)
    if int(version.stdout.strip().removeprefix("v").partition(".")[0]) < OLDEST_NODE:
        _do_without(f"node is {version.stdout.strip()}: openid-client needs {OLDEST_NODE}")


def _install(folder: Path) -> None:
    draft = folder.with_name(f"{folder.name}.draft")
    shutil.rmtree(draft, ignore_errors=True)
    draft.mkdir()
    for name in ("package.json", "package-lock.json", ".npmrc"):
        shutil.copy(HERE / name, draft)
    done = subprocess.run(
        ["npm", "ci", "--loglevel=error"],
        cwd=draft,
        capture_output=True,
        text=True,
        timeout=INSTALL_SECONDS,
        check=False,
    )
    if done.returncode:
        _do_without(f"npm ci failed: {done.stderr}")
    draft.rename(folder)


def _do_without(why: str) -> None:
    if os.environ.get("CI") == "true":
        pytest.fail(why)
    pytest.skip(why)


@dataclass
class NodeClient:
    """A client that answers verbs; what it is refused is raised."""

    process: subprocess.Popen

    def __getattr__(self, verb):
        return lambda **given: self._ask(verb, given)

    def _ask(self, verb, given):
        self.process.stdin.write(json.dumps({"verb": verb, **given}) + "\n")
        self.process.stdin.flush()
        line = self.process.stdout.readline()
        assert line, f"{verb} ended the client"
        answer = json.loads(line)
        if answer.get("error"):
            raise RefusedError(answer["error"])
        assert "result" in answer, answer["message"]
        return answer["result"]


@contextmanager
def running_client(script: str, packages: Path, folder: Path, site: Site):
    """Run one of the scripts of this folder as a client of that site."""
    for name in ("conversation.mjs", script):
        shutil.copy(HERE / name, folder)
    if not (folder / "node_modules").exists():
        (folder / "node_modules").symlink_to(packages / "node_modules")
    with subprocess.Popen(
        ["node", script],
        cwd=folder,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
        env={"PATH": os.environ["PATH"], "NODE_EXTRA_CA_CERTS": str(site.certificate)},
    ) as process:
        client = NodeClient(process)
        client.start(url=site.url, id=site.id, secret=site.secret, redirect_uri=site.redirect_uri)
        yield client
        process.stdin.close()
