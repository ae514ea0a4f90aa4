"""What all tests share: a scrubbed environment, a store, the binary, programs of the system."""

import os
import shutil
from pathlib import Path

import pytest

from apimctl.store import open_store
from tests.binary import Cli
from tests.slapd import running_slapd

NOW = 1_800_000_000


@pytest.fixture(autouse=True)
def _scrubbed(monkeypatch, tmp_path):
    for name in os.environ:
        if name.startswith(("APIMCTL_", "XDG_", "GITHUB_")):
            monkeypatch.delenv(name)
    for name in ("NO_COLOR", "FORCE_COLOR", "COLUMNS", "TERM"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("HOME", str(tmp_path / "home"))


@pytest.fixture
def store_path(tmp_path) -> Path:
    return tmp_path / "data" / "apimctl.db"


@pytest.fixture
def store(store_path):
    opened = open_store(store_path, now=NOW)
    yield opened
    opened.close()


@pytest.fixture
def cli(tmp_path) -> Cli:
    home = tmp_path / "home"
    home.mkdir()
    return Cli(home)


@pytest.fixture(scope="session")
def slapd(tmp_path_factory):
    """Give one directory to all tests of a process; who stops it starts it again."""
    with running_slapd(tmp_path_factory.mktemp("slapd")) as running:
        yield running


def pytest_runtest_setup(item):
    for marker in item.iter_markers("needs"):
        program, package = marker.args
        if shutil.which(program) or shutil.which(program, path="/usr/sbin"):
            continue
        message = f"{program} is missing: sudo apt-get install {package}"
        if os.environ.get("CI") == "true":
            pytest.fail(message)
        pytest.skip(message)
