"""The demo as a newcomer runs it, and every way it may be cut short: nothing is ever left."""

import contextlib
import csv
import http.client
import io
import os
import pty
import re
import select
import shlex
import signal
import subprocess
import sys
from pathlib import Path
from urllib.parse import urlsplit

import pytest

from apimctl.domain.credentials import PATTERN
from tests.binary import BINARY, TAKE_TERMINAL, TIMEOUT_SECONDS
from tests.e2e.conftest import Gateway
from tests.e2e.storefront import Shopper
from tests.e2e.waiting import until

CALLS = 25


@pytest.fixture
def place(cli, tmp_path):
    """Run the demo with a temporary folder of its own; afterwards nothing of it may be left."""
    folder = tmp_path / "temporary"
    folder.mkdir()
    cli.environment["TMPDIR"] = str(folder)
    yield folder
    assert list(folder.iterdir()) == []
    assert processes_of(folder) == {}
    assert not cli.store.exists()
    assert not cli.config.exists()


def processes_of(folder):
    """Return the command lines, by process id, of all that inherited this temporary folder."""
    found = {}
    for process in Path("/proc").glob("[0-9]*"):
        with contextlib.suppress(OSError):
            variables = (process / "environ").read_bytes().split(b"\0")
            if any(one.startswith(f"TMPDIR={folder}".encode()) for one in variables):
                found[int(process.name)] = (process / "cmdline").read_bytes().decode()
    return found


def test_in_a_pipe_it_tells_its_story_and_ends(cli, place):
    result = cli.ok("demo")
    head, *rows = result.stdout.splitlines()
    assert head.split() == ["step", "request", "answer", "verdict"]
    assert len(rows) == CALLS
    assert all(row.endswith("  as expected") for row in rows)
    assert "$ apimctl api create twitter --context /twitter" in result.stderr
    assert f"all {CALLS} calls were answered as they should be" in result.stderr
    assert not re.search(PATTERN, result.stdout + result.stderr)


def test_as_json_every_call_of_the_page_is_as_expected(cli, place):
    rows = cli.data("demo", "--once")
    assert {row["verdict"] for row in rows} == {"as expected"}
    assert all(row["answer"] == row["expected"] for row in rows)
    seen = {(row["path"], row["domain"], row["answer"]) for row in rows}
    search = "/twitter/1.0.0/search.atom?q=cat"
    assert seen >= {
        (search, None, "200 from sandbox"),
        (search, "example.com", "200 from production"),
        (search, "example.net", "403 900908 Resource forbidden"),
        (search, None, "403 900908 Resource forbidden"),
        (search, None, "401 900902 Missing Credentials"),
        (search, None, "401 900901 Invalid Credentials"),
        (search, None, "401 900903 Access Token Expired"),
        (search, "example.com", "401 900904 Access Token Inactive"),
        (search, None, "503 700700 API blocked"),
        ("/token", None, "200"),
        ("/token", None, "400 invalid_grant"),
        ("/store/login", None, "200 My Subscriptions"),
    }


def test_as_csv_it_is_a_table_for_a_program(cli, place):
    result = cli.ok("demo", "--format", "csv", "--quiet")
    assert result.stderr == ""
    rows = list(csv.DictReader(io.StringIO(result.stdout)))
    assert [row["verdict"] for row in rows] == ["as expected"] * CALLS


def test_settings_of_the_user_do_not_reach_it(cli, place):
    cli.environment |= {
        "APIMCTL_DB": str(cli.home / "mine.db"),
        "APIMCTL_GATEWAY_CLIENT_DOMAIN_HEADER": "referer",
        "APIMCTL_TOKENS_TIMESTAMP_SKEW": "1h",
    }
    result = cli.ok("demo", "--once", "--db", cli.home / "mine.db")
    assert "yours are not used" in result.stderr
    assert not (cli.home / "mine.db").exists()


def test_no_secret_is_in_the_command_line_of_a_process(cli, place):
    seen = set()
    log = cli.home / "log"
    with (
        log.open("w") as stderr,
        cli.start("demo", "--open", stdout=stderr, stderr=stderr) as process,
    ):
        while process.poll() is None:
            seen |= set(processes_of(place).values())
    assert process.returncode == 0, log.read_text()
    assert "no browser is opened" in log.read_text()
    assert any("generate\0--sandbox" in line for line in seen)
    assert any("apimctl.demo.backend" in line for line in seen)
    assert not any(re.search(PATTERN, line) for line in seen)


@pytest.mark.parametrize(
    ("number", "code"), [(signal.SIGTERM, 143), (signal.SIGINT, 130), (signal.SIGHUP, 129)]
)
@pytest.mark.parametrize(
    "moment", ["# a production", "$ apimctl key", "$ apimctl gateway status", "# the API Store"]
)
def test_cut_short_it_leaves_nothing(cli, place, number, code, moment):
    with cli.start("demo", "--once", stdin=subprocess.DEVNULL) as process:
        seen = ""
        while not seen.startswith(moment):
            seen = process.stderr.readline()
            assert seen, moment
        process.send_signal(number)
        stdout, stderr = process.communicate(timeout=TIMEOUT_SECONDS)
    assert process.returncode == code, stderr
    assert stdout == ""
    assert "Traceback" not in stderr


def test_a_reader_who_leaves_is_no_reason_to_leave_anything(cli, place):
    with cli.start("demo", stdin=subprocess.DEVNULL) as process:
        process.stdout.close()
        process.stdout = None
        _, stderr = process.communicate(timeout=TIMEOUT_SECONDS)
    assert "Traceback" not in stderr


def test_a_gateway_that_does_not_start_is_one_clear_error(cli, place):
    cli.environment["AIOHTTP_NO_EXTENSIONS"] = "1"
    result = cli("demo", "--once", "--json")
    assert result.code == 1
    assert result.stdout == ""
    assert result.error["message"].startswith("the gateway ended: aiohttp runs without")
    assert result.error["hint"].startswith("Unset AIOHTTP_NO_EXTENSIONS")


def test_a_backend_that_does_not_start_is_one_clear_error(cli, place):
    broken = cli.home / "broken"
    broken.mkdir()
    (broken / "aiohttp.py").write_text("raise ImportError('this one is broken')")
    cli.environment["PYTHONPATH"] = str(broken)
    result = cli("demo", "--once", "--json")
    assert result.code == 1
    assert result.stdout == ""
    assert result.error["message"] == (
        "the production backend did not start: ImportError: this one is broken"
    )


@contextlib.contextmanager
def on_a_terminal(cli, *arguments, end="api block twitter\r\n\r\n"):
    """Run the demo on a terminal, up to where it waits; give process, terminal and what it said."""
    terminal, inside = pty.openpty()
    with (
        open(terminal, "r+b", buffering=0) as screen,  # noqa: PTH123 - a descriptor
        subprocess.Popen(
            [sys.executable, "-ISc", TAKE_TERMINAL, BINARY, "demo", *arguments],
            stdin=inside,
            stdout=inside,
            stderr=inside,
            env={"TERM": "xterm-256color", **cli.environ()},
            start_new_session=True,
        ) as process,
    ):
        os.close(inside)
        try:
            seen = read_until(screen, end)
            yield process, screen, seen.replace("\r\n", "\n")
        except BaseException:
            process.terminate()
            raise


def read_until(screen, end):
    seen = b""
    while end.encode() not in seen:
        readable, _, _ = select.select([screen], [], [], TIMEOUT_SECONDS)
        assert readable, seen
        try:
            seen += os.read(screen.fileno(), 65536)
        except OSError:  # EIO: nobody has the other side any more
            raise AssertionError(seen) from None
    return seen.decode()


@pytest.mark.needs("curl", "curl")
def test_on_a_terminal_it_keeps_serving_until_ctrl_c(cli, place):
    with on_a_terminal(cli) as (process, screen, seen):
        lines = re.findall(r"^  (?:curl|apimctl) .*", seen, re.MULTILINE)
        curl, token_list, block = map(shlex.split, lines)
        answered = subprocess.run([*curl, "--silent"], capture_output=True, check=True)
        assert b"<title>Sightings of 'cat' (sandbox)</title>" in answered.stdout
        assert cli.ok(*token_list[1:]).stdout.split().count("ACTIVE") == 1
        cli.ok(*block[1:])
        blocked = subprocess.run([*curl, "--silent"], capture_output=True, check=True)
        assert b"700700" in blocked.stdout
        screen.write(b"\x03")
        read_until(screen, "nothing is left behind")
    assert process.returncode == 0


def test_on_a_terminal_it_says_so_when_the_gateway_dies(cli, place):
    with on_a_terminal(cli) as (process, screen, seen):
        (db,) = set(re.findall(r"--db (\S+)", seen))
        (gateway,) = cli.data("--db", db, "gateway", "status")
        os.kill(gateway["process_id"], signal.SIGKILL)
        read_until(screen, "error: the gateway ended")
    assert process.returncode == 1


def test_a_reader_can_log_in_at_the_api_store_until_that_dies(cli, place):
    with on_a_terminal(cli) as (process, screen, seen):
        line = r"^  (\S+)/store   user (\w+), password (\S+)$"
        url, user, password = re.search(line, seen, re.MULTILINE).groups()
        shopper = Shopper(Gateway(url, process, cli.home / "none"))
        assert shopper.log_in(user, password).status == 200
        assert "DefaultApplication" in shopper.visit("/store/subscriptions").body.decode()
        (portal,) = [pid for pid, line in processes_of(place).items() if "portal\0serve" in line]
        os.kill(portal, signal.SIGKILL)
        read_until(screen, "error: the API Store ended")
    assert process.returncode == 1


def test_the_api_store_is_opened_in_the_browser_of_the_user_which_may_stay(cli, place):
    opened, browser = cli.home / "opened", cli.home / "browser"
    browser.write_text(
        f"#!/bin/sh\necho $1 ${{APIMCTL_DB-none}} >{opened}.part\n"
        f"mv {opened}.part {opened}\nexec sleep 1000\n"
    )
    browser.chmod(0o755)
    cli.environment["BROWSER"] = f"{browser} %s"
    with on_a_terminal(cli, "--open") as (process, screen, seen):
        until(opened.exists)
        (url,) = re.findall(r"^  (\S+/store)   user", seen, re.MULTILINE)
        assert opened.read_text().split() == [url, "none"]
        screen.write(b"\x03")
        assert "no browser" not in read_until(screen, "nothing is left behind")
    assert process.returncode == 0


def test_without_a_browser_it_says_so_and_serves_on(cli, place):
    cli.environment |= {"BROWSER": "/nowhere/browser %s", "PATH": str(cli.home)}
    with on_a_terminal(cli, "--open", end="no browser opened") as (process, screen, _):
        screen.write(b"\x03")
        read_until(screen, "nothing is left behind")
    assert process.returncode == 0


def test_open_and_once_exclude_each_other(cli, place):
    assert cli("demo", "--open", "--once").code == 2


def test_once_on_a_terminal_it_ends(cli, place):
    code, seen = cli.at_terminal("demo", "--once")
    assert code == 0
    assert f"all {CALLS} calls" in seen
    assert max(len(line) for line in seen.splitlines() if "as expected" in line) <= 100


def test_while_it_serves_it_listens_on_loopback_only(cli, place):
    with on_a_terminal(cli) as (process, _, seen):
        urls = [urlsplit(url) for url in re.findall(r"# .* on (http://\S+)", seen)]
        assert [url.hostname for url in urls] == ["127.0.0.1"] * 4
        for url in urls:
            connection = http.client.HTTPConnection("127.0.0.2", url.port)
            with contextlib.closing(connection), pytest.raises(ConnectionRefusedError):
                connection.connect()
        process.send_signal(signal.SIGTERM)
        assert process.wait(TIMEOUT_SECONDS) == 143
