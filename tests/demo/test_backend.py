import contextlib
import http.client
import json
import signal
import socket
import subprocess
import sys
from urllib.parse import quote, urlsplit
from xml.etree import ElementTree as ET

import pytest

TIMEOUT_SECONDS = 60


@contextlib.contextmanager
def started(*arguments):
    command = [sys.executable, "-m", "apimctl.demo.backend", *map(str, arguments)]
    with subprocess.Popen(
        command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    ) as process:
        try:
            yield process
        finally:
            process.kill()


@pytest.fixture(scope="module")
def sandbox_port():
    with started("--port", 0, "--name", "sandbox") as process:
        yield urlsplit(process.stdout.readline().strip()).port


def get(port, path):
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=TIMEOUT_SECONDS)
    with contextlib.closing(connection):
        connection.request("GET", path)
        response = connection.getresponse()
        return response, response.read()


def test_it_answers_a_search_with_an_atom_feed(sandbox_port):
    response, body = get(sandbox_port, "/search.atom?q=cat")
    assert response.status == 200
    assert response.getheader("Content-Type") == "application/atom+xml; charset=utf-8"
    assert response.getheader("X-Environment") == "sandbox"
    feed = ET.fromstring(body)
    assert feed.findtext("{http://www.w3.org/2005/Atom}title") == "Sightings of 'cat' (sandbox)"
    assert len(feed.findall("{http://www.w3.org/2005/Atom}entry")) == 25


def test_it_answers_a_search_with_json(sandbox_port):
    response, body = get(sandbox_port, "/search.json?q=cat")
    assert response.status == 200
    assert response.getheader("Content-Type") == "application/json; charset=utf-8"
    assert response.getheader("X-Environment") == "sandbox"
    assert json.loads(body)["count"] == 25


def test_what_was_asked_comes_back_escaped(sandbox_port):
    response, body = get(sandbox_port, "/search.atom?q=" + quote('<b>&"\0'))
    assert response.status == 200
    assert b"<b>" not in body
    assert ET.fromstring(body).findtext("{http://www.w3.org/2005/Atom}title")


def test_other_paths_are_not_found(sandbox_port):
    response, _ = get(sandbox_port, "/")
    assert response.status == 404


def test_it_listens_on_loopback_only(sandbox_port):
    with socket.create_connection(("127.0.0.1", sandbox_port)):
        pass
    with pytest.raises(ConnectionRefusedError):
        socket.create_connection(("127.0.0.2", sandbox_port))


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_a_signal_stops_it(number):
    with started("--name", "production") as process:
        assert process.stdout.readline().startswith("http://127.0.0.1:")
        process.send_signal(number)
        stdout, stderr = process.communicate(timeout=TIMEOUT_SECONDS)
    assert (process.returncode, stdout, stderr) == (0, "", "")


def test_a_port_in_use_is_one_clear_line(sandbox_port):
    with started("--port", sandbox_port) as process:
        stdout, stderr = process.communicate(timeout=TIMEOUT_SECONDS)
    assert process.returncode == 1
    assert stdout == ""
    assert stderr.startswith(f"error: cannot listen on port {sandbox_port}: ")
    assert stderr.count("\n") == 1


def test_an_unknown_name_is_refused():
    with started("--name", "staging") as process:
        _, stderr = process.communicate(timeout=TIMEOUT_SECONDS)
    assert process.returncode == 2
    assert "staging" in stderr
