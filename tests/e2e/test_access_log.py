"""The access log of a running gateway, and the ids of requests."""

import contextlib
import fcntl
import json
import os
import re
import signal
import stat

import pytest

from apimctl.edge.connection import HALF_CLOSE_SECONDS
from tests.e2e.conftest import running_gateway
from tests.e2e.market import running_market
from tests.e2e.test_websocket import HANDSHAKE, SWITCHED
from tests.e2e.waiting import until
from tests.e2e.wire import wired

OWN_ID = re.compile(r"[0-9a-f]{16}-[0-9a-f]+")
LAST = b"Connection: close\r\n"
TIME = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z")


@pytest.fixture
def path(cli):
    return cli.home / "access.log"


@contextlib.contextmanager
def logging_market(cli, path, backend, kind="json"):
    flags = ("--access-log", kind, "--access-log-file", path)
    with running_market(cli, backend, backend, *flags) as market:
        yield market


def lines(path, count):
    """Wait for so many lines and return them."""
    until(lambda: path.read_bytes().count(b"\n") >= count)
    found = path.read_text().splitlines()
    assert len(found) == count
    return found


def test_every_request_is_a_line_of_json(cli, path, backend):
    with logging_market(cli, path, backend) as market:
        stall = market.stall()
        headers = {
            "User-Agent": "test/1",
            "Referer": "https://example.com/",
            "X-Request-ID": "mine",
            "traceparent": "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01",
        }
        stall.call(stall.token, headers=headers)
        refused = stall.call()
        stall.ask(grant_type="client_credentials")
        served, unserved, login = map(json.loads, lines(path, 3))

    assert TIME.fullmatch(served.pop("time"))
    assert 0 < served.pop("backend_seconds") <= served.pop("seconds") < 60
    served.pop("bytes")
    assert served == {
        "request_id": "mine",
        "client": "127.0.0.1",
        "method": "GET",
        "path": f"/{stall.name}/1.0.0/search.atom?q=cat",
        "protocol": "HTTP/1.1",
        "status": 200,
        "fault": None,
        "api": stall.name,
        "version": "1.0.0",
        "application": stall.name,
        "owner": "admin",
        "key_type": "PRODUCTION",
        "user_agent": "test/1",
        "referer": "https://example.com/",
        "traceparent": headers["traceparent"],
    }
    assert OWN_ID.fullmatch(unserved["request_id"])
    assert unserved["request_id"] == refused.headers["X-Request-ID"]
    assert (unserved["status"], unserved["fault"]) == (401, 900902)
    assert (unserved["api"], unserved["application"]) == (stall.name, None)
    assert unserved["bytes"] == len(refused.body)
    assert unserved["backend_seconds"] is None
    assert (login["method"], login["path"], login["status"]) == ("POST", "/token", 200)
    assert login["api"] is None
    assert stat.S_IMODE(path.stat().st_mode) == 0o600


def test_the_combined_format_is_a_line_as_apache_writes_it(cli, path, backend):
    with logging_market(cli, path, backend, kind="combined") as market:
        market.gateway.get("/a?b", headers={"User-Agent": 'say "hi"', "Referer": "https://a.b/"})
        (line,) = lines(path, 1)
    assert re.fullmatch(
        r'127\.0\.0\.1 - - \[\d\d/\w{3}/\d{4}:\d\d:\d\d:\d\d \+0000\] "GET /a\?b HTTP/1\.1" 404 \d+'
        r' "https://a\.b/" "say \\"hi\\"" "[0-9a-f-]+"',
        line,
    )


def test_lines_go_to_stdout_where_no_file_is_named(cli):
    receive, send = os.pipe()
    with os.fdopen(receive) as pipe:
        with running_gateway(cli, "--access-log", "json", stdout=send) as gateway:
            os.close(send)
            gateway.get("/nothing")
            assert json.loads(pipe.readline())["path"] == "/nothing"
            gateway.get("/at/the/end")
        assert json.loads(pipe.readline())["path"] == "/at/the/end"
        assert pipe.read() == ""


def test_ids_are_given_to_answers_of_the_gateway_and_never_twice(shop):
    ids = {shop.gateway.get("/nothing").headers["X-Request-ID"] for _ in range(20)}
    ids |= {shop.gateway.form("/token", {}).headers["X-Request-ID"] for _ in range(20)}
    assert len(ids) == 40
    assert all(map(OWN_ID.fullmatch, ids))
    assert shop.call("x", headers={"X-Request-ID": "mine"}).headers["X-Request-ID"] == "mine"
    twice = [("X-Request-ID", "mine"), ("X-Request-ID", "yours")]
    assert OWN_ID.fullmatch(shop.call("x", headers=twice).headers["X-Request-ID"])
    assert "X-Request-ID" not in shop.call(shop.production["access_token"]).headers


def answered(wire, response, *lines, method=b"GET"):
    """Let the backend answer a request and leave; return the headers it got, and the client."""
    client, backend = wire.request(*lines, method=method)
    _, headers = backend.read_head()
    backend.send(response)
    backend.half_close()
    client.read_head()
    return headers, client


def test_each_kind_of_answer_has_its_line(cli, path, backend):
    with logging_market(cli, path, backend) as market, wired(market) as wire:
        answered(wire, b"HTTP/1.1 304 Not Modified\r\n" + LAST + b"\r\n")
        head = b"HTTP/1.1 200 OK\r\nContent-Length: 1234\r\n" + LAST + b"\r\n"
        answered(wire, head, method=b"HEAD")
        chunked = b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n" + LAST + b"\r\n"
        chunked += b"3\r\nabc\r\n2\r\nde\r\n0\r\n\r\n"
        assert answered(wire, chunked)[1].read_chunked() == b"abcde"
        _, client = answered(wire, SWITCHED, *HANDSHAKE)
        assert client.read_to_end() == b""
        lines(path, 4)
        client, waiting = wire.request()
        waiting.read_head()
        assert client.hears_nothing(HALF_CLOSE_SECONDS + 0.1)
        client.close()
        lines(path, 5)
        client = wire.connect()
        client.send(b"EHLO gateway.test\r\n\r\n")
        client.read_to_end()
        found = [json.loads(line) for line in lines(path, 6)]
    assert [(line["method"], line["status"], line["bytes"]) for line in found[:3]] == [
        ("GET", 304, 0),
        ("HEAD", 200, 0),
        ("GET", 200, 5),
    ]
    tunnel, left, unread = found[3:]
    assert (tunnel["status"], tunnel["api"]) == (101, wire.stall.name)
    assert tunnel["backend_seconds"] <= tunnel["seconds"]
    assert (left["status"], left["bytes"], left["backend_seconds"]) == (499, None, None)
    assert left["seconds"] >= HALF_CLOSE_SECONDS
    assert (unread["status"], unread["fault"], unread["client"]) == (400, 400, "127.0.0.1")
    assert (unread["method"], unread["path"], unread["api"]) == (None, None, None)


def test_who_leaves_amid_an_answer_was_answered_so_far(cli, path, backend):
    with logging_market(cli, path, backend) as market, wired(market) as wire:
        client, waiting = wire.request()
        waiting.read_head()
        waiting.send(b"HTTP/1.1 200 OK\r\nContent-Length: 1000\r\n\r\npart")
        assert client.read_until(b"part")
        client.close()
        assert waiting.read_to_end() == b""
        client, waiting = wire.request(*HANDSHAKE)
        waiting.read_head()
        waiting.send(SWITCHED)
        client.read_head()
        client.close()
        assert waiting.read_to_end() == b""
        found = [json.loads(line) for line in lines(path, 2)]
    assert [(line["status"], line["bytes"]) for line in found] == [(200, 4), (101, 0)]


def test_the_backend_gets_the_id_that_the_log_has(cli, path, backend):
    with logging_market(cli, path, backend) as market, wired(market) as wire:
        ok = b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n" + LAST + b"\r\n"
        trace = b"00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"
        first, _ = answered(wire, ok, b"traceparent: " + trace)
        second, _ = answered(wire, ok, b"X-Request-ID: mine", b"traceparent: not one")
        third, _ = answered(wire, ok, b"X-Request-ID: a", b"x-request-id: b")
        logged = [json.loads(line) for line in lines(path, 3)]
    assert sent(first, b"x-request-id") == [logged[0]["request_id"].encode()]
    assert OWN_ID.fullmatch(logged[0]["request_id"])
    assert sent(first, b"traceparent") == [trace]
    assert logged[0]["traceparent"] == trace.decode()
    assert sent(second, b"x-request-id") == [b"mine"]
    assert logged[1]["request_id"] == "mine"
    assert sent(second, b"traceparent") == [b"not one"]
    assert sent(third, b"x-request-id") == [b"a", b"b"]
    assert OWN_ID.fullmatch(logged[2]["request_id"])


def test_a_fault_names_the_id_that_the_backend_got(wire):
    client, backend = wire.request()
    _, headers = backend.read_head()
    backend.send(b"nonsense\r\n\r\n")
    first, answer = client.read_head()
    assert first.startswith(b"HTTP/1.1 502 ")
    assert sent(answer, b"x-request-id") == sent(headers, b"x-request-id")


def sent(headers, name):
    return [value for key, value in headers if key == name]


@pytest.mark.parametrize("kind", ["json", "combined"])
def test_no_secret_is_in_the_log_wherever_it_was_sent(cli, path, backend, kind):
    with logging_market(cli, path, backend, kind) as market:
        stall = market.stall()
        market.user()
        issued = stall.log_in("user1")
        secrets = {stall.token, *stall.client, issued["access_token"], issued["refresh_token"]}
        secrets.add("hunter2")
        count = 1
        for secret in secrets:
            escaped = "".join(f"%{ord(letter):02X}" for letter in secret)
            for target in (
                f"/{secret}",
                f"/{stall.name}/1.0.0/{secret}/x?{secret}",
                f"/x?access_token={secret}&refresh_token={secret}&x=1",
                f"/x?client_secret={escaped}&password={escaped}&code={escaped}",
                f"/token?token={secret}",
                f"/../{secret}",
            ):
                if secret == "hunter2" and "=" not in target:
                    continue
                headers = {
                    "User-Agent": f"agent (token={secret})",
                    "Referer": f"https://example.com/cb?code={secret}",
                    "X-Request-ID": f"password={secret}",
                    "traceparent": f"access_token={secret}",
                    "Authorization": f"Bearer {secret}",
                }
                market.gateway.send("GET", target, headers=headers)
                count += 1
        text = "\n".join(lines(path, count))
    for secret in secrets:
        assert secret.rpartition("_")[2] not in text
    assert "[redacted]" in text


def test_any_bytes_are_one_line(cli, path, backend):
    with logging_market(cli, path, backend) as market, wired(market) as wire:
        client = wire.connect()
        agent = b"\xe2\x80\xa8" + bytes(byte for byte in range(32, 256) if byte != 127)
        client.send(b'GET /"\\{}%%00 HTTP/1.1\r\nHost: a\r\nUser-Agent: %s\r\n\r\n' % agent)
        client.read_head()
        (line,) = map(json.loads, lines(path, 1))
    assert line["path"] == '/"\\{}%00'
    assert line["user_agent"].startswith("\u2028")
    assert line["user_agent"].endswith("\\xff")


def test_a_rotated_file_is_left_on_sighup(cli, path, backend):
    with logging_market(cli, path, backend) as market:
        market.gateway.get("/one")
        lines(path, 1)
        path.rename(path.with_name("access.log.1"))
        market.gateway.get("/two")
        lines(path.with_name("access.log.1"), 2)
        market.gateway.process.send_signal(signal.SIGHUP)
        until(path.exists)
        market.gateway.get("/three")
        (line,) = map(json.loads, lines(path, 1))
        assert line["path"] == "/three"
        assert stat.S_IMODE(path.stat().st_mode) == 0o600


def test_requests_of_the_last_moment_have_their_line(cli, path, backend):
    with logging_market(cli, path, backend) as market:
        for number in range(10):
            market.gateway.get(f"/{number}")
    assert [json.loads(line)["path"] for line in lines(path, 10)] == [f"/{n}" for n in range(10)]


def test_a_log_that_nobody_reads_stops_nothing(cli):
    receive, send = os.pipe()
    fcntl.fcntl(send, fcntl.F_SETPIPE_SZ, 4096)
    with running_gateway(cli, "--access-log", "json", stdout=send) as gateway:
        os.close(send)
        long = "/" + "x" * 30_000
        sent = 400
        for _ in range(sent):
            assert gateway.get(long).status == 404
        until(lambda: "lines of the access log are lost" in gateway.log)
        os.set_blocking(receive, False)
        read = b""

        def lost() -> int:
            shown = gateway.admin.get("/-/metrics").body.decode()
            return int(float(re.search(r"\napimctl_access_log_lost_lines_total (\S+)", shown)[1]))

        def is_accounted_for() -> bool:
            """Read on: what waits is written as soon as there is room, and the count is late."""
            nonlocal read
            with contextlib.suppress(BlockingIOError):
                while chunk := os.read(receive, 65536):
                    read += chunk
            return read.count(b"\n") + lost() == sent

        until(is_accounted_for)
        assert 0 < lost() < sent
        assert {json.loads(line)["status"] for line in read.splitlines()} == {404}
        gateway.get("/again")
        os.set_blocking(receive, True)
        with os.fdopen(receive, "rb") as pipe:
            assert json.loads(pipe.readline())["path"] == "/again"


def test_a_full_disk_stops_nothing(cli):
    with running_gateway(cli, "--access-log", "json", "--access-log-file", "/dev/full") as gateway:
        assert gateway.get("/").status == 404
        until(lambda: "1 line of the access log is lost: no space left" in gateway.log)
        assert gateway.get("/").status == 404


@pytest.mark.parametrize(
    ("flags", "code", "message"),
    [
        (("--access-log", "xml"), 6, "no format of the access log"),
        (("--access-log", "json", "--access-log-file", "/nowhere/a.log"), 6, "cannot be written"),
        (("--access-log-file", "a.log"), 2, "of no use without a log"),
        (("--admin-port", "http"), 6, "not a port"),
    ],
)
def test_what_cannot_be_logged_is_said_before_anything_is_served(cli, flags, code, message):
    result = cli("gateway", "serve", "--port", "0", "--admin-port", "0", *flags, "--json")
    assert result.code == code
    assert message in result.error["message"]
