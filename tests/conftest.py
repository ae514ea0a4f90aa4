"""What all tests share: a scrubbed environment, a store, the binary, programs of the system."""

import os
import shutil
from pathlib import Path

import pytest

from apimctl.store import open_store
from tests.binary import Cli

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


def pytest_runtest_setup(item):
    for marker in item.iter_markers("needs"):
        program, package = marker.args
        if shutil.which(program):
            continue
        message = f"{program} is missing: sudo apt-get install {package}"
        if os.environ.get("CI") == "true":
            pytest.fail(message)
        pytest.skip(message)
