"""Packages that only a peer needs: from their registries into a temporary folder."""

import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

INSTALL_SECONDS = 300


class MissingPeerError(Exception):
    """A peer that this machine does not have, and how to get it."""


def install_wheel(requirement: str, folder: Path) -> Path:
    """Install a wheel and return the folder its modules are in. Raises MissingPeerError."""
    pip = (sys.executable, "-m", "pip", "--quiet", "--disable-pip-version-check", "install")
    _install([*pip, "--only-binary", ":all:", "--no-deps", "--target", str(folder), requirement])
    return folder


def install_npm(package: str, folder: Path) -> Path:
    """Install an npm package and return the folder to run node in. Raises MissingPeerError.

    No install script of anybody's is run.
    """
    folder.mkdir()
    quiet = ("--loglevel=error", "--no-audit", "--no-fund")
    _install(["npm", "install", "--ignore-scripts", *quiet, "--prefix", str(folder), package])
    return folder


def _install(command: Sequence[str]) -> None:
    try:
        done = subprocess.run(
            command, capture_output=True, text=True, check=False, timeout=INSTALL_SECONDS
        )
    except FileNotFoundError:
        raise MissingPeerError(f"{command[0]} is not on the PATH") from None
    except subprocess.TimeoutExpired:
        raise MissingPeerError(f"{command[-1]} was not installed in {INSTALL_SECONDS} s") from None
    if done.returncode:
        raise MissingPeerError(f"{command[-1]} cannot be installed: {command[0]} failed")
