import os
import re
import signal
import socket
import subprocess
from pathlib import Path

import pytest

from tests.binary import BINARY, TIMEOUT_SECONDS

ROOT = Path(__file__).parents[2]


def free_port() -> str:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        return str(listener.getsockname()[1])


@pytest.mark.needs("curl", "curl")
def test_the_tour_of_the_readme_works_as_pasted(cli):
    readme = (ROOT / "README.md").read_text()
    tour = re.search(r"## Two-minute tour\n.*?```sh\n(.*?)```", readme, re.DOTALL).group(1)
    gateway_port, backend_port = free_port(), free_port()
    assert "8280" in tour
    assert "9090" in tour
    tour = tour.replace("8280", gateway_port).replace("9090", backend_port)
    ports = {"APIMCTL_GATEWAY_PORT": gateway_port, "APIMCTL_GATEWAY_ADMIN_PORT": "off"}
    with subprocess.Popen(
        ["bash", "-u", "-c", f"{tour}\nwait"],
        cwd=BINARY.parents[2],
        env=cli.environ() | ports,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        start_new_session=True,
    ) as process:
        try:
            stdout, stderr = process.communicate(timeout=TIMEOUT_SECONDS)
        except subprocess.TimeoutExpired:
            os.killpg(process.pid, signal.SIGKILL)
            raise
    assert "Traceback" not in stderr
    assert "error" not in stderr
    fed, nowhere, renewed_away, renewed, issued = stdout.splitlines()[-5:]
    assert '"count": ' in fed
    assert '"code": 900908' in nowhere
    assert '"code": 900904' in renewed_away
    assert renewed == "200"
    assert '"token_type": "Bearer"' in issued


def test_the_readme_opens_with_the_two_commands_that_do_everything():
    readme = (ROOT / "README.md").read_text()
    first_block = re.search(r"```sh\n(.*?)```", readme, re.DOTALL).group(1)
    commands = [line.split("#")[0].strip() for line in first_block.splitlines()]
    assert commands == ["make demo", "make test"]
    makefile = (ROOT / "Makefile").read_text()
    assert all(f"\n{command.split()[1]}: " in makefile for command in commands)
