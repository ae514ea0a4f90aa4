"""wrk as it is driven, and what is read off it."""

import contextlib
import os
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest

from benchmarks.calls import Call, WrongAnswerError, ask
from benchmarks.load import FailedLoadError, put_load, read_report, write_script

needs_wrk = pytest.mark.needs("wrk", "wrk")

REPORT = """Running 1s test @ http://127.0.0.1:1/
  1 threads and 32 connections
{"requests": 2000, "seconds": 0.500, "p50_ms": 1.250, "p99_ms": 9.0, "refused": %d, "broken": %d}"""


def test_a_report_is_read():
    run = read_report(REPORT % (0, 0), cpu_seconds=0.3)
    assert (run.requests, run.requests_per_second) == (2000, 4000)
    assert (run.p50_ms, run.p99_ms) == (1.25, 9)
    assert run.cpu_us == pytest.approx(150)


@pytest.mark.parametrize(("refused", "broken"), [(1, 0), (0, 1)])
def test_a_run_with_failures_is_no_run(refused, broken):
    with pytest.raises(FailedLoadError, match=f"{refused} answered with an error, {broken} not"):
        read_report(REPORT % (refused, broken), cpu_seconds=0.3)


def test_a_run_without_requests_is_no_run():
    with pytest.raises(FailedLoadError):
        read_report((REPORT % (0, 0)).replace("2000", "0"), cpu_seconds=0.3)


def test_secrets_stand_in_the_script_as_they_are(tmp_path):
    call = Call("http://127.0.0.1:1/", {"X-Key": 'a"b\\c'})
    script = write_script(call, tokens=tmp_path)
    assert r'wrk.headers["X-Key"] = "a\"b\\c"' in script
    assert "rotat" not in script
    assert "a\\" not in repr(call)


@pytest.mark.parametrize("value", ["\u00e9", "a\nb"])
def test_what_lua_would_read_otherwise_is_refused(tmp_path, value):
    with pytest.raises(ValueError, match="ASCII"):
        write_script(Call("http://127.0.0.1:1/", {"X": value}), tokens=tmp_path)


class Listener(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def do_POST(self):
        body = self.rfile.read(int(self.headers["Content-Length"]))
        self.server.seen.add((self.headers["Authorization"], self.headers["X-Key"], body))
        self.send_response(self.server.status)
        self.send_header("Content-Length", "2")
        self.end_headers()
        self.wfile.write(b"ok")

    def log_message(self, *arguments):
        pass


@contextlib.contextmanager
def listening(status):
    with ThreadingHTTPServer(("127.0.0.1", 0), Listener) as server:
        server.status, server.seen = status, set()
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        try:
            yield server, f"http://127.0.0.1:{server.server_port}/a"
        finally:
            server.shutdown()
            thread.join()


def call_of(url) -> Call:
    return Call(url, {"X-Key": 'a"b\\c'}, "POST", "x=1", ("first", "second", "third"))


@needs_wrk
def test_wrk_sends_the_call_with_each_token_in_turn():
    with listening(200) as (server, url):
        run = put_load(call_of(url), process_id=os.getpid(), seconds=1, connections=2)
    assert run.requests > 0
    assert run.cpu_us > 0
    assert server.seen == {
        (f"Bearer {token}", 'a"b\\c', b"x=1") for token in ("first", "second", "third")
    }


@needs_wrk
def test_answers_that_are_errors_fail_the_run():
    with listening(500) as (_, url), pytest.raises(FailedLoadError, match="answered with an error"):
        put_load(call_of(url), process_id=os.getpid(), seconds=1, connections=2)


def test_a_call_can_be_asked_once():
    with listening(200) as (server, url):
        assert ask(call_of(url)) == "ok"
    assert server.seen == {("Bearer first", 'a"b\\c', b"x=1")}


@pytest.mark.parametrize("status", [204, 302, 401, 503])
def test_whatever_is_not_200_is_a_wrong_answer(status):
    with listening(status) as (_, url), pytest.raises(WrongAnswerError, match=str(status)):
        ask(call_of(url))
