import os
import sys

import pytest

from apimctl.demo.interruption import Interruption
from apimctl.demo.processes import Children
from apimctl.errors import ApimctlError

SPEAKS = "import sys; print('ready', flush=True); sys.stdin.read(); import signal; signal.pause()"


@pytest.fixture
def children(tmp_path):
    with Interruption() as interruption:
        started = Children(tmp_path, os.environ, interruption)
        yield started
        started.stop()


def python(program):
    return [sys.executable, "-c", program]


def test_a_server_lives_until_it_is_stopped(children):
    child = children.start("the server", python(SPEAKS))
    assert children.read_line(child) == "ready"
    children.require_servers()
    children.stop()
    assert child.process.returncode is not None
    with pytest.raises(ApimctlError, match=r"^the server ended$"):
        children.require_servers()


def test_a_server_that_does_not_start_is_quoted(children):
    child = children.start("the server", python("raise SystemExit('first\\nno port')"))
    with pytest.raises(ApimctlError, match=r"^the server did not start: no port$"):
        children.read_line(child)


def test_a_command_is_given_its_secret_and_answers(children):
    program = "import sys; print(len(sys.stdin.read()))"
    assert children.run("a command", python(program), stdin="secret") == "6\n"


def test_a_command_that_fails_says_why_in_our_own_error(children):
    error = '{"error": {"code": "conflict", "message": "it is taken", "hint": "Use another."}}'
    with pytest.raises(ApimctlError) as raised:
        children.run("a command", python(f"raise SystemExit({error!r})"))
    assert raised.value.message == "a command failed: it is taken"
    assert raised.value.hint == "Use another."


def test_a_command_does_not_outlast_the_server_it_needs(children):
    server = children.start("the server", python("input()"))
    with pytest.raises(ApimctlError, match="the server ended: EOFError"):
        children.run("a command", python("import signal; signal.pause()"))
    assert server.process.returncode == 1
